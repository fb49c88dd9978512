package logs_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/logs/mask"
)

func TestShipperDelivers(t *testing.T) {
	srv, spool := newServer(t), openSpool(t, t.TempDir())
	ship(t, spool, srv.target())
	s := create(t, spool, "deploy-1", logs.Options{})
	fmt.Fprintln(s, "one")
	srv.wait("deploy-1", func(data string, final bool) bool { return data == "one\n" && !final })
	fmt.Fprint(s, "half a line that never ends")
	written := time.Now()
	srv.wait("deploy-1", func(data string, _ bool) bool { return strings.HasSuffix(data, "never ends") })
	if took := time.Since(written); took > 4*time.Second { // what is looked for every 5 s was not signalled
		t.Errorf("half a line took %v", took)
	}
	closeAll(t, s)
	srv.waitFinal("deploy-1", "one\nhalf a line that never ends")
	closeAll(t, create(t, spool, "deploy-2", logs.Options{}))
	srv.waitFinal("deploy-2", "") // an empty log ends too
	again := create(t, spool, "deploy-1", logs.Options{})
	fmt.Fprintln(again, "\ntwo")
	closeAll(t, again)
	srv.wait("deploy-1", func(data string, final bool) bool { return final && strings.HasSuffix(data, "two\n") })
}

// How long a line takes is measured by cmd/bench, all the way to a browser.
func TestManyStreamsArriveWhole(t *testing.T) {
	srv, spool := newServer(t), openSpool(t, t.TempDir())
	ship(t, spool, srv.target())
	const streams, perStream = 10, 400
	m := mask.New("some-secret", "another-secret")
	for i := range streams {
		s := create(t, spool, "s"+strconv.Itoa(i), logs.Options{Masker: m})
		go func() {
			defer s.Close()
			for n := range perStream {
				fmt.Fprintf(s, "line %d of a build that prints some-secret things, some 80 bytes a line\n", n)
			}
		}()
	}
	var want strings.Builder
	for n := range perStream {
		fmt.Fprintf(&want, "line %d of a build that prints *** things, some 80 bytes a line\n", n)
	}
	for i := range streams {
		srv.waitFinal("s"+strconv.Itoa(i), want.String())
	}
}

func TestNothingIsLostWhileTheServerIsAway(t *testing.T) {
	srv, spool := newServer(t), openSpool(t, t.TempDir())
	target := srv.target()
	address := reserve(t)
	target.URL = "http://" + address
	ship(t, spool, target)
	want := map[string]string{}
	for i := range 20 {
		name := "s" + strconv.Itoa(i)
		s := create(t, spool, name, logs.Options{})
		var b strings.Builder
		for n := range 5000 { // several requests' worth
			fmt.Fprintf(&b, "stream %d line %d %s\n", i, n, strings.Repeat("x", 50))
		}
		want[name] = b.String()
		fmt.Fprint(s, b.String())
		closeAll(t, s)
	}
	srv.startAt(address)
	for name, text := range want {
		srv.waitFinal(name, text)
	}
}

// The server's database was restored from a backup: it has less than it confirmed.
func TestShipperGoesBackToWhereTheServerIs(t *testing.T) {
	srv, spool := newServer(t), openSpool(t, t.TempDir())
	ship(t, spool, srv.target())
	s := create(t, spool, "s", logs.Options{})
	fmt.Fprint(s, "0123456789\n")
	srv.wait("s", func(data string, _ bool) bool { return len(data) == 11 })
	srv.mu.Lock()
	srv.streams["s"].data = srv.streams["s"].data[:4]
	srv.mu.Unlock()
	fmt.Fprint(s, "more\n")
	closeAll(t, s)
	srv.waitFinal("s", "0123456789\nmore\n")
}

// A power failure took the end of the node's file: the server has more than the node. What the node writes afterwards
// must follow what the server has, though it would fit into the gap. Its file ends in the middle of a line, so an empty one
// comes between.
func TestShipperGoesOnWhereTheServerIs(t *testing.T) {
	for name, stateKept := range map[string]bool{"state kept": true, "state lost": false} {
		t.Run(name, func(t *testing.T) {
			srv, dir := newServer(t), t.TempDir()
			spool := openSpool(t, dir)
			stop := ship(t, spool, srv.target())
			s := create(t, spool, "s", logs.Options{})
			fmt.Fprint(s, "0123456789\n")
			srv.wait("s", func(data string, _ bool) bool { return len(data) == 11 })
			stop()
			closeAll(t, spool)
			if err := os.Truncate(filepath.Join(dir, "s.log"), 4); err != nil {
				t.Fatal(err)
			}
			if !stateKept {
				_ = os.Remove(filepath.Join(dir, "s.state")) // not there if the answer did not arrive in time
			}
			spool = openSpool(t, dir)
			s = create(t, spool, "s", logs.Options{})
			fmt.Fprint(s, "a line longer than what was lost\n")
			ship(t, spool, srv.target())
			closeAll(t, s)
			srv.waitFinal("s", "0123456789\n\na line longer than what was lost\n")
		})
	}
}

func TestTroubleWithOneStreamOrRequestIsOvercome(t *testing.T) {
	srv, spool := newServer(t), openSpool(t, t.TempDir())
	n := 0
	srv.set(func(w http.ResponseWriter, stream string, offset int64) bool {
		if stream == "poisoned" {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		n++
		switch n {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			fmt.Fprint(w, "not what was agreed")
		case 3:
			panic(http.ErrAbortHandler) // the connection breaks, having stored nothing
		case 4:
			st := &received{data: []byte("first ")} // it breaks having stored a part
			srv.streams["s"] = st
			panic(http.ErrAbortHandler)
		default:
			return false
		}
		return true
	})
	ship(t, spool, srv.target())
	poisoned, s := create(t, spool, "poisoned", logs.Options{}), create(t, spool, "s", logs.Options{})
	fmt.Fprintln(poisoned, "x")
	fmt.Fprintln(s, "first line")
	closeAll(t, s)
	srv.waitFinal("s", "first line\n")
}

func TestWrongTokenIsRetried(t *testing.T) {
	srv, spool := newServer(t), openSpool(t, t.TempDir())
	target := srv.target()
	var mu sync.Mutex
	tries := 0
	target.Token = func() string { // read anew with each request: it may have been replaced
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 3 {
			return "old"
		}
		return "tok"
	}
	ship(t, spool, target)
	s := create(t, spool, "s", logs.Options{})
	fmt.Fprintln(s, "x")
	closeAll(t, s)
	srv.waitFinal("s", "x\n")
}

func TestDeliveredStreamsAreDeletedAndMayGoOn(t *testing.T) {
	srv, dir := newServer(t), t.TempDir()
	spool := openSpool(t, dir)
	target := srv.target()
	target.Retention = time.Nanosecond
	stop := ship(t, spool, target)
	s, open := create(t, spool, "s", logs.Options{}), create(t, spool, "open", logs.Options{})
	fmt.Fprintln(s, "first")
	fmt.Fprintln(open, "stays")
	closeAll(t, s)
	srv.waitFinal("s", "first\n")
	srv.wait("open", func(data string, _ bool) bool { return data != "" })
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err := os.Stat(filepath.Join(dir, "s.log")); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the file is still there")
		}
	}
	stop()
	closeAll(t, spool)
	if read(t, filepath.Join(dir, "open.log")) != "stays\n" {
		t.Error("a stream that had not ended was deleted")
	}

	spool = openSpool(t, dir) // a later process goes on, at the right offset
	ship(t, spool, srv.target())
	s = create(t, spool, "s", logs.Options{})
	fmt.Fprintln(s, "second")
	closeAll(t, s)
	srv.wait("s", func(data string, final bool) bool { return final && data == "first\nsecond\n" })
}

// A process that writes and ships is killed again and again. In the end the server has each line once, in order. A line
// that the kernel cut off at the kill stands by itself, before the whole of it.
func TestKillLosesAndDoublesNothing(t *testing.T) {
	if dir := os.Getenv("SDP_TEST_DIR"); dir != "" {
		writeUntilKilled(t, dir, os.Getenv("SDP_TEST_URL"))
		return
	}
	srv, dir := newServer(t), t.TempDir()
	for round := range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillLosesAndDoublesNothing$")
		cmd.Env = append(os.Environ(), "SDP_TEST_DIR="+dir, "SDP_TEST_URL="+srv.URL)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out) // one per thousand lines written
		for range 1 + round%3 {
			if !lines.Scan() {
				t.Fatal("the writer ended by itself")
			}
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	spool := openSpool(t, dir)
	ship(t, spool, srv.target())
	for _, name := range []string{"a", "b"} {
		closeAll(t, create(t, spool, name, logs.Options{}))
		srv.wait(name, func(_ string, final bool) bool { return final })
		next, torn := 0, 0 // at most one line is cut off at each kill
		for line := range strings.Lines(string(srv.streams[name].data)) {
			if line != numbered(next) {
				if strings.HasPrefix(numbered(next), strings.TrimSuffix(line, "\n")) && torn < 8 {
					torn++
					continue
				}
				t.Fatalf("stream %s: line %d is %q", name, next, line)
			}
			next++
		}
		if next < 8000 {
			t.Errorf("stream %s has only %d lines", name, next)
		}
	}
}

func numbered(n int) string { return fmt.Sprintf("line %d %s\n", n, strings.Repeat("x", n%100)) }

// writeUntilKilled goes on after the last whole line in the spool.
func writeUntilKilled(t *testing.T, dir, url string) {
	first := map[string]int{}
	for _, name := range []string{"a", "b"} {
		if raw, err := os.ReadFile(filepath.Join(dir, name+".log")); err == nil {
			for line := range strings.Lines(string(raw)) {
				if line == numbered(first[name]) {
					first[name]++
				}
			}
		}
	}
	spool := openSpool(t, dir)
	ship(t, spool, logs.Target{URL: url, Node: "micro-1", Token: func() string { return "tok" }})
	a, b := create(t, spool, "a", logs.Options{}), create(t, spool, "b", logs.Options{})
	for i := 0; ; i++ {
		fmt.Fprint(a, numbered(first["a"]+i))
		fmt.Fprint(b, numbered(first["b"]+i))
		if i%1000 == 999 {
			fmt.Println("wrote")
		}
	}
}

func BenchmarkShip(b *testing.B) {
	srv, spool := newServer(b), openSpool(b, b.TempDir())
	ship(b, spool, srv.target())
	line := strings.Repeat("x", 99) + "\n"
	b.SetBytes(100)
	s := create(b, spool, "s", logs.Options{MaxBytes: 1 << 40})
	for b.Loop() {
		fmt.Fprint(s, line)
	}
	closeAll(b, s)
	srv.wait("s", func(_ string, final bool) bool { return final })
}
