package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"sdp/internal/logs"
)

// stack is the installation that is measured.
type stack struct {
	binary string
	root   string // everything of this run
	data   string
	url    string // API
	git    string // the demo's git server, with credentials
	work   string // clone of account that commits are pushed from
	up     *exec.Cmd
	exited chan struct{}

	hasFleet, hasRoom, hasEmitter bool // addFleet, makeRoom and addEmitter were called
}

var (
	apiLine = regexp.MustCompile(`API[^\n]*?(http://[0-9.:]+)`)
	gitLine = regexp.MustCompile(`(?i)git[^\n]*?(http://[0-9.:]+)`)
)

// startStack starts `sdp up` in a directory of its own and signs in.
func startStack(ctx context.Context) (*stack, error) {
	binary, err := filepath.Abs("bin/sdp")
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "sdp-bench-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(root, 0o711); err != nil { // PostgreSQL runs as a user of its own below it
		return nil, err
	}
	s := &stack{binary: binary, root: root, data: filepath.Join(root, "data"), work: filepath.Join(root, "account")}
	if err := s.boot(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stack) boot(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	if _, err := s.sdpInput(ctx, "alice-demo\n", "login", "--server", s.url, "-u", "alice", "--password-stdin"); err != nil {
		return err
	}
	_, err := s.sh(ctx, s.root, `git clone -q "$1" account && cd account && git config user.name Bench &&
		git config user.email bench@example.com && git checkout -q main`, s.git+"/scm/demo/account.git")
	return err
}

func (s *stack) start(ctx context.Context) error {
	var screen logs.Buffer
	s.exited = make(chan struct{})
	s.up = exec.Command(s.binary, "up", "--data", s.data) //nolint:noctx // stopped in order by close, not killed
	s.up.Stdout, s.up.Stderr = &screen, &screen
	s.up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // our Ctrl-C is passed on in order, by close
	if err := s.up.Start(); err != nil {
		return err
	}
	go func() {
		defer close(s.exited)
		s.up.Wait() //nolint:errcheck // its end is what matters; how it ended is on the screen it printed
	}()
	for !strings.Contains(screen.String(), "Ctrl-C") {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.exited:
			return fmt.Errorf("`sdp up` ended:\n%s", screen.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	api, git := apiLine.FindStringSubmatch(screen.String()), gitLine.FindStringSubmatch(screen.String())
	if api == nil || git == nil {
		return fmt.Errorf("`sdp up` does not say where it is:\n%s", screen.String())
	}
	s.url, s.git = api[1], strings.Replace(git[1], "http://", "http://alice:alice-demo@", 1)
	return nil
}

func (s *stack) close() error {
	var errs []error
	if s.up != nil && s.up.Process != nil {
		errs = append(errs, s.up.Process.Signal(os.Interrupt))
		<-s.exited
	}
	out, err := exec.Command(s.binary, "down", "--data", s.data).CombinedOutput() //nolint:noctx // also after a Ctrl-C
	if err != nil {
		errs = append(errs, fmt.Errorf("sdp down: %w: %s", err, out))
	}
	return errors.Join(append(errs, os.RemoveAll(s.root))...)
}

func (s *stack) sdp(ctx context.Context, args ...string) (string, error) {
	return s.sdpInput(ctx, "", args...)
}

func (s *stack) sdpInput(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(s.root, "home"))
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("sdp %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// sh runs a shell script in dir with positional arguments.
func (s *stack) sh(ctx context.Context, dir, script string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Dir = dir
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", script, err, out.String(), problems.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// newCommit pushes a commit that changes one line of account to branch and returns it.
func (s *stack) newCommit(ctx context.Context, branch string, n int) (string, error) {
	return s.sh(ctx, s.work, `git checkout -q -B "$1" origin/main
		printf 'package main\n\nvar benchRound = "%s"\n\nfunc init() { if benchRound == "" { panic(1) } }\n' "$2-$(date +%N)" > cmd/account/bench.go
		git add . && git commit -q -m "Round $2" && git push -q -f origin "HEAD:refs/heads/$1" && git rev-parse HEAD`,
		branch, fmt.Sprint(n))
}

// sandbox makes an empty sandbox and returns where it answers.
func (s *stack) sandbox(ctx context.Context, name string) (string, error) {
	if _, err := s.sdp(ctx, "sandbox", "create", name, "--wait"); err != nil {
		return "", err
	}
	return s.urlOf(ctx, name)
}

var urlField = regexp.MustCompile(`"url": *"(http://[0-9.:]+)"`)

func (s *stack) urlOf(ctx context.Context, name string) (string, error) {
	out, err := s.sdp(ctx, "sandbox", "show", name, "-o", "json")
	if err != nil {
		return "", err
	}
	m := urlField.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("sandbox %s has no URL: %s", name, out)
	}
	return m[1], nil
}

// took measures how long do takes.
func took(do func() error) (time.Duration, error) {
	began := time.Now()
	err := do()
	return time.Since(began), err
}
