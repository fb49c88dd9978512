package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// installation is a running `sdp up` with a data directory and a home of its own.
type installation struct {
	binary string
	data   string
	home   string // XDG_CONFIG_HOME of the CLI
	url    string
	git    string   // URL of the demo's git server
	flags  []string // of `sdp up`, besides --data
	// dockerHost is the address of its Docker daemon, "" = the machine's.
	dockerHost string
	machines   map[string]*machine // it is spread over; nil = `sdp up` runs all of it on this one
	atEnd      []func() error      // what `sdp down` cannot know of, done before it
	up         *exec.Cmd
	screen     *logs.Buffer // what `sdp up` printed
	exited     chan error
}

// bootLimit is how long a first start may take: it makes databases, builds and deploys the demo.
const bootLimit = 5 * time.Minute

func install() (*installation, error) {
	i, err := prepare()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(i.allowElsewhere(), i.boot(), i.login("alice", "alice-demo")); err != nil {
		return nil, errors.Join(err, i.uninstall())
	}
	return i, nil
}

// prepare makes the directories of an installation that is not started yet.
func prepare() (*installation, error) {
	binary, err := filepath.Abs("../../bin/sdp")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("there is no %s: run `make build` first", binary)
	}
	data, err := os.MkdirTemp("", "sdp-e2e-")
	if err != nil {
		return nil, err
	}
	i := &installation{binary: binary, data: filepath.Join(data, "data"), home: filepath.Join(data, "home")}
	return i, os.Chmod(data, 0o711) // PostgreSQL runs as a user of its own below it
}

// elsewhere is the address of servers that routes of tests lead to.
const elsewhere = "127.0.0.9"

// often makes nodes look after what runs more often than people need it.
const often = "probeEvery: 1s\nreconcileEvery: 2s\n"

// soon makes the server ask Temporal about what it was given a moment ago.
const soon = "reconcile: {lostAfter: 4s}\n"

// allowElsewhere has the nodes' configuration, which `sdp up` completes, allow routes to elsewhere, and all look often.
func (i *installation) allowElsewhere() error {
	dir := filepath.Join(i.data, "config")
	err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "server.yaml"), []byte(soon), 0o644))
	for _, node := range []string{"micro-1", "gateway-1"} {
		text := []byte(often + "routes:\n  allow:\n    - " + elsewhere + "\n")
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, node+".yaml"), text, 0o644))
	}
	return err
}

func (i *installation) login(user, password string) error {
	out, err := i.cli(password+"\n", "login", "--server", i.url, "-u", user, "--password-stdin")
	if err != nil {
		return fmt.Errorf("login: %w: %s", err, out)
	}
	return nil
}

// boot is start for the first time. Installations choose their ports then, so only one at a time does that.
func (i *installation) boot() error {
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "sdp-e2e.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	return i.start()
}

// start runs `sdp up` and waits until it says that everything runs.
func (i *installation) start() error {
	i.screen, i.exited = &logs.Buffer{}, make(chan error, 1)
	i.up = exec.Command(i.binary, append([]string{"up", "--data", i.data}, i.flags...)...)
	i.up.Stdout, i.up.Stderr = i.screen, i.screen
	i.up.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := i.up.Start(); err != nil {
		return err
	}
	go func() { i.exited <- i.up.Wait() }()
	err := until(bootLimit, func() error {
		select {
		case err := <-i.exited:
			i.exited <- err // for stop
			return permanent{fmt.Errorf("`sdp up` ended: %w\n%s", err, i.screen)}
		default:
		}
		return i.readScreen()
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, i.screen)
	}
	return nil
}

var (
	apiLine = regexp.MustCompile(`API[^\n]*?(http://[0-9.:]+)`)
	gitLine = regexp.MustCompile(`(?i)git[^\n]*?(http://[0-9.:]+)`)
)

// readScreen learns the addresses from what `sdp up` prints at the end, as a person would.
func (i *installation) readScreen() error {
	text := i.screen.String()
	if !strings.Contains(text, "Ctrl-C") {
		return errors.New("`sdp up` has not finished starting")
	}
	api, git := apiLine.FindStringSubmatch(text), gitLine.FindStringSubmatch(text)
	if api == nil || (git == nil && !slices.Contains(i.flags, "--no-demo")) {
		return permanent{fmt.Errorf("`sdp up` does not say where the API and the git server are")}
	}
	if i.url = api[1]; git != nil {
		i.git = git[1]
	}
	return nil
}

// stop ends `sdp up` the way Ctrl-C does and waits for it.
func (i *installation) stop(sig os.Signal) error {
	if i.up == nil || i.up.Process == nil {
		return nil
	}
	if err := i.up.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-i.exited:
		i.exited <- err
		return nil
	case <-time.After(time.Minute):
		return errors.New("`sdp up` did not end within a minute")
	}
}

func (i *installation) uninstall() error {
	errs := []error{i.stop(os.Interrupt)}
	for _, undo := range i.atEnd {
		errs = append(errs, undo())
	}
	if out, err := exec.Command(i.binary, append([]string{"down", "--data", i.data}, i.downFlags()...)...).CombinedOutput(); err != nil {
		errs = append(errs, fmt.Errorf("sdp down: %w: %s", err, out))
	}
	if _, err := os.Stat(i.data); err == nil {
		errs = append(errs, errors.New("`sdp down` left the data directory"))
	}
	return errors.Join(append(errs, os.RemoveAll(filepath.Dir(i.data)))...)
}

func (i *installation) downFlags() []string {
	if i.dockerHost == "" {
		return nil
	}
	return []string{"--docker", i.dockerHost}
}

// instance is the label by which its containers are told from those of others.
func (i *installation) instance(t *testing.T) string {
	t.Helper()
	name, err := i.readInstance()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func (i *installation) readInstance() (string, error) {
	if i.machines != nil {
		return "default", nil
	}
	var state struct{ Instance string }
	raw, err := os.ReadFile(filepath.Join(i.data, "state.json"))
	if err == nil {
		err = json.Unmarshal(raw, &state)
	}
	if err == nil && state.Instance == "" {
		err = errors.New("state.json names no instance")
	}
	return state.Instance, err
}

// running lists the IDs of its containers that run.
func (i *installation) running() (string, error) {
	instance, err := i.readInstance()
	if err != nil {
		return "", err
	}
	out, err := exec.Command("docker", "ps", "-q", "--no-trunc", "--filter", "label="+sdp.LabelInstance+"="+instance).Output()
	return string(out), err
}

// cli runs the command-line client and returns what it printed, both streams. The error is an *exec.ExitError where
// it did not exit with 0.
func (i *installation) cli(stdin string, args ...string) (string, error) {
	cmd := i.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// command is a call of the CLI that is not started yet.
func (i *installation) command(args ...string) *exec.Cmd {
	cmd := exec.Command(i.binary, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+i.home, "NO_COLOR=1")
	return cmd
}

// pids returns the processes of this installation whose command line contains all words, such as "worker", "micro-1".
func (i *installation) pids(words ...string) []int {
	var out []int
	entries, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		raw, err := os.ReadFile(entry)
		line := string(bytes.ReplaceAll(raw, []byte{0}, []byte(" ")))
		if err != nil || !strings.Contains(line, i.data) {
			continue
		}
		match := true
		for _, word := range words {
			match = match && strings.Contains(line, word)
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(entry))); match && err == nil {
			out = append(out, pid)
		}
	}
	return out
}

func (i *installation) ready() error {
	resp, err := http.Get(i.url + "/readyz")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/readyz answers %s: %s", resp.Status, body)
	}
	return nil
}
