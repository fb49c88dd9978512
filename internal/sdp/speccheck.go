package sdp

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a specification.
const (
	MaxDescription = 500       // bytes
	MaxLabels      = 50        // of a sandbox
	MaxLabel       = 63        // bytes of a label's key; its value may have MaxLabelValue
	MaxLabelValue  = 200       // bytes
	MaxVariables   = 200       // of a sandbox, and of each service
	MaxOwnBytes    = 256 << 10 // bytes of all keys and values of a sandbox's or a service's own variables
	MaxServices    = 100       // of a sandbox
	minMemory      = 6 << 20   // bytes; Docker takes no less
	minCPUs        = 0.01      // of one CPU
	minPIDs        = 4         // a runtime needs some threads before a service says anything
	minExpiry      = time.Minute
	maxExpiry      = 10 * 365 * 24 * time.Hour
)

// Check returns an Invalid error unless everything in the specification can be what it says it is. Whether repositories,
// environments and nodes exist is not looked at.
func (s SandboxSpec) Check() error {
	checks := []func() error{
		func() error { return CheckSandboxName(s.Name) },
		s.checkTexts, s.checkEnvironment, s.checkExpiry,
		func() error { return CheckVariables("", s.Variables) },
		func() error { return s.Limits.Container.check("limits.container") },
		func() error { return s.Limits.Total.check("limits.total") },
		s.checkGateway, s.checkServices,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

var labelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$`)

func (s SandboxSpec) checkTexts() error {
	if len(s.Description) > MaxDescription || !printable(s.Description) {
		return Errorf(Invalid, "bad-description", "the description is longer than %d bytes or has control characters in it",
			MaxDescription).WithRemedy("shorten it to one line")
	}
	if len(s.Labels) > MaxLabels {
		return Errorf(Invalid, "too-many-labels", "%d labels are too many", len(s.Labels)).
			WithRemedy("use up to %d", MaxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		if len(key) > MaxLabel || !labelPattern.MatchString(key) {
			return Errorf(Invalid, "bad-label", "label %q is not valid", short(strings.ToValidUTF8(key, "?"), 40)).
				WithRemedy("use up to %d letters, digits, dots, slashes, dashes and underscores", MaxLabel)
		}
		if v := s.Labels[key]; len(v) > MaxLabelValue || !printable(v) {
			return Errorf(Invalid, "bad-label", "the value of label %s is longer than %d bytes or has control characters in it",
				key, MaxLabelValue).WithRemedy("shorten it to one line")
		}
	}
	return nil
}

// printable reports whether text is UTF-8 on one line.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (s SandboxSpec) checkEnvironment() error {
	switch {
	case s.EnvironmentVersion < 0:
		return Errorf(Invalid, "bad-version", "an environment has no version %d", s.EnvironmentVersion).
			WithRemedy("versions count from 1; leave it out for the newest")
	case s.EnvironmentVersion > 0 && s.Environment == "":
		return Errorf(Invalid, "bad-version", "version %d is of no environment", s.EnvironmentVersion).
			WithRemedy("name the environment as well")
	}
	return nil
}

func (s SandboxSpec) checkExpiry() error {
	for _, span := range []time.Duration{s.Expiry.IdleAfter, s.Expiry.DeleteAfter} {
		if span != 0 && (span < minExpiry || span > maxExpiry) {
			return Errorf(Invalid, "bad-duration", "%s is no time between a minute and ten years", span).
				WithRemedy(`write a number with a unit, such as "72h"`)
		}
	}
	return nil
}

func (s SandboxSpec) checkGateway() error {
	g := s.Gateway
	if g == nil {
		return nil
	}
	if g.UseOCP || g.URL != "" || g.Branch == "" && g.Commit == "" {
		return Errorf(Invalid, "bad-gateway", "the gateway does not say what it runs").
			WithRemedy("give it a branch or a commit, or leave the gateway out: requests are then routed by path")
	}
	return g.check("the gateway")
}

func (s SandboxSpec) checkServices() error {
	if len(s.Services) > MaxServices {
		return Errorf(Invalid, "too-many-services", "%d services are too many", len(s.Services)).
			WithRemedy("a sandbox has up to %d", MaxServices)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		if err := CheckServiceName(name); err != nil {
			return err
		}
		if err := s.Services[name].check("service " + name); err != nil {
			return err
		}
	}
	return nil
}

// Deployed reports whether the service runs a container of its own.
func (v ServiceSpec) Deployed() bool { return v.Branch != "" || v.Commit != "" }

func (v ServiceSpec) check(who string) error {
	ways := 0
	for _, asked := range []bool{v.Deployed(), v.UseOCP, v.URL != ""} {
		if asked {
			ways++
		}
	}
	if ways != 1 {
		return Errorf(Invalid, "bad-service", "%s does not say what it should be", who).
			WithRemedy("give it exactly one of branch or commit, useOCP: true, and url")
	}
	if err := v.checkRevision(who); err != nil {
		return err
	}
	if err := CheckVariables(who, v.Variables); err != nil {
		return err
	}
	return v.Limits.check("the limits of " + who)
}

func (v ServiceSpec) checkRevision(who string) error {
	if v.Branch != "" {
		if err := CheckBranch(v.Branch); err != nil {
			return err
		}
	}
	if v.Commit != "" && !IsSHA(v.Commit) {
		return Errorf(Invalid, "bad-commit", "%q is not a full commit", short(strings.ToValidUTF8(v.Commit, "?"), 60)).
			WithRemedy("give all 40 hexadecimal digits, or a branch")
	}
	if v.Track && (v.Branch == "" || v.Commit != "") {
		return Errorf(Invalid, "bad-track", "%s is to follow a branch but has none, or stays at a commit", who).
			WithRemedy("track needs a branch and no commit")
	}
	return nil
}

// CheckVariables returns an Invalid error unless the variables of who ("" = the sandbox) can be set. The error never
// holds a value.
func CheckVariables(who string, vars map[string]string) error {
	of := ""
	if who != "" {
		of = " of " + who
	}
	if len(vars) > MaxVariables {
		return Errorf(Invalid, "too-many-variables", "%d variables%s are too many", len(vars), of).
			WithRemedy("set up to %d, or put them into an environment", MaxVariables)
	}
	total := 0
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		if err := CheckEnvKey(key); err != nil {
			return err
		}
		value := vars[key]
		if len(value) > MaxValue || strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
			return Errorf(Invalid, "bad-value", "the value of %s%s is longer than %d bytes or is no text", key, of, MaxValue).
				WithRemedy("shorten it, or make it a file of an environment")
		}
		total += len(key) + len(value)
	}
	if total > MaxOwnBytes {
		return Errorf(Invalid, "too-large", "the variables%s have %d bytes in all", of, total).
			WithRemedy("keep them below %d, or make large values files of an environment", MaxOwnBytes)
	}
	return nil
}

// check refuses limits no container can start with.
func (l Limits) check(what string) error {
	switch {
	case l.CPUs < 0, l.CPUs > 0 && l.CPUs < minCPUs, l.CPUs != l.CPUs:
		return badLimit(what, "cpus", fmt.Sprint(l.CPUs), fmt.Sprint(minCPUs))
	case l.Memory < 0, l.Memory > 0 && l.Memory < minMemory:
		return badLimit(what, "memory", FormatBytes(l.Memory), FormatBytes(minMemory))
	case l.PIDs < 0, l.PIDs > 0 && l.PIDs < minPIDs:
		return badLimit(what, "pids", fmt.Sprint(l.PIDs), fmt.Sprint(minPIDs))
	}
	return nil
}

func badLimit(what, member, value, least string) error {
	return Errorf(Invalid, "bad-limit", "%s: %s is %s, which no container can start with", what, member, value).
		WithRemedy("give at least %s, or leave it out for the next outer limit", least)
}
