package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"sdp/api/apiclient"
	"sdp/internal/sdp"
)

// What the dashboard is measured with.
const (
	browseRows   = 500
	browseEvents = 50 // a second, while somebody types
	paintRate    = 500
	paintSeconds = 12
	scrollLines  = 100_000
)

// browserFigures measures the dashboard in Chromium: web/e2e/bench.ts says how.
func browserFigures(ctx context.Context, s *stack) ([]figure, error) {
	if err := s.addEmitter(ctx); err != nil {
		return nil, err
	}
	load, err1 := s.firstLoad(ctx)
	painted, err2 := s.linesPainted(ctx)
	scroll, err3 := s.logScrolled(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	typing, err := s.typingLatency(ctx)
	return []figure{load, typing, painted, scroll}, err
}

// browse runs one phase of the browser's measurements and decodes what it found.
func (s *stack) browse(ctx context.Context, result any, args ...string) error {
	cmd := exec.CommandContext(ctx, "node", append([]string{"--import", "tsx", "e2e/bench.ts"}, args...)...)
	cmd.Dir = "web"
	cmd.Env = append(os.Environ(), "SDP_URL="+s.url, "SDP_USER=alice", "SDP_PASSWORD=alice-demo")
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("bench.ts %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	return json.Unmarshal(out, result)
}

// millis measures in the browser and returns what it found as durations.
func (s *stack) millis(ctx context.Context, args ...string) ([]time.Duration, error) {
	var found []float64
	err := s.browse(ctx, &found, args...)
	out := make([]time.Duration, len(found))
	for i, ms := range found {
		out[i] = time.Duration(ms * float64(time.Millisecond))
	}
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("bench.ts %s found nothing", strings.Join(args, " "))
	}
	return out, err
}

func (s *stack) firstLoad(ctx context.Context) (figure, error) {
	var found struct {
		Kilobytes float64
		Scripts   int
	}
	err := s.browse(ctx, &found, "load")
	return figure{name: "overview, first load, JavaScript over the wire", ours: fmt.Sprintf("%.0f KB", found.Kilobytes), theirs: "-",
		bar: "<= 250 KB", met: found.Kilobytes > 0 && found.Kilobytes <= 250,
		comments: []string{fmt.Sprintf("%d files, compressed", found.Scripts)}}, err
}

// typingLatency types into the search of the overview while rows change.
func (s *stack) typingLatency(ctx context.Context) (figure, error) {
	f := figure{name: fmt.Sprintf("key to paint, %d sandboxes, %d events/s, p95", browseRows, browseEvents), theirs: "-", bar: "<= 100ms"}
	if err := s.fillOverview(ctx); err != nil {
		return f, err
	}
	conn, err := s.database(ctx)
	if err != nil {
		return f, err
	}
	stop, told := s.change(ctx, conn)
	took, err := s.millis(ctx, "typing")
	count, began := stop()
	err = errors.Join(err, told(), conn.Close(ctx))
	p95 := percentile(took, 95)
	f.ours, f.met = show(p95)+" (median "+show(median(took))+")", p95 <= 100*time.Millisecond
	f.comments = []string{fmt.Sprintf("%d keys, p99 %s; %.0f events/s", len(took), show(percentile(took, 99)), float64(count)/time.Since(began).Seconds())}
	return f, err
}

// fillOverview makes sandboxes until there are browseRows.
func (s *stack) fillOverview(ctx context.Context) error {
	if err := s.makeRoom(ctx, browseRows+50); err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	have, err := c.Sandboxes(ctx)
	if err != nil {
		return err
	}
	const atATime = 50
	for first := len(have); first < browseRows && err == nil; first += atATime {
		_, err = atOnce(min(atATime, browseRows-first), func(n int) (time.Duration, error) {
			_, err := c.CreateSandbox(ctx, sdp.SandboxSpec{Name: browseName(first + n), Services: map[string]sdp.ServiceSpec{
				"account": {UseOCP: true}, "payment": {UseOCP: true}}})
			return 0, err
		})
	}
	if err != nil {
		return err
	}
	// What is measured next is not to be disturbed by what is still being made.
	return await(ctx, "the sandboxes", deleteLimit, func() (bool, error) {
		busy, err := c.Operations(ctx, apiclient.OperationFilter{Active: true, Limit: 1})
		return err == nil && len(busy) == 0, err
	})
}

func browseName(n int) string { return fmt.Sprintf("browse-%03d", n) }

// change changes a row and announces it, browseEvents times a second, until stop is called. stop returns how many and
// since when; told, afterwards, what went wrong.
func (s *stack) change(ctx context.Context, conn *pgx.Conn) (stop func() (int, time.Time), told func() error) {
	began, count := time.Now(), 0
	var problem error
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second / browseEvents)
		defer tick.Stop()
		for problem == nil {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			_, problem = conn.Exec(ctx, `WITH changed AS (UPDATE sandboxes SET description = $1 WHERE name = $2 RETURNING name)
				SELECT sdp_notify('sandbox/' || name, name, name, 0) FROM changed`, fmt.Sprint("change ", count), browseName(count%400+50))
			count++
		}
	}()
	return func() (int, time.Time) {
		close(quit)
		<-done
		return count, began
	}, func() error { return problem }
}

// database connects as the server does.
func (s *stack) database(ctx context.Context) (*pgx.Conn, error) {
	raw, err1 := os.ReadFile(filepath.Join(s.data, "config", "server.yaml"))
	password, err2 := os.ReadFile(filepath.Join(s.data, "keys", "sdp.password"))
	var server struct{ Database struct{ URL string } }
	if err := errors.Join(err1, err2, yaml.Unmarshal(raw, &server)); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(server.Database.URL)
	if err != nil {
		return nil, err
	}
	config.Password = strings.TrimSpace(string(password))
	return pgx.ConnectConfig(ctx, config)
}

// linesPainted measures how long a line that a build prints takes to be seen.
func (s *stack) linesPainted(ctx context.Context) (figure, error) {
	id, err := s.emit(ctx, "paint", paintRate*paintSeconds, paintRate)
	if err != nil {
		return figure{}, err
	}
	took, err := s.millis(ctx, "painted", id)
	p95 := percentile(took, 95)
	return figure{name: fmt.Sprintf("log line, build -> painted, %d lines/s, p95", paintRate), ours: show(p95), theirs: "-", bar: "<= 400ms",
		met: len(took) > 0 && p95 <= 400*time.Millisecond, comments: []string{fmt.Sprintf("%d lines seen as they came, p50 %s, p99 %s",
			len(took), show(percentile(took, 50)), show(percentile(took, 99)))}}, err
}

// logScrolled measures how smooth a long log is.
func (s *stack) logScrolled(ctx context.Context) (figure, error) {
	id, err := s.emit(ctx, "scroll", scrollLines, 1_000_000)
	if err != nil {
		return figure{}, err
	}
	frames, err := s.millis(ctx, "scroll", id, fmt.Sprint(scrollLines))
	p95 := percentile(frames, 95)
	return figure{name: fmt.Sprintf("scrolling a log of %d lines, frame, p95", scrollLines), ours: show(p95), theirs: "-", bar: "<= 34ms",
		met: len(frames) > 0 && p95 <= 34*time.Millisecond, comments: []string{fmt.Sprintf("%d frames in 5 s, median %s, p99 %s",
			len(frames), show(median(frames)), show(percentile(frames, 99)))}}, err
}

// emit starts a deployment whose build prints numbered lines, and returns its ID.
func (s *stack) emit(ctx context.Context, name string, lines, rate int) (string, error) {
	program := fmt.Sprintf(emitter, lines, rate) + "echo \"BENCH END\\n\";\n"
	if err := os.WriteFile(filepath.Join(s.root, "emitter", "emit.php"), []byte(program), 0o644); err != nil { //nolint:gosec // a build reads it
		return "", err
	}
	if _, err := s.sh(ctx, filepath.Join(s.root, "emitter"), `git checkout -q -B "$1" && date "+$1 %s.%N" > branch &&
		git add . && git commit -q -m "$1" && git push -q -f origin HEAD:"refs/heads/$1"`, name); err != nil {
		return "", err
	}
	if _, err := s.sandbox(ctx, "browser-"+name); err != nil {
		return "", err
	}
	out, err := s.sdp(ctx, "deploy", "browser-"+name, "emitter@"+name, "-o", "json")
	if err != nil {
		return "", err
	}
	id := idField.FindStringSubmatch(out)
	if id == nil {
		return "", fmt.Errorf("no deployment in %s", out)
	}
	return id[1], nil
}
