package postgrestest

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const beKilled = "SDP_TEST_BE_KILLED"

// TestClusterGoesWithItsProcess kills a process that started a cluster and waits until nothing of the cluster is left.
func TestClusterGoesWithItsProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv(beKilled) != "" {
		startAndWait(t)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestClusterGoesWithItsProcess$")
	cmd.Env = append(os.Environ(), beKilled+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir = strings.TrimSpace(dir)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	waitUntilGone(t, dir)
}

func startAndWait(t *testing.T) {
	clusterURL, err := startCluster()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(clusterURL)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(u.Query().Get("host"))
	select {} // until it is killed
}

func waitUntilGone(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	patience := time.After(30 * time.Second)
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("%s was not removed", dir)
		}
	}
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	if a, b := URL(t), URL(t); a == b {
		t.Fatalf("both tests got %s", a)
	}
	if err := New(t).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
}
