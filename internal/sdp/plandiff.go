package sdp

// settings are the sandbox's own members in which the specification differs from what it has: from nothing, for one
// that is made.
func (in Planning) settings() []Difference {
	before := SandboxSpec{Name: in.Spec.Name}
	if in.Current != nil {
		before = SpecOf(*in.Current, false)
		if before.Gateway == nil && in.Current.Gateway != "" { // it never had a branch
			before.Gateway = &ServiceSpec{Repository: in.Current.Gateway}
		}
	}
	d := specDiff{}
	d.sandbox(before, in.Spec)
	return append(d.list, in.secretDifferences("")...)
}

// serviceSettings are the members of one service in which the specification differs from what it has. The commit and
// the branch of one that is new are told by the plan itself.
func (in Planning) serviceSettings(name string, cur *Service, want ServiceSpec) []Difference {
	var was ServiceSpec
	if cur != nil {
		was, _ = serviceSpecOf(*cur, false)
	}
	d := specDiff{}
	if was.Deployed() && want.Deployed() {
		d.value("branch", "", was.Branch, want.Branch)
		d.value("commit", "", ShortSHA(was.Commit), ShortSHA(want.Commit))
	}
	d.value("track", "", trackedText(was.Track), trackedText(want.Track))
	d.values("variable", "", was.Variables, want.Variables)
	d.limits("", was.Limits, want.Limits)
	return append(d.list, in.secretDifferences(name)...)
}

// secretDifferences are the secrets of a service, "" = of the sandbox, that a change replaces. What they hold is not
// told.
func (in Planning) secretDifferences(service string) []Difference {
	if in.Secrets == nil {
		return nil
	}
	return differences("secret", in.Before[service], in.Secrets[service], sameSealed, func([]byte) string { return "" })
}

// differ reports whether two sets of variables differ.
func differ(before, after map[string]string) bool {
	d := specDiff{}
	d.values("variable", "", before, after)
	return len(d.list) > 0
}
