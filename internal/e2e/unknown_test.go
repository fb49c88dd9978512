package e2e

import (
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/client"

	"sdp/api/rest"
	"sdp/internal/engine"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
)

// withKeys is a client of Temporal as the server has one.
func withKeys(t *testing.T) client.Client {
	t.Helper()
	keys, err := secret.LoadCodecKeys(filepath.Join(stack.data, "keys", "codec.keys"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(client.Options{HostPort: temporalAddress(t), Namespace: intruderNamespace, Logger: silent{},
		DataConverter: payload.DataConverter(keys)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// A newer server hands in what this one does not know. Whatever its row is, the sandbox stays as it is.
func TestOperationOfAnUnknownKindTouchesNothing(t *testing.T) {
	box := newSandbox(t, "services:\n  account: {branch: main}\n")
	var row string
	for _, e := range sdpJSON[[]rest.AuditEvent](t, "audit", "--sandbox", box.Name) {
		if e.Action == "sandbox.create" {
			row = e.Operation
		}
	}
	c := withKeys(t)
	before := containers(t, box.Name)
	newer := sdp.OperationRef{ID: row, Kind: "suspend", Sandbox: box.Name, User: "alice"}
	if err := engine.New(c, nil).Submit(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	sdpOK(t, "route", box.Name, "payment", "ocp") // the entity takes operations in order: it has dealt with the other one
	after := containers(t, box.Name)
	if row == "" || len(before) != 1 || len(after) != 1 || after[0] != before[0] {
		t.Errorf("operation %q: the sandbox had containers %q and has %q", row, before, after)
	}
	if a, err := get(box.URL + "/account/version"); err != nil || a.status != 200 {
		t.Errorf("it answers %+v, %v", a, err)
	}
}
