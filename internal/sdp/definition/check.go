// Package definition is about sandbox definitions (sdp.SandboxSpec): whether one can be what it says, which one a sandbox
// comes down to, and in what two of them differ. It asks nobody: what a definition names need not exist.
package definition

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Bounds of a specification.
const (
	MaxDescription = 500     // bytes
	MaxLabels      = 50      // of a sandbox
	MaxLabel       = 63      // bytes of a label's key; its value may have MaxLabelValue
	MaxLabelValue  = 200     // bytes
	MaxServices    = 100     // of a sandbox
	minMemory      = 6 << 20 // bytes; Docker takes no less
	minCPUs        = 0.01    // of one CPU
	minPIDs        = 4       // a runtime needs some threads before a service says anything
	minExpiry      = time.Minute
	maxExpiry      = 10 * 365 * 24 * time.Hour
)

// Check returns an Invalid error unless everything in the specification can be what it says it is. Whether repositories,
// environments and nodes exist is not looked at.
func Check(s sdp.SandboxSpec) error {
	checks := []func() error{
		func() error { return sdp.CheckSandboxName(s.Name) },
		func() error { return checkTexts(s) },
		func() error { return checkEnvironment(s) },
		func() error { return checkExpiry(s.Expiry) },
		func() error { return checkVariables("", s.Variables) },
		func() error { return checkLimits("limits.container", s.Limits.Container) },
		func() error { return checkLimits("limits.total", s.Limits.Total) },
		func() error { return checkGateway(s.Gateway) },
		func() error { return checkServices(s.Services) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

var labelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$`)

func checkTexts(s sdp.SandboxSpec) error {
	if len(s.Description) > MaxDescription || !printable(s.Description) {
		return sdp.Errorf(sdp.Invalid, "bad-description", "the description is longer than %d bytes or has control characters in it",
			MaxDescription).WithRemedy("shorten it to one line")
	}
	if len(s.Labels) > MaxLabels {
		return sdp.Errorf(sdp.Invalid, "too-many-labels", "%d labels are too many", len(s.Labels)).
			WithRemedy("use up to %d", MaxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		if len(key) > MaxLabel || !labelPattern.MatchString(key) {
			return sdp.Errorf(sdp.Invalid, "bad-label", "label %q is not valid", shown(key, 40)).
				WithRemedy("use up to %d letters, digits, dots, slashes, dashes and underscores", MaxLabel)
		}
		if v := s.Labels[key]; len(v) > MaxLabelValue || !printable(v) {
			return sdp.Errorf(sdp.Invalid, "bad-label", "the value of label %s is longer than %d bytes or has control characters in it",
				key, MaxLabelValue).WithRemedy("shorten it to one line")
		}
	}
	return nil
}

// shown is what somebody wrote, shortened.
func shown(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	return text[:min(len(text), most)]
}

// printable reports whether text is UTF-8 on one line.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func checkEnvironment(s sdp.SandboxSpec) error {
	switch {
	case s.EnvironmentVersion < 0:
		return sdp.Errorf(sdp.Invalid, "bad-version", "an environment has no version %d", s.EnvironmentVersion).
			WithRemedy("versions count from 1; leave it out for the newest")
	case s.EnvironmentVersion > 0 && s.Environment == "":
		return sdp.Errorf(sdp.Invalid, "bad-version", "version %d is of no environment", s.EnvironmentVersion).
			WithRemedy("name the environment as well")
	}
	return nil
}

func checkExpiry(e sdp.Expiry) error {
	if err := checkSpan("expiry.idleAfter", e.IdleAfter); err != nil {
		return err
	}
	return checkSpan("expiry.deleteAfter", e.DeleteAfter)
}

func checkSpan(member string, s sdp.Span) error {
	if d := s.Duration(); s == "" || d >= minExpiry && d <= maxExpiry {
		return nil
	}
	return sdp.Errorf(sdp.Invalid, "bad-duration", "%s is not a duration between a minute and ten years", member).
		WithRemedy(`write a number with a unit, such as "72h"`)
}

func checkGateway(g *sdp.GatewaySpec) error {
	if g == nil {
		return nil
	}
	if !g.Service().Deployed() {
		return sdp.Errorf(sdp.Invalid, "bad-gateway", "the gateway does not say what it runs").
			WithRemedy("give it a branch or a commit, or leave the gateway out: requests are then routed by path")
	}
	return checkService("the gateway", g.Service())
}

func checkServices(services map[string]sdp.ServiceSpec) error {
	if len(services) > MaxServices {
		return sdp.Errorf(sdp.Invalid, "too-many-services", "%d services are too many", len(services)).
			WithRemedy("a sandbox has up to %d", MaxServices)
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if err := sdp.CheckServiceName(name); err != nil {
			return err
		}
		if err := checkService("service "+name, services[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkService(who string, v sdp.ServiceSpec) error {
	ways := 0
	for _, asked := range []bool{v.Deployed(), v.UseOCP, v.URL != ""} {
		if asked {
			ways++
		}
	}
	if ways != 1 {
		return sdp.Errorf(sdp.Invalid, "bad-service", "%s does not say what it should be", who).
			WithRemedy("give it exactly one of branch or commit, useOCP: true, and url")
	}
	if err := checkRevision(who, v); err != nil {
		return err
	}
	if err := checkVariables(who, v.Variables); err != nil {
		return err
	}
	return checkLimits("the limits of "+who, v.Limits)
}

func checkRevision(who string, v sdp.ServiceSpec) error {
	if v.Branch != "" {
		if err := sdp.CheckBranch(v.Branch); err != nil {
			return err
		}
	}
	if v.Commit != "" && !sdp.IsSHA(v.Commit) {
		return sdp.Errorf(sdp.Invalid, "bad-commit", "%q is not a full commit", shown(v.Commit, 60)).
			WithRemedy("give all 40 hexadecimal digits, or a branch")
	}
	if v.Track && (v.Branch == "" || v.Commit != "") {
		return sdp.Errorf(sdp.Invalid, "bad-track", "%s is to follow a branch but has none, or stays at a commit", who).
			WithRemedy("track needs a branch and no commit")
	}
	return nil
}

// CheckVariables returns an Invalid error unless the variables of who ("" = the sandbox) can be set, as far as each of them
// goes: CheckOwnSize is about all of them. The error never holds a value.
func CheckVariables(who string, vars map[string]string) error {
	of := ""
	if who != "" {
		of = " of " + who
	}
	if len(vars) > settings.MaxVariables {
		return sdp.Errorf(sdp.Invalid, "too-many-variables", "%d variables%s are too many", len(vars), of).
			WithRemedy("set up to %d, or put them into an environment", settings.MaxVariables)
	}
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		if err := sdp.CheckEnvKey(key); err != nil {
			return err
		}
		value := vars[key]
		if len(value) > settings.MaxValue || strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
			return sdp.Errorf(sdp.Invalid, "bad-value", "the value of %s%s is longer than %d bytes or is not text", key, of,
				settings.MaxValue).WithRemedy("shorten it, or make it a file of an environment")
		}
	}
	return nil
}

// checkVariables is CheckVariables for all variables somebody wants, whatever there is now.
func checkVariables(who string, vars map[string]string) error {
	if err := CheckVariables(who, vars); err != nil {
		return err
	}
	return settings.CheckOwnSize(cmp.Or(who, "the sandbox"), settings.OwnValues{}, settings.OwnValues{Variables: vars})
}

// checkLimits refuses limits no container can start with.
func checkLimits(what string, l sdp.Limits) error {
	switch {
	case l.CPUs < 0, l.CPUs > 0 && l.CPUs < minCPUs, l.CPUs != l.CPUs:
		return badLimit(what, "cpus", fmt.Sprint(l.CPUs), fmt.Sprint(minCPUs))
	case l.Memory < 0, l.Memory > 0 && l.Memory < minMemory:
		return badLimit(what, "memory", l.Memory.String(), sdp.FormatBytes(minMemory))
	case l.PIDs < 0, l.PIDs > 0 && l.PIDs < minPIDs:
		return badLimit(what, "pids", fmt.Sprint(l.PIDs), fmt.Sprint(minPIDs))
	}
	return nil
}

func badLimit(what, member, value, least string) error {
	return sdp.Errorf(sdp.Invalid, "bad-limit", "%s: %s is %s, which no container can start with", what, member, value).
		WithRemedy("give at least %s, or leave it out for the next outer limit", least)
}
