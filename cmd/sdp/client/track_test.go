package client

import (
	"testing"
	"time"

	"sdp/api"
)

func TestTracked(t *testing.T) {
	a, out := testApp()
	row := func(change func(*api.TrackedService)) api.TrackedService {
		s := api.TrackedService{Sandbox: "demo", Service: "account", Owner: "alice", Branch: "feature/loyalty-points", Track: true,
			Watched: true, Serving: commit, CheckedAt: now.Add(-40 * time.Second)}
		change(&s)
		return s
	}
	a.showTracked([]api.TrackedService{
		row(func(*api.TrackedService) {}),
		row(func(s *api.TrackedService) { s.Service, s.Idle = "payment", "pinned to 3f2a9c1d0b7e" }),
		row(func(s *api.TrackedService) { s.Service, s.BranchGone = "user", now }),
		row(func(s *api.TrackedService) { s.Sandbox, s.Watched = "other", false }),
		row(func(s *api.TrackedService) { s.Sandbox, s.Problem = "third", "node micro-1 has no worker now" }),
		row(func(s *api.TrackedService) { s.Sandbox, s.Track = "last", false }),
	})
	golden(t, out.Bytes())
}

func TestCredential(t *testing.T) {
	a, out := testApp()
	c := api.TrackingCredential{User: "alice", What: "what is stored", Every: "1m0s"}
	a.showCredential(c)
	c.Stored, c.StoredAt = true, now.Add(-48*time.Hour)
	a.showCredential(c)
	c.CheckedAt = now.Add(-time.Minute)
	a.showCredential(c)
	c.Every = ""
	a.showCredential(c)
	c.Problem = "the git server refused the user name or password"
	a.showCredential(c)
	golden(t, out.Bytes())
}

func TestAttention(t *testing.T) {
	a, out := testApp()
	box := demoBox()
	box.Attention = []api.Attention{{Service: "account", Code: "branch-gone", Detail: "the git server has no branch of account",
		Remedy: "deploy another branch"}}
	a.showSandboxes([]api.Sandbox{box})
	a.showSandbox(box)
	a.showTrackSet(box, "account", true)
	golden(t, out.Bytes())
}
