package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sdp/internal/sdp"
)

// plantCanary puts a secret of its own into every kind of place. The function it returns takes it away and wants it to
// have been found everywhere: only then does a search that finds nothing mean that there is nothing.
func (v *vault) plantCanary(t *testing.T, p *places) func(*haystack) {
	t.Helper()
	undo := []func(){v.canaryFile(t), v.canaryRow(t, p), v.canaryImage(t, p), v.canaryWorkflow(t, p), v.canaryProcess(t)}
	return func(hay *haystack) {
		for _, f := range undo {
			f()
		}
		if err := v.watch.search(hay); err != nil {
			t.Error(err)
		}
		for place, forms := range map[string][]string{
			"data/log/canary":      {"plain", "base64", "plain in hexadecimal"},
			"databases":            {"plain", "base64", "plain in hexadecimal", "base64 in hexadecimal"},
			"Temporal":             {"plain", "base64"},
			"docker image inspect": {"plain"},
			"docker image save":    {"plain"},
			"command line of cat":  {"plain"},
			"environment of cat":   {"plain"},
		} {
			if err := hay.has("canary", place, forms...); err != nil {
				t.Errorf("the search is blind: %v", err)
			}
		}
	}
}

// canaryFile writes the canary at each position within base64, in JSON, a URL and hexadecimal.
func (v *vault) canaryFile(t *testing.T) func() {
	t.Helper()
	var text strings.Builder
	text.WriteString(`{"a":"\"` + v.canary + `\u003c"} http://u:%22` + v.canary + "%3C@h/\n" + hex.EncodeToString([]byte(v.canary)) + "\n")
	for before := range 3 {
		text.WriteString(base64.StdEncoding.EncodeToString([]byte("mar"[:before]+v.canary+"!")) + "\n")
	}
	path := filepath.Join(v.data, "log", "canary")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func (v *vault) canaryRow(t *testing.T, p *places) func() {
	t.Helper()
	ctx := t.Context()
	conn, err := p.connect(ctx, "sdp")
	if err != nil {
		t.Fatal(err)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(v.canary))
	_, err = conn.Exec(ctx, "CREATE TABLE canary (a text, b jsonb, c bytea, d bytea)")
	if err == nil {
		_, err = conn.Exec(ctx, "INSERT INTO canary VALUES ($1, jsonb_build_object('k', $2::text), $3, $4)",
			v.canary, encoded, []byte(v.canary), []byte(encoded))
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		_, err := conn.Exec(ctx, "DROP TABLE canary")
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			t.Error(err)
		}
	}
}

// canaryImage makes an image with the canary in a file and in a label.
func (v *vault) canaryImage(t *testing.T, p *places) func() {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	err := w.WriteHeader(&tar.Header{Name: "canary", Mode: 0o600, Size: int64(len(v.canary))})
	if err == nil {
		_, err = w.Write([]byte(v.canary))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	name := "sdp-e2e/canary:" + strings.ToLower(v.canary)
	cmd := exec.Command("docker", "import", "-c", "LABEL "+sdp.LabelInstance+"="+p.server.Instance, "-c", "LABEL canary="+v.canary, "-", name)
	cmd.Stdin = &layer
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker import: %v: %s", err, out)
	}
	return func() { command(t, "", "docker", "rmi", name) }
}

// canaryWorkflow starts a workflow nobody runs, with the canary as its input and in its memo.
func (v *vault) canaryWorkflow(t *testing.T, p *places) func() {
	t.Helper()
	c, err := p.temporal()
	if err != nil {
		t.Fatal(err)
	}
	options := client.StartWorkflowOptions{ID: "canary", TaskQueue: "canary", Memo: map[string]any{"canary": v.canary}}
	if _, err := c.ExecuteWorkflow(t.Context(), options, "canary", v.canary); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, func() error {
		list, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType = 'canary'"})
		if err == nil && len(list.Executions) == 0 {
			err = errors.New("Temporal does not list the canary's workflow yet")
		}
		return err
	})
	return func() {
		if err := c.TerminateWorkflow(t.Context(), "canary", "", ""); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

// canaryProcess runs a program with the canary among its arguments and in its environment until it has been sampled.
func (v *vault) canaryProcess(t *testing.T) func() {
	t.Helper()
	cmd := exec.Command("cat", "-", v.canary) // reads its input first, which does not end
	cmd.Env = []string{"CANARY=" + v.canary}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, func() error {
		if !v.watch.saw("cat") {
			return errors.New("the canary's process was not sampled yet")
		}
		return nil
	})
	return func() {
		in.Close()
		_ = cmd.Wait() // there is no such file
	}
}
