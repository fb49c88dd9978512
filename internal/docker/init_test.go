package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/system"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// A program that leaves more processes behind than its container may have goes on working: somebody waits for them.
func TestOrphansAreReaped(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	ct := start(t, c, s)
	healthy(t, c, ct)
	for i := range 2 * s.PIDs {
		res, err := http.Get("http://" + ct.Address + "/orphan")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("after %d orphans no process can be started: %s; there are\n%s", i, res.Status,
				get(t, "http://"+ct.Address+"/processes"))
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // the last one may still be ending
		processes := get(t, "http://"+ct.Address+"/processes")
		if !strings.Contains(processes, " Z\n") && strings.Contains(processes, "1 (docker-init)") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there are still zombies:\n%s", processes)
		}
	}
}

// What cannot be run is said as clearly as the runtime does that no longer sees the program first.
func TestProgramThatCannotBeRun(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	for program, why := range map[string]string{"/nope": "no such file or directory", "/etc/passwd": "permission denied"} {
		s := s
		s.Image, s.Deployment = "sdp/"+c.instance+":"+sdp.NewID(""), sdp.NewID("d")
		s.Name = sdp.GenerationName(s.Sandbox, s.Service, s.Deployment)
		recipe := fmt.Sprintf("FROM %s\nENTRYPOINT [%q]\n", image(t, c, ""), program)
		build := containers.DockerfileBuild{Ref: s.Image, Dir: files(t, map[string]string{"Dockerfile": recipe}),
			Labels: map[string]string{sdp.LabelSHA: sha}}
		if err := c.BuildImage(context.Background(), build, io.Discard); err != nil {
			t.Fatal(err)
		}
		ct, err := c.Start(context.Background(), s)
		if err == nil {
			err = c.WaitHealthy(context.Background(), ct, containers.Probe{Timeout: 20 * time.Second})
		}
		wantCode(t, err, sdp.Failed, "container-start-failed")
		if text := strings.ToLower(fmt.Sprint(err)); !strings.Contains(text, program) || !strings.Contains(text, why) {
			t.Errorf("%s: error = %v", program, err)
		}
	}
}

// An image that starts an init process of its own keeps it as the first process, which some of them insist on.
func TestInitOfTheImageStaysTheFirst(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	s := spec(t, c)
	s.Image = "sdp/" + c.instance + ":" + sdp.NewID("")
	recipe := "FROM " + image(t, c, "") + "\nCOPY tini /sbin/tini\nENTRYPOINT [\"/sbin/tini\", \"sh\"]\n"
	dir := files(t, map[string]string{"Dockerfile": recipe})
	if err := copyProgram(dir+"/tini", program); err != nil {
		t.Fatal(err)
	}
	build := containers.DockerfileBuild{Ref: s.Image, Dir: dir, Labels: map[string]string{sdp.LabelSHA: sha}}
	if err := c.BuildImage(context.Background(), build, io.Discard); err != nil {
		t.Fatal(err)
	}
	ct := start(t, c, s)
	healthy(t, c, ct)
	if processes := get(t, "http://"+ct.Address+"/processes"); !strings.HasPrefix(processes, "1 (tini)") {
		t.Errorf("processes are\n%s", processes)
	}
}

func TestInitIsRequired(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	if err := c.RequireInit(context.Background()); err != nil {
		t.Error(err)
	}
	// What dockerd 20.10 says, and at the start of a container, where it has none.
	without := system.Info{InitBinary: "docker-init", InitCommit: system.Commit{ID: "N/A"}}
	wantCode(t, c.initError(without), sdp.Unavailable, "no-docker-init")
	wantCode(t, c.startError(context.Background(), errors.New(`exec: "docker-init": executable file not found in $PATH`), "x"),
		sdp.Unavailable, "no-docker-init")
}
