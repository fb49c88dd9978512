package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// changeLimit is how long a change may take to end, with everything around it killed and started again.
const changeLimit = 5 * time.Minute

// token is the session of the CLI's user.
func (i *installation) token(t *testing.T) string {
	t.Helper()
	var kept struct {
		Servers map[string]struct{ Token string }
	}
	raw, err := os.ReadFile(filepath.Join(i.home, "sdp", "session"))
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	return kept.Servers[i.url].Token
}

// request sends a request to the API as the CLI's user.
func (i *installation) request(t *testing.T, method, path, body string) (status int, answer string, err error) {
	t.Helper()
	req, err := http.NewRequest(method, i.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+i.token(t))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

// ask sends a request, wants a status and decodes the answer.
func ask[T any](t *testing.T, i *installation, status int, method, path, body string) T {
	t.Helper()
	var out T
	got, text, err := i.request(t, method, path, body)
	if err != nil || got != status {
		t.Fatalf("%s %s: %d, want %d; %v\n%s", method, path, got, status, err, text)
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, text)
	}
	return out
}

// change starts a change, which must be accepted, and returns its operation.
func (i *installation) change(t *testing.T, method, path, body string) string {
	t.Helper()
	a := ask[rest.Applied](t, i, http.StatusAccepted, method, path, body)
	if a.Operation == nil {
		t.Fatalf("%s %s: nothing is to be done", method, path)
	}
	return a.Operation.ID
}

// ended waits until an operation has ended, whatever is away meanwhile.
func (i *installation) ended(t *testing.T, id string) rest.Operation {
	t.Helper()
	var op rest.Operation
	eventually(t, changeLimit, func() error {
		status, text, err := i.request(t, "GET", "/api/v1/operations/"+id, "")
		if err == nil && status == http.StatusOK {
			err = json.Unmarshal([]byte(text), &op)
		}
		if err != nil || status != http.StatusOK {
			return errorf("operation %s: %d, %v: %s", id, status, err, text)
		}
		if op.FinishedAt.IsZero() {
			return errorf("operation %s is %s, waiting for %q", id, op.State, op.WaitingFor)
		}
		return nil
	})
	if op.State == sdp.OpFailed && (op.Failure == nil || op.Failure.Detail == "" || op.Failure.Code == "") {
		t.Errorf("operation %s is %s and does not say why: %+v", id, op.State, op.Failure)
	}
	return op
}

// succeeds waits until an operation has ended and wants it to have succeeded.
func (i *installation) succeeds(t *testing.T, id string) {
	t.Helper()
	if op := i.ended(t, id); op.State != sdp.OpSucceeded {
		t.Fatalf("the %s of %s is %s: %+v", op.Kind, op.Sandbox, op.State, op.Failure)
	}
}

// atEndDelete deletes a sandbox at the end of the test, if there is one of that name by then.
func (i *installation) atEndDelete(t *testing.T, box string) {
	t.Helper()
	t.Cleanup(func() {
		if status, _, err := i.request(t, "GET", "/api/v1/sandboxes/"+box, ""); err == nil && status == http.StatusNotFound {
			return
		}
		if out, err := i.cli("", "sandbox", "delete", box, "--wait"); err != nil {
			t.Errorf("deleting sandbox %s: %v\n%s", box, err, out)
		}
	})
}
