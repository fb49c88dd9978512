package planning

import (
	"sdp/internal/sdp"

	"sdp/internal/sdp/definition"
	"sdp/internal/sdp/settings"
)

// settings are the sandbox's own members in which the specification differs from what it has: from nothing, for one
// that is made.
func (in Input) settings() []sdp.Difference {
	before := sdp.SandboxSpec{Name: in.Spec.Name}
	if in.Current != nil {
		before = definition.Of(*in.Current, false)
		if before.Gateway == nil && in.Current.Gateway != "" { // it never had a branch
			before.Gateway = &sdp.GatewaySpec{Repository: in.Current.Gateway}
		}
	}
	return append(definition.DiffSandbox(before, in.Spec), in.secretDifferences("")...)
}

// serviceSettings are the members of one service in which the specification differs from what it has. The commit and
// the branch of one that is new are told by the plan itself.
func (in Input) serviceSettings(name string, cur *sdp.Service, want sdp.ServiceSpec) []sdp.Difference {
	var was sdp.ServiceSpec
	if cur != nil {
		was, _ = definition.OfService(*cur, false)
	}
	if !was.Deployed() || !want.Deployed() {
		was.Branch, was.Commit, want.Branch, want.Commit = "", "", "", ""
	}
	var list []sdp.Difference
	for _, d := range definition.DiffService("", was, want) {
		if d.What != "route" { // the plan itself says who answers
			list = append(list, d)
		}
	}
	return append(list, in.secretDifferences(name)...)
}

// secretDifferences are the secrets of a service, "" = of the sandbox, that a change replaces. What they hold is not
// told.
func (in Input) secretDifferences(service string) []sdp.Difference {
	if in.Secrets == nil {
		return nil
	}
	return sdp.Differences("secret", in.Before[service], in.Secrets[service], settings.SameSealed, func([]byte) string { return "" })
}
