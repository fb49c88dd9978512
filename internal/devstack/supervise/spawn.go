package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is one run of a child.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process is gone and its output written
	err    error         // how it ended; valid after exited is closed
}

// spawnThread starts processes on one thread that lives as long as the program. The kernel sends a parent-death signal
// when the *thread* that forked ends, and Go ends threads as it likes.
var spawnThread = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// spawn starts a child that gets the signal death when this program ends, however it ends. Its output goes to log. It
// is a process group of its own, so that a Ctrl-C at the terminal reaches only us and children end in our order.
func spawn(c Child, log io.Writer) (*process, error) {
	cmd := &exec.Cmd{
		Path: c.Argv[0], Args: c.Argv, Env: append(os.Environ(), c.Env...), Dir: c.Dir,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: c.Death, Credential: c.User},
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = write, write
	started := make(chan error, 1)
	spawnThread() <- func() { started <- cmd.Start() }
	err = <-started
	write.Close()
	if err != nil {
		read.Close()
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go p.wait(read, log)
	return p, nil
}

// outputPatience is how long output is read after a child's end; its own children may hold the pipe open for ever.
const outputPatience = 500 * time.Millisecond

func (p *process) wait(output *os.File, log io.Writer) {
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(log, output)
	}()
	err := p.cmd.Wait()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // what the child left behind
	select {
	case <-copied:
	case <-time.After(outputPatience):
	}
	output.Close()
	<-copied
	p.err = err
	close(p.exited)
}

// stop asks the process to end with sig and kills it when it has not after grace. It reports whether it had to.
func (p *process) stop(sig syscall.Signal, grace time.Duration) (killed bool) {
	_ = p.cmd.Process.Signal(sig)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		return false
	case <-timer.C:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
	return true
}

// ending describes how a process ended: "exit status 1", "killed by signal 9 (killed)".
func ending(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err == nil {
			return "ended by itself"
		}
		return err.Error()
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Sprintf("was ended by signal %d (%s)", status.Signal(), status.Signal())
	}
	return "ended with " + exit.String()
}
