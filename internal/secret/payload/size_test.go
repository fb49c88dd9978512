package payload_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"sdp/internal/sdp"
	"sdp/internal/secret/payload"
)

// largeBox is an input whose payload has a known size.
func largeBox(t *testing.T, dc converter.DataConverter, size int) []byte {
	t.Helper()
	overhead := proto.Size(must(dc.ToPayload(make([]byte, 1<<20)))) - 1<<20
	return make([]byte, size-overhead)
}

func wantRefused(t *testing.T, err error, texts ...string) {
	t.Helper()
	var app *temporal.ApplicationError
	var f sdp.Failure
	if !errors.As(err, &app) || app.Type() != "payload-too-large" || !app.NonRetryable() || app.Details(&f) != nil ||
		f.Code != "payload-too-large" || f.Kind != sdp.Exhausted || f.Remedy == "" {
		t.Fatalf("got %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %v", text, err)
		}
	}
}

func TestPayloadsThatTemporalCannotTakeAreRefused(t *testing.T) {
	dc := payload.DataConverter(codecKeys(t, filepath.Join(t.TempDir(), "codec.keys")))
	most := largeBox(t, dc, payload.MaxSize)
	if p := must(dc.ToPayload(most)); proto.Size(p) != payload.MaxSize {
		t.Fatalf("%d bytes, want %d", proto.Size(p), payload.MaxSize)
	}
	_, err := dc.ToPayload(append(most, 0))
	wantRefused(t, err, "[]uint8", "2031617", "2031616")
	wantCode(t, err, "payload-too-large")    // of the domain too, for who never sends it
	_, err = dc.ToPayloads(input{Box: most}) // base64 in JSON
	wantRefused(t, err, "payload_test.input")
	_, err = dc.ToPayloads(7, most[:len(most)/2], input{Box: most[:len(most)/2]}) // each of them would do
	wantRefused(t, err, "payload_test.input")
}

// The SDK panics if a failure's details cannot be made a payload.
func TestFailuresThatTemporalCannotTakeSaySo(t *testing.T) {
	fc := payload.FailureConverter(codecKeys(t, filepath.Join(t.TempDir(), "codec.keys")))
	large := strings.Repeat(marker, 200_000)
	for name, err := range map[string]error{
		"text":    errors.New(large),
		"details": temporal.NewNonRetryableApplicationError("x", "build-failed", nil, large),
		"cause":   temporal.NewNonRetryableApplicationError("x", "build-failed", errors.New(large)),
	} {
		f := fc.ErrorToFailure(err)
		if proto.Size(f) > 10_000 {
			t.Errorf("%s: the failure has %d bytes", name, proto.Size(f))
		}
		wantRefused(t, fc.FailureToError(f), "failure")
	}
	f := fc.ErrorToFailure(temporal.NewNonRetryableApplicationError(marker, "build-failed", nil, "details"))
	if app := new(temporal.ApplicationError); !errors.As(fc.FailureToError(f), &app) || app.Type() != "build-failed" {
		t.Error("a failure of usual size became another one")
	}
}
