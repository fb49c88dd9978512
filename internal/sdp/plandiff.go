package sdp

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// settings are the sandbox's own members in which the specification differs from what it has.
func (in Planning) settings() []Difference {
	before := SpecOf(*in.Current, false)
	if before.Gateway == nil && in.Current.Gateway != "" { // it never had a branch
		before.Gateway = &ServiceSpec{Repository: in.Current.Gateway}
	}
	return settingsDifferences(before, in.Spec, in.secretDifferences(""))
}

// fresh are the members of a sandbox that is made.
func (in Planning) fresh() []Difference {
	return settingsDifferences(SandboxSpec{Name: in.Spec.Name}, in.Spec, in.secretDifferences(""))
}

func settingsDifferences(before, after SandboxSpec, secrets []Difference) []Difference {
	var list []Difference
	add := func(what, key, was, is string) { list = append(list, difference(what, key, was, is)...) }
	add("description", "", before.Description, after.Description)
	list = append(list, differences("label", before.Labels, after.Labels)...)
	add("environment", "", before.Environment, after.Environment)
	add("environment version", "", versionText(before), versionText(after))
	list = append(list, differences("variable", before.Variables, after.Variables)...)
	list = append(list, secrets...)
	list = append(list, limitDifferences("container.", before.Limits.Container, after.Limits.Container)...)
	list = append(list, limitDifferences("total.", before.Limits.Total, after.Limits.Total)...)
	add("expiry", "idleAfter", spanText(before.Expiry.IdleAfter), spanText(after.Expiry.IdleAfter))
	add("expiry", "deleteAfter", spanText(before.Expiry.DeleteAfter), spanText(after.Expiry.DeleteAfter))
	add("gateway", "", gatewayName(before), gatewayName(after))
	return list
}

func versionText(s SandboxSpec) string {
	if s.EnvironmentVersion == 0 {
		return ""
	}
	return strconv.Itoa(s.EnvironmentVersion)
}

func gatewayName(s SandboxSpec) string {
	if s.Gateway == nil {
		return ""
	}
	return s.Gateway.Repository
}

func spanText(d interface{ String() string }) string {
	if text := d.String(); text != "0s" {
		return text
	}
	return ""
}

// serviceSettings are the members of one service in which the specification differs from what it has.
func (in Planning) serviceSettings(name string, cur *Service, want ServiceSpec) []Difference {
	var was ServiceSpec
	if cur != nil {
		was, _ = serviceSpecOf(*cur, false)
	}
	var list []Difference
	if cur != nil && want.Deployed() && was.Deployed() {
		list = append(list, difference("branch", "", was.Branch, want.Branch)...)
		list = append(list, difference("commit", "", was.Commit, want.Commit)...)
	}
	list = append(list, difference("track", "", trueText(was.Track), trueText(want.Track))...)
	list = append(list, differences("variable", was.Variables, want.Variables)...)
	list = append(list, in.secretDifferences(name)...)
	return append(list, limitDifferences("", was.Limits, want.Limits)...)
}

func trueText(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// secretDifferences are the secrets of a service, "" = of the sandbox, that a change replaces. What they hold is not
// told.
func (in Planning) secretDifferences(service string) []Difference {
	if in.Secrets == nil {
		return nil
	}
	return SealedDifferences("secret", in.Before[service], in.Secrets[service])
}

// SealedDifferences compares what is encrypted. Equal bytes are equal values, as everything that stores them keeps the
// bytes of a value that stays.
func SealedDifferences(what string, before, after map[string][]byte) []Difference {
	var list []Difference
	for _, key := range keysOf(before, after) {
		was, had := before[key]
		is, has := after[key]
		switch {
		case !had:
			list = append(list, Difference{What: what, Key: key, Kind: Added})
		case !has:
			list = append(list, Difference{What: what, Key: key, Kind: RemovedEntry})
		case !bytes.Equal(was, is):
			list = append(list, Difference{What: what, Key: key, Kind: Changed})
		}
	}
	return list
}

// differences compares two sets of entries, by key.
func differences(what string, before, after map[string]string) []Difference {
	var list []Difference
	for _, key := range keysOf(before, after) {
		was, had := before[key]
		is, has := after[key]
		switch {
		case !had:
			list = append(list, Difference{What: what, Key: key, Kind: Added, After: is})
		case !has:
			list = append(list, Difference{What: what, Key: key, Kind: RemovedEntry, Before: was})
		case was != is:
			list = append(list, Difference{What: what, Key: key, Kind: Changed, Before: was, After: is})
		}
	}
	return list
}

func keysOf[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// difference compares one member, "" being none.
func difference(what, key, before, after string) []Difference {
	d := Difference{What: what, Key: key, Kind: Changed, Before: before, After: after}
	switch {
	case before == after:
		return nil
	case before == "":
		d.Kind = Added
	case after == "":
		d.Kind = RemovedEntry
	}
	return []Difference{d}
}

func limitDifferences(prefix string, before, after Limits) []Difference {
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	size := func(n int64) string {
		if n == 0 {
			return ""
		}
		return FormatBytes(n)
	}
	cpus := func(n float64) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%g", n)
	}
	return slices.Concat(
		difference("limit", prefix+"cpus", cpus(before.CPUs), cpus(after.CPUs)),
		difference("limit", prefix+"memory", size(before.Memory), size(after.Memory)),
		difference("limit", prefix+"pids", number(before.PIDs), number(after.PIDs)))
}

// EnvironmentDifferences says in what one version of an environment differs from another, or from another environment.
func EnvironmentDifferences(before, after SealedLayer, beforeFiles, afterFiles []SealedFile) []Difference {
	contents := func(files []SealedFile) map[string][]byte {
		m := map[string][]byte{}
		for _, f := range files {
			m[f.Path] = f.Content
		}
		return m
	}
	return slices.Concat(
		differences("variable", before.Variables, after.Variables),
		SealedDifferences("secret", before.Secrets, after.Secrets),
		SealedDifferences("file", contents(beforeFiles), contents(afterFiles)))
}
