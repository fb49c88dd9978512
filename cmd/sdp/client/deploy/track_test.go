package deploy

import (
	"bytes"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/clitest"
)

func TestTracked(t *testing.T) {
	a, out := testVerbs()
	row := func(change func(*rest.TrackedService)) rest.TrackedService {
		s := rest.TrackedService{Sandbox: "demo", Service: "account", Owner: "alice", Branch: "feature/loyalty-points", Track: true,
			Watched: true, Serving: clitest.Commit, CheckedAt: clitest.Now.Add(-40 * time.Second)}
		change(&s)
		return s
	}
	a.showTracked([]rest.TrackedService{
		row(func(*rest.TrackedService) {}),
		row(func(s *rest.TrackedService) { s.Service, s.Idle = "payment", "pinned to 3f2a9c1d0b7e" }),
		row(func(s *rest.TrackedService) { s.Service, s.BranchGone = "user", clitest.Now }),
		row(func(s *rest.TrackedService) { s.Sandbox, s.Watched = "other", false }),
		row(func(s *rest.TrackedService) { s.Sandbox, s.Problem = "third", "node micro-1 has no worker now" }),
		row(func(s *rest.TrackedService) { s.Sandbox, s.Track = "last", false }),
	})
	clitest.Golden(t, out.Bytes())
}

func TestCredential(t *testing.T) {
	a, out := testVerbs()
	c := rest.TrackingCredential{User: "alice", What: "what is stored", Every: "1m0s"}
	a.showCredential(c)
	c.Stored, c.StoredAt = true, clitest.Now.Add(-48*time.Hour)
	a.showCredential(c)
	c.CheckedAt = clitest.Now.Add(-time.Minute)
	a.showCredential(c)
	c.Every = ""
	a.showCredential(c)
	c.Problem = "the git server refused the user name or password"
	a.showCredential(c)
	clitest.Golden(t, out.Bytes())
}

func TestTrackSet(t *testing.T) {
	a, out := testVerbs()
	box := clitest.Box()
	box.Attention = []rest.Attention{{Service: "account", Code: "branch-gone", Detail: "the git server has no branch of account",
		Remedy: "deploy another branch"}}
	a.showTrackSet(box, "account", true)
	a.showTrackSet(box, "account", false)
	clitest.Golden(t, out.Bytes())
}

// testVerbs returns verbs as they are behind a pipe.
func testVerbs() (verbs, *bytes.Buffer) {
	s, out := clitest.Screen()
	return verbs{&cli.App{Screen: s}}, out
}
