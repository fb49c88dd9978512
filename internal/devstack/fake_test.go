package devstack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"sdp/internal/wire"
)

// The test program plays sdp itself: Config.Binary is os.Executable(), and the first argument says which role to play.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		if err := play(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func play(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	switch args[0] {
	case "up":
		return Run(ctx, fakeConfig(args[1], argument(args, "--temporald")), newLines(os.Stdout))
	case "migrate":
		return nil
	case "server":
		return serve(ctx, configured(args, "listen"))
	case "router":
		socket := filepath.Join(configured(args, "data"), "router.sock")
		_ = os.Remove(socket) // of a run that was killed
		l, err := net.Listen("unix", socket)
		if err != nil {
			return err
		}
		<-ctx.Done()
		return l.Close()
	case "worker":
		fmt.Println("worker of", configured(args, "node"))
	case "demo":
		if args[1] == "git" {
			return serve(ctx, argument(args, "--listen"))
		}
		return serve(ctx, net.JoinHostPort(argument(args, "--listen-host"), argument(args, "--base-port")))
	}
	<-ctx.Done()
	return nil
}

func serve(ctx context.Context, address string) error {
	server := &http.Server{Addr: address, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func argument(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

func configured(args []string, key string) string {
	raw, err := os.ReadFile(argument(args, "--config"))
	values := map[string]any{}
	if err == nil {
		err = yaml.Unmarshal(raw, &values)
	}
	if err != nil {
		panic(err)
	}
	return fmt.Sprint(values[key])
}

func fakeConfig(data, temporald string) Config {
	return Config{
		Data: data, Temporald: temporald, Demo: true, Address: "127.0.0.1",
		Hooks: Hooks{
			NodeToken: func(_, node, _ string) (string, error) { return "token of " + node, nil },
			Seed: func(_ context.Context, s Stack) (Content, error) {
				return Content{
					Login: "account",
					Repositories: map[string][]wire.RepositoryConfig{
						MicroNode: {{Name: "account", Path: s.Demo.Clones, Kind: "go", Port: 8080, OCP: "http://ocp.test"}},
					},
				}, nil
			},
		},
	}
}

// recorder is a Progress that tests can wait on.
type recorder struct {
	t      *testing.T
	events chan string
}

func newRecorder(t *testing.T) *recorder { return &recorder{t: t, events: make(chan string, 1000)} }

func (r *recorder) Start(string) {}
func (r *recorder) Done(step, detail string, took time.Duration) {
	r.events <- "ok " + step + " " + detail
}
func (r *recorder) Fail(step string, err error, _ time.Duration) {
	r.events <- "FAIL " + step + ": " + err.Error()
}
func (r *recorder) Event(text string) { r.events <- text }

// await returns the first event that contains text, and fails the test if none comes.
func (r *recorder) await(text string) string {
	r.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case e := <-r.events:
			r.t.Log(e)
			if strings.Contains(e, text) {
				return e
			}
		case <-deadline:
			r.t.Fatalf("nothing said %q", text)
		}
	}
}

// notify sends SIGTERM to signals for the time of the test.
func notify(t *testing.T, signals chan os.Signal) {
	signal.Notify(signals, syscall.SIGTERM)
	t.Cleanup(func() { signal.Stop(signals) })
}

// readUntil copies lines from r to the test's log until one contains text.
func readUntil(t *testing.T, r io.Reader, text string) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		t.Log(lines.Text())
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("it ended without saying %q", text)
}

// newLines returns a Progress that writes one line for each step that ended and each event.
func newLines(w io.Writer) Progress { return &lines{w: w} }

type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Start(string) {}

func (l *lines) Done(step, detail string, took time.Duration) {
	l.write(fmt.Sprintf("ok    %-34s %6.2f s  %s", step, took.Seconds(), detail))
}

func (l *lines) Fail(step string, _ error, took time.Duration) {
	l.write(fmt.Sprintf("FAIL  %-34s %6.2f s", step, took.Seconds()))
}

func (l *lines) Event(text string) { l.write("note  " + text) }

func (l *lines) write(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, strings.TrimRight(line, " ")+"\n")
}
