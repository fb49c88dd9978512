package gobuild

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// command makes a process that is killed as a group when ctx ends, and with the worker if that dies.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // a grandchild that kept the pipe open must not hold us
	return cmd
}

// runLocked runs cmd from a locked thread: the parent whose death kills the child is the thread that started it
// (prctl(2), PR_SET_PDEATHSIG), and Go may otherwise end that thread.
func runLocked(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if err != nil && cmd.Process != nil {
		awaitGroup(cmd.Process.Pid)
	}
	return err
}

// awaitGroup waits until nothing of a killed process group runs: a kill is an order, and those who got it may still
// write into what is removed next. It gives up after a second; only a process stuck in the kernel takes that long.
func awaitGroup(id int) {
	for deadline := time.Now().Add(time.Second); groupRuns(id) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// groupRuns reports whether a process of the group runs. Those that have ended and that nobody has reaped do not:
// orphans are reaped by init, which in a container may take long or never do it.
func groupRuns(id int) bool {
	if syscall.Kill(-id, 0) != nil {
		return false
	}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return false
	}
	group := strconv.Itoa(id)
	for _, file := range files {
		raw, err := os.ReadFile(file) // gone meanwhile, mostly
		if err != nil {
			continue
		}
		// proc(5): "pid (name) state ppid pgrp ...", and the name may hold anything.
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if len(fields) > 2 && fields[2] == group && fields[0] != "Z" && fields[0] != "X" {
			return true
		}
	}
	return false
}
