package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// freeze takes a snapshot of a sandbox.
func freeze(t *testing.T, box, name string) rest.Snapshot {
	t.Helper()
	s := ask[rest.Snapshot](t, stack, 201, "POST", "/api/v1/sandboxes/"+box+"/snapshots", `{"name":"`+name+`"}`)
	t.Cleanup(func() {
		if status, text, err := stack.request(t, "DELETE", "/api/v1/snapshots/"+s.ID, ""); err != nil || status != 204 {
			t.Errorf("deleting snapshot %s: %d, %v: %s", s.ID, status, err, text)
		}
	})
	return s
}

// A sandbox whose commits, routes, variables, secrets and environment have changed is after a restore what it was, and
// so is a new sandbox made from the snapshot.
func TestSnapshotBringsAllBack(t *testing.T) {
	t.Parallel()
	box := newGatedBox(t)
	then := freeze(t, box.Name, "before")
	at := "/api/v1/snapshots/" + then.ID

	sdpOK(t, "env", "set", box.env, "PLAIN=other", "--secret", "ENV_SECRET=@"+given(t, "another secret"), "--file", gateFile+"="+given(t, "another file"))
	sdpOK(t, "sandbox", "set", box.Name, "--secret", "BOX_SECRET=@"+given(t, "yet another secret"), "--env", "NOTE=new", "--label", "new=label")
	sdpOK(t, "deploy", box.Name, "account@feature/loyalty-points", "payment@main", "--secret", "OWN_SECRET=@"+given(t, "its new secret"), "--wait")
	sdpOK(t, "route", box.Name, "user", "ocp", "--wait")
	box.differs(t, at)

	stack.succeeds(t, stack.change(t, "POST", at+"/restore", `{"atomic":true}`))
	now := stack.sound(t, box.Name)
	box.wantRestored(t, then, now)
	if left := ask[rest.SnapshotDiff](t, stack, 200, "GET", at+"/diff", "").Differences; len(left) > 0 {
		t.Errorf("after the restore these differ: %+v", left)
	}

	name := box.Name + "-r"
	stack.atEndDelete(t, name)
	stack.succeeds(t, stack.change(t, "POST", at+"/restore", `{"sandbox":"`+name+`"}`))
	box.wantRestored(t, then, stack.sound(t, name))
	if c := serviceOf(t, now, "account").Serving; c == nil {
		t.Errorf("the snapshot's own sandbox lost its container")
	}
}

// differs wants the snapshot's difference to name everything that has changed, and no value of a secret.
func (b gatedBox) differs(t *testing.T, at string) {
	t.Helper()
	diff := ask[rest.SnapshotDiff](t, stack, 200, "GET", at+"/diff", "")
	t.Logf("the difference: %+v", diff.Differences)
	for _, text := range []string{"BOX_SECRET", "OWN_SECRET", "NOTE", "account", "payment", "user", "new", "environment"} {
		if !slices.ContainsFunc(diff.Differences, func(d rest.Difference) bool {
			return strings.Contains(d.What+" "+d.Key+" "+d.Before+" "+d.After, text)
		}) {
			t.Errorf("the difference does not name %q: %+v", text, diff.Differences)
		}
	}
}

// wantRestored wants a sandbox to run what the box ran when the snapshot was taken, with what it was given then.
func (b gatedBox) wantRestored(t *testing.T, then rest.Snapshot, now rest.Sandbox) {
	t.Helper()
	for _, s := range b.Services {
		n := serviceOf(t, now, s.Name)
		if n.Source != s.Source || n.URL != s.URL || (n.Serving == nil) != (s.Serving == nil) || s.Serving != nil && n.Serving.SHA != s.Serving.SHA {
			t.Errorf("%s was %+v, after the restore it is %+v", s.Name, s, n)
		}
	}
	if now.Environment != b.env || now.EnvironmentVersion != then.Spec.EnvironmentVersion || now.Variables["NOTE"] != "" || len(now.Labels) > 0 {
		t.Errorf("after the restore the sandbox is %+v", now)
	}
	b.wantGiven(t, now.Name)
}

// A snapshot keeps its images even when its sandbox is gone, and works when its commit has vanished from the git server.
func TestSnapshotOutlivesItsCommit(t *testing.T) {
	branch := "feature/" + strings.ToLower(sdp.NewID("vanishing-"))
	if err := pushBranch("account", branch, files{"cmd/account/vanish.go": "package main\n\nvar _ = \"" + branch + "\"\n"}); err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(sdp.NewID("frozen-"))
	stack.atEndDelete(t, name)
	sdpOK(t, "sandbox", "create", name, "-f", given(t, "sandbox: "+name+"\nservices:\n  account: {branch: "+branch+"}\n"), "--wait")
	box := sandbox(t, name)
	serving := serviceOf(t, box, "account").Serving
	snapshot := freeze(t, box.Name, "precious")
	sdpOK(t, "deploy", box.Name, "account@main", "--wait")
	sdpOK(t, "sandbox", "delete", box.Name, "--wait")
	vanish(t, "account", serving.SHA)
	out := sdpOK(t, "images", "prune", "--node", "micro-1")
	t.Logf("what the prune says:\n%s", out)
	command(t, "", "docker", "image", "inspect", serving.Image)

	at := "/api/v1/snapshots/" + snapshot.ID
	name += "-v"
	plan := ask[rest.Plan](t, stack, 200, "POST", at+"/plan", `{"sandbox":"`+name+`"}`)
	if len(plan.Services) != 1 || !plan.Services[0].Vanished || !plan.Services[0].Cached || len(plan.Problems) > 0 {
		t.Errorf("the plan does not say that the commit is gone and its image there: %+v", plan)
	}
	stack.atEndDelete(t, name)
	out = sdpOK(t, "snapshot", "restore", snapshot.ID, "--to", name, "--wait")
	if told := "does not have commit " + sdp.ShortSHA(serving.SHA) + " any more"; !strings.Contains(out, told) {
		t.Errorf("the restore does not say %q:\n%s", told, out)
	}
	if now := serviceOf(t, stack.sound(t, name), "account").Serving; now == nil || now.SHA != serving.SHA || now.Image != serving.Image {
		t.Errorf("%+v was frozen, %+v serves", serving, now)
	}
}

// vanish has the demo's git server forget a commit, as after a force-push, and the node's clone as well, as if somebody
// had cloned it anew.
func vanish(t *testing.T, repository, sha string) {
	t.Helper()
	bare := find(t, repository+".git")
	clone := find(t, filepath.Join("AppGolang", repository))
	for _, dir := range []string{bare, clone} {
		for _, ref := range strings.Fields(command(t, dir, "git", "for-each-ref", "--contains", sha, "--format=%(refname)")) {
			command(t, dir, "git", "update-ref", "-d", ref)
		}
		command(t, dir, "git", "reflog", "expire", "--expire=now", "--all")
		command(t, dir, "git", "gc", "-q", "--prune=now")
		cmd := exec.Command("git", "cat-file", "-e", sha)
		if cmd.Dir = dir; cmd.Run() == nil {
			t.Fatalf("%s still has commit %s", dir, sha)
		}
	}
}

// find returns the only directory of the stack's data whose path ends so.
func find(t *testing.T, end string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(stack.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if err == nil && d.IsDir() && strings.HasSuffix(path, string(filepath.Separator)+end) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d directories %s below %s: %v", len(found), end, stack.data, err)
	}
	return found[0]
}
