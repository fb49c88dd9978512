package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemon is a Docker daemon of the test's own, which it may kill. It shares no directory and no iptables chain with the
// machine's: containers publish nothing, so it needs no rules.
type daemon struct {
	dir    string
	bridge string // its default bridge: with none, dockerd removes docker0, which is the machine's
	cmd    *exec.Cmd
}

func startDaemon() (*daemon, error) {
	dir, err := os.MkdirTemp("", "sdp-d-") // short: paths of sockets are limited to 107 bytes
	if err != nil {
		return nil, err
	}
	d := &daemon{dir: dir, bridge: "sdpd" + strconv.Itoa(os.Getpid()%1e6)}
	data := filepath.Join(dir, "data")
	if err := errors.Join(os.Mkdir(data, 0o711), syscall.Mount("tmpfs", data, "tmpfs", 0, "mode=0711,size="+diskSize)); err != nil {
		return d, err
	}
	if out, err := exec.Command("sh", "-euc", `ip link add "$1" type bridge
		ip addr add 192.168.253.1/24 dev "$1"; ip link set "$1" up`, "sh", d.bridge).CombinedOutput(); err != nil {
		return d, errorf("making bridge %s: %w: %s", d.bridge, err, out)
	}
	return d, d.start()
}

func (d *daemon) host() string { return "unix://" + filepath.Join(d.dir, "docker.sock") }

// start starts the daemon, as it was left, and waits until it answers.
func (d *daemon) start() error {
	log, err := os.OpenFile(filepath.Join(d.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	in := func(name string) string { return filepath.Join(d.dir, name) }
	if err := put(in("daemon.json"), "{}"); err != nil { // not the machine's
		return err
	}
	d.cmd = exec.Command("dockerd", "--config-file", in("daemon.json"), "--data-root", in("data"), "--exec-root", in("exec"),
		"--pidfile", in("pid"), "-H", d.host(), "--bridge="+d.bridge, "--iptables=false", "--ip6tables=false", "--ip-forward=false",
		"--ip-masq=false")
	d.cmd.Stdout, d.cmd.Stderr = log, log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	return until(time.Minute, func() error {
		if out, err := exec.Command("docker", "-H", d.host(), "version").CombinedOutput(); err != nil {
			return errorf("the test's dockerd does not answer: %w: %s\n%s", err, out, d.log())
		}
		return nil
	})
}

func (d *daemon) log() string {
	raw, err := os.ReadFile(filepath.Join(d.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-4000):])
}

// kill is kill -9, as a crash would be: containers go on running with nobody to look after them.
func (d *daemon) kill(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait() // "signal: killed"
	// Its containerd dies with it, but a moment later: a daemon started before would try to use that one.
	raw, err := os.ReadFile(filepath.Join(d.dir, "exec", "containerd", "containerd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, func() error {
		if syscall.Kill(pid, 0) == nil {
			return errorf("containerd %d lives", pid)
		}
		return nil
	})
}

func (d *daemon) restart(t *testing.T) {
	t.Helper()
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
}

// remove ends the daemon and what a killed one left behind, and removes its directories.
func (d *daemon) remove() error {
	if d.cmd != nil && d.cmd.ProcessState == nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		_ = d.cmd.Wait()
	}
	for _, pid := range d.children() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // may have ended meanwhile
	}
	out, err := exec.Command("ip", "link", "del", d.bridge).CombinedOutput()
	if err != nil {
		err = errorf("removing bridge %s: %w: %s", d.bridge, err, out)
	}
	return errors.Join(err, d.unmount(), syscall.Unmount(filepath.Join(d.dir, "data"), syscall.MNT_DETACH), os.RemoveAll(d.dir))
}

// children are the processes that name the daemon's directory: its containerd and the containers' shims.
func (d *daemon) children() []int {
	var out []int
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // fails for a malformed pattern only
	for _, line := range lines {
		raw, err := os.ReadFile(line)
		if pid, e := strconv.Atoi(filepath.Base(filepath.Dir(line))); e == nil && err == nil && pid != os.Getpid() &&
			strings.Contains(string(raw), d.dir) {
			out = append(out, pid)
		}
	}
	return out
}

func (d *daemon) unmount() error {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(raw)) {
		if at := strings.Fields(line)[1]; strings.HasPrefix(at, d.dir+"/") && at != filepath.Join(d.dir, "data") {
			if e := syscall.Unmount(at, syscall.MNT_DETACH); e != nil {
				err = errors.Join(err, errorf("unmounting %s: %w", at, e))
			}
		}
	}
	return err
}
