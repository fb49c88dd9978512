package payload_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
	"sdp/internal/secret/payload"
)

// Temporal's own converter takes what is not there for a zero value: an input for an empty one, a result for success.
func TestWhatIsNotThereIsRefused(t *testing.T) {
	dc := payload.DataConverter(codecKeys(t, filepath.Join(t.TempDir(), "k")))
	null := must(dc.ToPayload(nil))
	one := must(dc.ToPayloads("x"))
	var s, s2 string
	var in input
	var yes bool
	for name, err := range map[string]error{
		"no payloads":            dc.FromPayloads(nil, &in),
		"an empty list":          dc.FromPayloads(&commonpb.Payloads{}, &in),
		"fewer than wanted":      dc.FromPayloads(one, &s, &s2),
		"null for a struct":      dc.FromPayload(null, &in),
		"null for a truth":       dc.FromPayload(null, &yes),
		"null among payloads":    dc.FromPayloads(&commonpb.Payloads{Payloads: []*commonpb.Payload{one.Payloads[0], null}}, &s, &in),
		"null written as a text": dc.FromPayload(must(dc.ToPayload(nullJSON{})), &in),
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, err, "missing-payload") })
	}
	// What is not there is not encrypted either.
	wantCode(t, dc.FromPayloads(&commonpb.Payloads{Payloads: []*commonpb.Payload{nil}}, &in), "plain-payload")
}

// nullJSON is a value that writes itself as null.
type nullJSON struct{}

func (nullJSON) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func TestNothingIsAValueWhereItMayBeOne(t *testing.T) {
	dc := payload.DataConverter(codecKeys(t, filepath.Join(t.TempDir(), "k")))
	null := must(dc.ToPayload([]string(nil)))
	list, pointer, raw := []string{"x"}, &input{}, converter.RawValue{}
	for _, value := range []any{&list, &pointer, &raw} {
		if err := dc.FromPayload(null, value); err != nil {
			t.Errorf("%T: %v", value, err)
		}
	}
	if list != nil || pointer != nil {
		t.Errorf("read %v and %v, want nothing", list, pointer)
	}
	if err := dc.FromPayloads(nil); err != nil { // a workflow without input
		t.Error(err)
	}
}

func TestWhatIsSomethingElseIsRefused(t *testing.T) {
	dc := payload.DataConverter(codecKeys(t, filepath.Join(t.TempDir(), "k")))
	var s string
	wantCode(t, dc.FromPayloads(must(dc.ToPayloads(input{Name: "x"})), &s), "unreadable-payload")
}

// The same payload would be refused at each attempt.
func TestRefusedPayloadIsNotTriedAgain(t *testing.T) {
	keys := codecKeys(t, filepath.Join(t.TempDir(), "k"))
	var in input
	cause := payload.DataConverter(keys).FromPayloads(nil, &in)
	fc := payload.FailureConverter(keys)
	err := fc.FailureToError(fc.ErrorToFailure(fmt.Errorf("unable to decode the input: %w", cause)))
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || !app.NonRetryable() || app.Type() != "missing-payload" {
		t.Fatalf("the activity ends with %+v", err)
	}
	var f sdp.Failure
	if err := app.Details(&f); err != nil || f.Code != "missing-payload" || f.Remedy == "" {
		t.Errorf("it says %+v, %v", f, err)
	}
}
