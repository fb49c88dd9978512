package definition

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
)

// Diff lists in what one specification differs from an earlier one: what concerns the sandbox first, then service
// by service. Names of services come before a slash in the key: "account/LOG_LEVEL".
func Diff(before, after sdp.SandboxSpec) []sdp.Difference {
	list := DiffSandbox(before, after)
	was, is := before.All(), after.All()
	for _, name := range union(was, is) {
		list = append(list, DiffService(name, was[name], is[name])...)
	}
	return list
}

// DiffSandbox is Diff for what is not of one service.
func DiffSandbox(before, after sdp.SandboxSpec) []sdp.Difference {
	d := specDiff{}
	d.value("description", "", before.Description, after.Description)
	d.values("label", "", before.Labels, after.Labels)
	d.value("environment", "", environmentText(before), environmentText(after))
	d.values("variable", "", before.Variables, after.Variables)
	d.limits("container.", before.Limits.Container, after.Limits.Container)
	d.limits("total.", before.Limits.Total, after.Limits.Total)
	d.value("expiry", "idleAfter", string(before.Expiry.IdleAfter), string(after.Expiry.IdleAfter))
	d.value("expiry", "deleteAfter", string(before.Expiry.DeleteAfter), string(after.Expiry.DeleteAfter))
	d.value("gateway", "", before.GatewayName(), after.GatewayName())
	return d.list
}

func environmentText(s sdp.SandboxSpec) string {
	if s.EnvironmentVersion > 0 {
		return fmt.Sprintf("%s@%d", s.Environment, s.EnvironmentVersion)
	}
	return s.Environment
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
func DiffSecrets(before, after map[string]map[string][]byte) []sdp.Difference {
	return sdp.Differences("secret", named(before), named(after), bytes.Equal, func([]byte) string { return "" })
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

// routeText says who answers for a service: "sandbox", "ocp" or a URL; "" for one nobody mentioned.
func routeText(v sdp.ServiceSpec) string {
	switch {
	case v.URL != "":
		return v.URL
	case v.UseOCP:
		return string(sdp.SourceOCP)
	case v.Deployed():
		return string(sdp.SourceSandbox)
	}
	return ""
}

// specDiff collects entries that differ.
type specDiff struct{ list []sdp.Difference }

// value compares one value; "" means that there is none.
func (d *specDiff) value(what, key, before, after string) {
	kind := sdp.Changed
	switch {
	case before == after:
		return
	case before == "":
		kind = sdp.Added
	case after == "":
		kind = sdp.RemovedEntry
	}
	d.list = append(d.list, sdp.Difference{What: what, Key: key, Kind: kind, Before: before, After: after})
}

// values compares maps, where an empty value is one, too.
func (d *specDiff) values(what, prefix string, before, after map[string]string) {
	same, shown := func(a, b string) bool { return a == b }, func(v string) string { return v }
	for _, one := range sdp.Differences(what, before, after, same, shown) {
		one.Key = prefix + one.Key
		d.list = append(d.list, one)
	}
}

func (d *specDiff) limits(prefix string, before, after sdp.Limits) {
	was, is := before.Texts(), after.Texts()
	for _, key := range union(was, is) {
		d.value("limit", prefix+key, was[key], is[key])
	}
}

// DiffService is Diff for one service; without its name the keys are its own.
func DiffService(name string, before, after sdp.ServiceSpec) []sdp.Difference {
	d, prefix := specDiff{}, strings.TrimPrefix(name+"/", "/")
	d.value("route", name, routeText(before), routeText(after))
	d.value("branch", name, before.Branch, after.Branch)
	d.value("commit", name, sdp.ShortSHA(before.Commit), sdp.ShortSHA(after.Commit))
	d.value("track", name, trackedText(before.Track), trackedText(after.Track))
	d.values("variable", prefix, before.Variables, after.Variables)
	d.limits(prefix, before.Limits, after.Limits)
	return d.list
}

func trackedText(tracked bool) string {
	if tracked {
		return "tracked"
	}
	return ""
}
