package sdp

import "strings"

// Attention is something about a sandbox that somebody should know, and what to do about it.
type Attention struct {
	Service string // "" = the sandbox
	Code    string
	Detail  string
	Remedy  string
}

// Attention lists what somebody should know about the sandbox.
func (s Sandbox) Attention() []Attention {
	if s.State == Deleted || s.Deleting {
		return nil
	}
	var out []Attention
	var tracked []string
	for _, v := range s.Services {
		if v.Source != SourceSandbox || v.Branch == "" {
			continue
		}
		switch {
		case !v.BranchGone.IsZero():
			out = append(out, Attention{Service: v.Name, Code: "branch-gone",
				Detail: "the git server has no branch " + v.Branch + " of " + v.Name + " (any more); what runs stays",
				Remedy: "deploy another branch: `sdp deploy " + s.Name + " " + v.Name + "@BRANCH`, or delete the sandbox: " +
					"`sdp sandbox delete " + s.Name + "`"})
		case v.WatchProblem != "" && s.Tracking.Usable():
			out = append(out, Attention{Service: v.Name, Code: "branch-not-watched",
				Detail: "branch " + v.Branch + " of " + v.Name + " cannot be watched: " + v.WatchProblem,
				Remedy: "it is tried again by itself; `sdp nodes` shows how the nodes are"})
		}
		if v.Track {
			tracked = append(tracked, v.Name)
		}
	}
	if len(tracked) > 0 && !s.Tracking.Usable() {
		out = append(out, s.untracked(tracked))
	}
	return out
}

// untracked says why services that should follow their branches do not.
func (s Sandbox) untracked(services []string) Attention {
	what := strings.Join(services, ", ") + " cannot follow the branch: "
	if s.Tracking.Problem != "" {
		return Attention{Code: "tracking-stopped", Detail: what + "the git credentials " + s.Owner +
			" stored are not used any more: " + s.Tracking.Problem,
			Remedy: s.Owner + " signs in again and stores them anew: `sdp login`, then `sdp track credential store`"}
	}
	return Attention{Code: "tracking-needs-credential", Detail: what + s.Owner + " owns the sandbox and has stored no git credentials",
		Remedy: s.Owner + " stores them: `sdp track credential store`"}
}
