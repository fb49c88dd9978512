package e2e

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// stack is the one installation all tests share. Tests make sandboxes of their own and never touch others'.
var stack *installation

func TestMain(m *testing.M) {
	var err error
	if stack, err = install(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: the stack did not come up:", err)
		os.Exit(1)
	}
	code := m.Run()
	if err := errors.Join(stopLab(), stack.uninstall()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: the stack did not go away cleanly:", err)
		code = 1
	}
	os.Exit(code)
}
