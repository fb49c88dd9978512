package sdp

import (
	"strconv"
	"strings"
	"time"
)

// TrackSchedule is the ID of the Temporal Schedule that watches branches; an installation has one.
const TrackSchedule = "track"

// TrackingContext binds stored git credentials to whom they belong; at rest they are encrypted for SecretPurpose.
func TrackingContext(user string) string { return "tracking/" + user }

// LookContext binds the ticket of a look at all watched branches to its id; it is encrypted for SecretPurpose.
func LookContext(id string) string { return "look/" + id }

// TrackingCredential says what is known of the git credentials somebody stored so that branches can be watched while
// nobody is signed in. It never holds them.
type TrackingCredential struct {
	User      string
	StoredAt  time.Time // zero = nothing is stored
	CheckedAt time.Time // when the git server last accepted them; zero = it was not asked yet
	Problem   string    // why they are not used any more; "" = they are
}

// Usable reports whether branches can be watched with the credentials.
func (c TrackingCredential) Usable() bool { return !c.StoredAt.IsZero() && c.Problem == "" }

// Watched is a service whose branch is looked at regularly: one that is tracked is deployed again when the branch
// moves, all are marked when the branch is gone.
type Watched struct {
	Sandbox    string
	State      SandboxState
	Service    string
	Owner      string // of the sandbox; the branch is watched with their credentials
	Credential TrackingCredential
	Repository string
	Node       string
	Branch     string
	Commit     string // it is pinned to
	Track      bool
	BranchGone time.Time
	Problem    string // why the branch could not be looked at when that was last tried
	Serving    string // commit that answers, "" = none
	// Of the newest deployment; "" if there was none.
	Latest       string
	LatestState  DeploymentState
	LatestBranch string
	LatestSHA    string
	Busy         bool // an operation is in progress: look again later
}

// Idle says why a tracked service is not deployed when its branch moves; "" means it is.
func (w Watched) Idle() string {
	switch {
	case !w.Track:
		return "not tracked"
	case w.Commit != "":
		return "pinned to " + ShortSHA(w.Commit)
	case w.State != Active:
		return "the sandbox is " + string(w.State)
	case w.Latest != "" && w.LatestBranch != w.Branch:
		return "a commit was deployed by hand; deploy the branch to go on"
	case w.LatestState == DeployStopped && w.Serving == "":
		return "stopped by hand; deploy the branch to go on"
	}
	return ""
}

// Moved reports whether a tracked service is to be deployed now that its branch is at head. A commit that was tried is
// not tried again, however it ended.
func (w Watched) Moved(head string) bool {
	return w.Idle() == "" && !w.Busy && head != w.Serving && head != w.LatestSHA
}

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
	if s.PortHeld {
		port := strconv.Itoa(s.Port)
		out = append(out, Attention{Code: "port-held", Detail: "another program holds public port " + port + " on node " + s.GatewayNode +
			": whoever asks there does not reach the sandbox", Remedy: "`ss -ltnp sport = :" + port + "` on " + s.GatewayNode +
			" shows which; once it has ended, the port is the sandbox's again"})
	}
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
	return Attention{Code: "tracking-needs-credential",
		Detail: what + s.Owner + " owns the sandbox and has stored no git credentials",
		Remedy: s.Owner + " stores them: `sdp track credential store`"}
}
