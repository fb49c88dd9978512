package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// apart is set in the environment of a process that has namespaces of its own.
const apart = "SDP_E2E_APART"

// machineCgroup is where the containers of machines have their cgroups: all else of them ends with their namespaces.
const machineCgroup = "sdp-e2e-machines"

// runApart runs the tests in namespaces of their own for network, mounts and processes, so that the machines they make, with
// their daemons and containers, end with the tests however those end. There, this process has a network to itself, to which
// it plugs the machines, and is one more host on it.
func runApart(run func() int) int {
	if os.Getenv(apart) != "" {
		if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("proc", "/proc", "proc", 0, ""), makeNetwork()); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: the namespaces for machines cannot be used:", err)
			return 1
		}
		return run()
	}
	removeCgroups() // of a run that was killed
	defer removeCgroups()
	runtime.LockOSThread() // the child dies with the thread
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), apart+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: the tests in namespaces of their own ended with", err)
		return 1
	}
	return 0
}

// removeCgroups removes cgroups nobody is in any more.
func removeCgroups() {
	for _, root := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		for _, below := range []string{"/*/*", "/*", ""} {
			dirs, _ := filepath.Glob(root + machineCgroup + below) // fails for a malformed pattern only
			for _, dir := range dirs {
				_ = syscall.Rmdir(dir) // fails for files and for those in use
			}
		}
	}
}

// peopleAddress is this process's in the machines' network, where people and the git server are.
const peopleAddress = "10.20.0.1"

func makeNetwork() error {
	return execute("sh", "-euc", `ip link set lo up
		ip link add lab type bridge; ip addr add "$1/24" dev lab; ip link set lab up`, "sh", peopleAddress)
}

func execute(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// machine is a host of the tests' network: it has network interfaces, processes, users, directories and services of its own.
type machine struct {
	name, address string
	init          *exec.Cmd
}

func startMachine(name, address string) (*machine, error) {
	script, err := filepath.Abs("testdata/machine.sh")
	bin, err2 := filepath.Abs("../../bin")
	raw, err3 := exec.Command("go", "env", "GOROOT", "GOCACHE").Output()
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	goDirs := strings.Fields(string(raw))
	m := &machine{name: name, address: address, init: exec.Command(script, append([]string{name, bin}, goDirs...)...)}
	m.init.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID |
		syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	m.init.Stdout, m.init.Stderr = os.Stderr, os.Stderr
	if err := m.init.Start(); err != nil {
		return nil, err
	}
	err = until(time.Minute, func() error {
		_, err := os.Stat(m.path("/run/ready"))
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, errors.Join(
		execute("sh", "-euc", `ip link add "to-$1" type veth peer name eth0 netns "$2"; ip link set "to-$1" master lab up`, "sh",
			name, fmt.Sprint(m.init.Process.Pid)),
		m.run("ip addr add "+address+"/24 dev eth0; ip link set eth0 up"))
}

// path is where this process sees a file of the machine.
func (m *machine) path(file string) string {
	return fmt.Sprintf("/proc/%d/root%s", m.init.Process.Pid, file)
}

// shell is a script to be run on the machine as root.
func (m *machine) shell(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", "--target", fmt.Sprint(m.init.Process.Pid),
		"--mount", "--net", "--pid", "--uts", "--ipc", "sh", "-euc", "cd /root\n"+script)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
	cmd.WaitDelay = time.Second
	return cmd
}

func (m *machine) run(script string) error {
	_, err := m.output(script)
	return err
}

// scriptLimit is how long a script may take on a machine.
const scriptLimit = time.Minute

// output is what a script prints on its standard output.
func (m *machine) output(script string) (string, error) {
	var said strings.Builder
	ctx, cancel := context.WithTimeout(context.Background(), scriptLimit)
	defer cancel()
	cmd := m.shell(ctx, script)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = errorf("on %s: %w:\n%s\n%s%s", m.name, err, script, out, &said)
	}
	return string(out), err
}

// startDocker is what the package docker.io does.
func (m *machine) startDocker() error {
	return m.run(`mkdir -p /run/log
		echo '{"log-level": "warn", "cgroup-parent": "/` + machineCgroup + `"}' > /etc/docker/daemon.json
		setsid dockerd </dev/null >/run/log/docker 2>&1 &
		for i in $(seq 300); do docker version >/dev/null 2>&1 && exit; sleep 0.1; done
		tail -n 20 /run/log/docker >&2; exit 1`)
}

// warmCache has builds of user sdp find what this machine has compiled already.
func (m *machine) warmCache() error {
	return m.run(`mkdir -p /mnt/cache/upper /mnt/cache/work /var/lib/sdp/.cache/go-build
		cd /var/lib/sdp/.cache
		mount -t overlay -o lowerdir=/mnt/go-build,upperdir=/mnt/cache/upper,workdir=/mnt/cache/work cache go-build
		find . -maxdepth 2 -type d -exec chown sdp: {} +`)
}

func (m *machine) dockerHost() string { return "unix://" + m.path("/run/docker.sock") }

// ignore loses all packets that come from an address, until mended or the test's end.
func (m *machine) ignore(t *testing.T, address string) (mend func()) {
	t.Helper()
	rule := func(verb string) {
		t.Helper()
		if err := m.run("iptables -w " + verb + " INPUT -s " + address + " -j DROP"); err != nil {
			t.Fatal(err)
		}
	}
	rule("-I")
	mend = sync.OnceFunc(func() { rule("-D") })
	t.Cleanup(mend)
	return mend
}

// cutLink loses all packets between two machines, as a broken cable does, until mended or the test's end.
func cutLink(t *testing.T, a, b *machine) (mend func()) {
	t.Helper()
	one, other := a.ignore(t, b.address), b.ignore(t, a.address)
	return func() { one(); other() }
}

// database connects to the machine's PostgreSQL, which listens for that machine only.
func (m *machine) database(ctx context.Context) (*pgx.Conn, error) {
	password, err := os.ReadFile(m.path("/etc/sdp/sdp.password"))
	config, e := pgx.ParseConfig("postgres://sdp@127.0.0.1:5432/sdp?sslmode=disable")
	if err := errors.Join(err, e); err != nil {
		return nil, err
	}
	config.Password = strings.TrimSpace(string(password))
	config.DialFunc = func(_ context.Context, network, address string) (c net.Conn, err error) {
		err = m.inNetwork(func() (err error) {
			c, err = net.Dial(network, address)
			return err
		})
		return c, err
	}
	return pgx.ConnectConfig(ctx, config)
}

// inNetwork does something in the machine's network: a socket that is opened then stays there.
func (m *machine) inNetwork(do func() error) error {
	own, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return err
	}
	defer own.Close()
	its, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", m.init.Process.Pid))
	if err != nil {
		return err
	}
	defer its.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setns(int(its.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	return errors.Join(do(), unix.Setns(int(own.Fd()), unix.CLONE_NEWNET))
}
