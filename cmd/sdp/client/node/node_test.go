package node

import (
	"bytes"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/clitest"
)

func TestNodes(t *testing.T) {
	a, out := testVerbs()
	a.showNodes([]rest.Node{
		{Name: "gateway-1", Type: "GATEWAY", Alive: true, PortFirst: 8080, PortLast: 8119, Builds: 2, DiskFree: 12e9, MemoryFree: 3e9, Load1: 0.5, LastSeen: clitest.Now.Add(-time.Second)},
		{Name: "micro-1", Type: "MICRO", Alive: true, Problems: []string{"the Docker daemon does not answer"}, Builds: 2, RunningBuilds: 1, LastSeen: clitest.Now.Add(-2 * time.Second)},
		{Name: "micro-2", Type: "MICRO", LastSeen: clitest.Now.Add(-time.Hour)},
	})
	clitest.Golden(t, out.Bytes())
}

func TestRepositories(t *testing.T) {
	a, out := testVerbs()
	a.showRepos([]rest.Repository{{Name: "account", Node: "micro-1", Kind: "go", Port: 8080, Health: "/healthz", OCP: "http://127.0.0.1:7791", RemoteURL: "http://git/account.git"},
		{Name: "odd", Node: "micro-1", Kind: "go", Problem: "/srv/odd is not a git clone"}})
	a.showRepos(nil)
	a.showBranches([]rest.Branch{{Name: "feature/loyalty-points", SHA: clitest.Commit, Subject: "Show points", Author: "Ada", CommittedAt: clitest.Now.Add(-time.Hour)}, {Name: "main", SHA: clitest.Commit}})
	clitest.Golden(t, out.Bytes())
}

func TestImagesAndPorts(t *testing.T) {
	a, out := testVerbs()
	old := rest.Image{Node: "micro-1", ID: "sha256:0123456789abcdef", Kind: "leftover", Size: 5 << 20, CreatedAt: clitest.Now.Add(-48 * time.Hour)}
	used := rest.Image{Node: "micro-1", ID: "sha256:1", Name: "sdp/account:3f2a9c1d0b7e-0a1b2c3d", Kind: "service", Size: 9 << 20,
		CreatedAt: clitest.Now.Add(-time.Hour), NeededBy: []string{"container account of sandbox demo", "snapshot release of sandbox demo"}}
	a.showImages(rest.Images{Items: []rest.Image{used, old}, Missing: []rest.MissingNode{{Node: "micro-2", Reason: "no worker since 11:02"}}})
	a.showImages(rest.Images{})
	a.showPruned([]rest.PruneReport{{Node: "micro-1", DryRun: true, Removed: []rest.Image{old}, Kept: []rest.Image{used}, Freed: 5 << 20, DiskFree: 7 << 30},
		{Node: "micro-1", Removed: []rest.Image{old}, Kept: []rest.Image{used}, Freed: 5 << 20, DiskFree: 7 << 30}, {Node: "gateway-1", DiskFree: 7 << 30}})
	a.showPorts([]rest.NodePorts{{Node: "gateway-1", First: 8080, Last: 8119, Free: 38,
		Taken:   []rest.TakenPort{{Port: 8081, Sandbox: "demo", Owner: "alice", State: "ACTIVE", URL: "http://127.0.0.1:8081"}},
		Foreign: []rest.ForeignPort{{Port: 8080, Reason: "something that is not SDP's holds port 8080 on gateway-1", Until: clitest.Now}}}})
	a.showPorts(nil)
	a.showNodes([]rest.Node{{Name: "micro-1", Alive: true, ImagesUsed: 91, Watermark: 85}, {Name: "micro-2", Alive: true, ImagesUsed: 40, Watermark: 85}})
	clitest.Golden(t, out.Bytes())
}

// testVerbs returns verbs as they are behind a pipe.
func testVerbs() (verbs, *bytes.Buffer) {
	s, out := clitest.Screen()
	return verbs{&cli.App{Screen: s}}, out
}
