package sdp

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DiffSpecs lists in what one specification differs from an earlier one: what concerns the sandbox first, then service
// by service. Names of services come before a slash in the key: "account/LOG_LEVEL".
func DiffSpecs(before, after SandboxSpec) []Difference {
	d := specDiff{}
	d.sandbox(before, after)
	was, is := before.All(), after.All()
	for _, name := range union(was, is) {
		d.service(name, was[name], is[name])
	}
	return d.list
}

// sandbox compares what is not of one service.
func (d *specDiff) sandbox(before, after SandboxSpec) {
	d.value("description", "", before.Description, after.Description)
	d.values("label", "", before.Labels, after.Labels)
	d.value("environment", "", environmentText(before), environmentText(after))
	d.values("variable", "", before.Variables, after.Variables)
	d.limits("container.", before.Limits.Container, after.Limits.Container)
	d.limits("total.", before.Limits.Total, after.Limits.Total)
	d.value("expiry", "idleAfter", spanText(before.Expiry.IdleAfter), spanText(after.Expiry.IdleAfter))
	d.value("expiry", "deleteAfter", spanText(before.Expiry.DeleteAfter), spanText(after.Expiry.DeleteAfter))
	d.value("gateway", "", before.GatewayName(), after.GatewayName())
}

func environmentText(s SandboxSpec) string {
	if s.EnvironmentVersion > 0 {
		return fmt.Sprintf("%s@%d", s.Environment, s.EnvironmentVersion)
	}
	return s.Environment
}

func spanText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func union[V any](a, b map[string]V) []string {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]V{}
	}
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
}

// DiffSecrets lists the secrets in which two states of a sandbox differ, by name. Equal bytes mean equal values; those
// of services have the service's name and a slash before their own.
func DiffSecrets(before, after map[string]map[string][]byte) []Difference {
	return differences("secret", named(before), named(after), bytes.Equal, func([]byte) string { return "" })
}

func named(secrets map[string]map[string][]byte) map[string][]byte {
	all := map[string][]byte{}
	for service, values := range secrets {
		for key, sealed := range values {
			all[strings.TrimPrefix(service+"/"+key, "/")] = sealed
		}
	}
	return all
}

// route says who answers for a service: "sandbox", "ocp" or a URL; "" for one nobody mentioned.
func (v ServiceSpec) route() string {
	switch {
	case v.URL != "":
		return v.URL
	case v.UseOCP:
		return string(SourceOCP)
	case v.Deployed():
		return string(SourceSandbox)
	}
	return ""
}

// specDiff collects entries that differ.
type specDiff struct{ list []Difference }

// value compares one value; "" means that there is none.
func (d *specDiff) value(what, key, before, after string) {
	kind := Changed
	switch {
	case before == after:
		return
	case before == "":
		kind = Added
	case after == "":
		kind = RemovedEntry
	}
	d.list = append(d.list, Difference{What: what, Key: key, Kind: kind, Before: before, After: after})
}

// values compares maps, where an empty value is one, too.
func (d *specDiff) values(what, prefix string, before, after map[string]string) {
	for _, one := range differences(what, before, after, func(a, b string) bool { return a == b }, func(v string) string { return v }) {
		one.Key = prefix + one.Key
		d.list = append(d.list, one)
	}
}

func (d *specDiff) limits(prefix string, before, after Limits) {
	was, is := before.texts(), after.texts()
	for _, key := range union(was, is) {
		d.value("limit", prefix+key, was[key], is[key])
	}
}

// texts are the limits that are set, for people.
func (l Limits) texts() map[string]string {
	texts := map[string]string{}
	if l.CPUs > 0 {
		texts["cpus"] = strconv.FormatFloat(l.CPUs, 'g', -1, 64)
	}
	if l.Memory > 0 {
		texts["memory"] = FormatBytes(l.Memory)
	}
	if l.PIDs > 0 {
		texts["pids"] = strconv.FormatInt(l.PIDs, 10)
	}
	return texts
}

func (d *specDiff) service(name string, before, after ServiceSpec) {
	d.value("route", name, before.route(), after.route())
	d.value("branch", name, before.Branch, after.Branch)
	d.value("commit", name, ShortSHA(before.Commit), ShortSHA(after.Commit))
	d.value("track", name, trackedText(before.Track), trackedText(after.Track))
	d.values("variable", name+"/", before.Variables, after.Variables)
	d.limits(name+"/", before.Limits, after.Limits)
}

func trackedText(tracked bool) string {
	if tracked {
		return "tracked"
	}
	return ""
}
