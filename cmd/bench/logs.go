package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"sdp/api/rest"
)

// Builds that print: this many deployments at once, each this many lines per second, for this long.
const (
	logBuilds  = 10
	logRate    = 200 // lines per second and build
	logSeconds = 8
)

// emitter is a PHP program that a Dockerfile runs while its image is built. Each line carries its number and the time
// it was printed at.
const emitter = `<?php
$start = microtime(true);
for ($i = 0; $i < %d; $i++) {
  $wait = $start + $i / %d - microtime(true);
  if ($wait > 0) { usleep((int)($wait * 1e6)); }
  fwrite(STDOUT, sprintf("BENCH %%d %%.6f a line as long as compilers like to print them, more or less\n", $i, microtime(true)));
}
`

const emitterDockerfile = `FROM sdp-demo/php:8.2
COPY emit.php branch /
RUN ["php", "/emit.php"]
CMD ["php", "-S", "0.0.0.0:8080", "-t", "/"]
`

// logLatency measures how long a line that a build prints takes to a WebSocket client of the API: build container,
// Docker, worker, spool, server, database, WebSocket.
func logLatency(ctx context.Context, s *stack) ([]figure, error) {
	if err := s.addEmitter(ctx); err != nil {
		return nil, err
	}
	branches := make([]string, logBuilds)
	for n := range branches { // a commit each, or the image would be made once
		branches[n] = fmt.Sprintf("build-%d", n)
		if _, err := s.sandbox(ctx, fmt.Sprintf("logs-%d", n)); err != nil {
			return nil, err
		}
		if _, err := s.sh(ctx, filepath.Join(s.root, "emitter"), `git checkout -q -B "$1" origin/main && date "+$1 %s.%N" > branch &&
			git add . && git commit -q -m "$1" && git push -q -f origin HEAD:"refs/heads/$1"`, branches[n]); err != nil {
			return nil, err
		}
	}
	readers := make([]reader, logBuilds)
	var group sync.WaitGroup
	for n, branch := range branches {
		group.Go(func() { readers[n].err = readers[n].deploy(ctx, s, fmt.Sprintf("logs-%d", n), "emitter@"+branch) })
	}
	group.Wait()
	var all []time.Duration
	lines := 0
	for _, r := range readers {
		if r.err != nil {
			return nil, r.err
		}
		all, lines = append(all, r.delays...), lines+len(r.seen)
	}
	want := logBuilds * logRate * logSeconds
	p95 := percentile(all, 95)
	return []figure{{name: "log line, build -> WebSocket client, p95", ours: show(p95), bar: "<= 250ms, 0 lost",
		met: p95 <= 250*time.Millisecond && lines == want, comments: []string{fmt.Sprintf(
			"%d of %d lines, p50 %s, p99 %s; %d builds at once, each %d lines/s", lines, want, show(percentile(all, 50)),
			show(percentile(all, 99)), logBuilds, logRate)}}}, nil
}

// addEmitter pushes the emitter's repository and configures it on the gateway node, once, with room for all builds at once.
func (s *stack) addEmitter(ctx context.Context) error {
	if s.hasEmitter {
		return nil
	}
	s.hasEmitter = true
	dir := filepath.Join(s.root, "emitter")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"Dockerfile": emitterDockerfile, "emit.php": fmt.Sprintf(emitter, logRate*logSeconds, logRate)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	clone := filepath.Join(s.data, "emitter")
	if _, err := s.sh(ctx, dir, `git init -q -b main && git config user.name Bench && git config user.email bench@example.com
		git add . && git commit -q -m "Print" && git remote add origin "$1" && git push -q origin main && git fetch -q
		git clone -q "$1" "$2" && git -C "$2" remote set-url origin "$(echo "$1" | sed 's|//[^@]*@|//|')"`,
		s.git+"/scm/bench/emitter.git", clone); err != nil {
		return err
	}
	path := filepath.Join(s.data, "config", "gateway-1.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	more := regexp.MustCompile(`concurrency: \d+`).ReplaceAllString(strings.TrimRight(string(text), "\n"), "concurrency: "+strconv.Itoa(logBuilds))
	more += "\n  - {name: emitter, path: " + clone + ", kind: dockerfile, port: 8080}\n"
	if err := os.WriteFile(path, []byte(more), 0o600); err != nil {
		return err
	}
	for range 300 {
		out, err := s.sdp(ctx, "repos")
		if err != nil {
			return err
		}
		if strings.Contains(out, "emitter") {
			return nil
		}
		time.Sleep(100 * time.Millisecond) // the worker is starting again
	}
	return fmt.Errorf("the gateway node did not take up its new repository")
}

// reader follows one deployment's log.
type reader struct {
	seen   map[int]bool
	delays []time.Duration
	err    error
}

var benchLine = regexp.MustCompile(`BENCH (\d+) (\d+\.\d+)`)

// deploy starts a deployment and follows its log to the end.
func (r *reader) deploy(ctx context.Context, s *stack, sandbox, what string) error {
	out, err := s.sdp(ctx, "deploy", sandbox, what, "-o", "json")
	if err != nil {
		return err
	}
	id := idField.FindStringSubmatch(out)[1]
	if err := r.follow(ctx, s, id); err != nil || len(r.seen) > 0 {
		return err
	}
	whole, err := s.sdp(ctx, "logs", id)
	return errors.Join(fmt.Errorf("the build of %s printed nothing:\n%s", id, whole), err)
}

func (r *reader) follow(ctx context.Context, s *stack, id string) error {
	r.seen = map[int]bool{}
	token, err := s.token()
	if err != nil {
		return err
	}
	url := strings.Replace(s.url, "http://", "ws://", 1) + "/api/v1/deployments/" + id + "/logs/stream?offset=0"
	header := http.Header{"Authorization": {"Bearer " + token}}
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // Dial closes it
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // read to its end
	conn.SetReadLimit(8 << 20)
	partial := ""
	for {
		_, raw, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("following %s: %w", id, err)
		}
		now := time.Now()
		var f rest.LogFrame
		if err := json.Unmarshal(raw, &f); err != nil {
			return err
		}
		if f.Final {
			return nil
		}
		partial += f.Data
		whole := strings.LastIndexByte(partial, '\n') + 1
		r.take(partial[:whole], now)
		partial = partial[whole:]
	}
}

func (r *reader) take(text string, now time.Time) {
	for _, m := range benchLine.FindAllStringSubmatch(text, -1) {
		n, err1 := strconv.Atoi(m[1])
		printed, err2 := strconv.ParseFloat(m[2], 64)
		if err1 == nil && err2 == nil && !r.seen[n] {
			r.seen[n] = true
			r.delays = append(r.delays, now.Sub(time.UnixMicro(int64(printed*1e6))))
		}
	}
}

var tokenField = regexp.MustCompile(`"token": *"([^"]+)"`)

// token reads the session that the CLI keeps.
func (s *stack) token() (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.root, "home", "sdp", "session"))
	if err != nil {
		return "", err
	}
	m := tokenField.FindSubmatch(raw)
	if m == nil {
		return "", fmt.Errorf("the session file holds no token")
	}
	return string(m[1]), nil
}
