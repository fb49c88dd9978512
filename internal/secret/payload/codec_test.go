package payload_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
)

type input struct {
	Name string
	Box  []byte
}

func TestPayloadsAreEncryptedAndNameTheirKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codec.keys")
	keys, other := codecKeys(t, path), codecKeys(t, path)
	old := must(payload.DataConverter(keys).ToPayloads(input{Name: marker}, nil, []byte(marker), 7))
	if contains(old, marker) || contains(old, "json/plain") {
		t.Fatal("a payload is in clear")
	}
	if got := string(old.Payloads[0].Metadata["encryption-key-id"]); got != keys.Keys()[0].ID {
		t.Errorf("key id %q", got)
	}
	if err := keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := must(payload.DataConverter(keys).ToPayloads(input{Name: marker}, nil, []byte(marker), 7))
	if string(fresh.Payloads[0].Metadata["encryption-key-id"]) == string(old.Payloads[0].Metadata["encryption-key-id"]) {
		t.Error("the new key is not used")
	}
	// other was loaded before the rotation and must read both, without a restart.
	for _, payloads := range []*commonpb.Payloads{fresh, old} {
		var in input
		var raw []byte
		var none *input
		var seven int
		if err := payload.DataConverter(other).FromPayloads(payloads, &in, &none, &raw, &seven); err != nil {
			t.Fatal(err)
		}
		if in.Name != marker || none != nil || string(raw) != marker || seven != 7 {
			t.Error(in, none, raw, seven)
		}
	}
}

func TestPreparedKeyIsUsedAfterRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codec.keys")
	keys := codecKeys(t, path)
	id := must(keys.Prepare())
	if again := must(keys.Prepare()); again != id {
		t.Error("prepared twice")
	}
	first := must(payload.DataConverter(keys).ToPayload("x"))
	if err := keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	second := must(payload.DataConverter(keys).ToPayload("x"))
	if string(first.Metadata["encryption-key-id"]) == id || string(second.Metadata["encryption-key-id"]) != id {
		t.Error("the prepared key was used too early or not at all")
	}
	if err := keys.Retire(string(first.Metadata["encryption-key-id"])); err != nil {
		t.Fatal(err)
	}
	var s string
	wantCode(t, payload.DataConverter(keys).FromPayload(first, &s), "unknown-key")
}

func TestForeignAndPlainPayloads(t *testing.T) {
	mine, foreign := codecKeys(t, filepath.Join(t.TempDir(), "k")), codecKeys(t, filepath.Join(t.TempDir(), "k"))
	var s string
	err := payload.DataConverter(mine).FromPayload(must(payload.DataConverter(foreign).ToPayload("x")), &s)
	wantCode(t, err, "unknown-key")
	plain := must(converter.GetDefaultDataConverter().ToPayload("x")) // from somebody who has no key
	wantCode(t, payload.DataConverter(mine).FromPayload(plain, &s), "plain-payload")
	bad := must(payload.DataConverter(mine).ToPayload("x"))
	bad.Data[len(bad.Data)-1] ^= 1
	wantCode(t, payload.DataConverter(mine).FromPayload(bad, &s), "tampered")
}

func TestFailuresAreEncrypted(t *testing.T) {
	keys := codecKeys(t, filepath.Join(t.TempDir(), "k"))
	fc := payload.FailureConverter(keys)
	cause := errors.New("cause " + marker)
	wrapped := fmt.Errorf("wrap: %w", cause)
	failure := fc.ErrorToFailure(temporal.NewApplicationErrorWithCause("message "+marker, "fetch-failed", wrapped, marker))
	if contains(failure, marker) {
		t.Fatalf("in clear: %v", failure)
	}
	err := fc.FailureToError(failure)
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != "fetch-failed" || !strings.Contains(app.Message(), marker) {
		t.Fatal(err)
	}
	var details string
	if err := app.Details(&details); err != nil || details != marker {
		t.Error(details, err)
	}
	if cause := errors.Unwrap(app); cause == nil || !strings.Contains(cause.Error(), marker) {
		t.Error("the cause was lost")
	}
}

func TestCodecHandlerDecodes(t *testing.T) {
	keys := codecKeys(t, filepath.Join(t.TempDir(), "k"))
	server := httptest.NewServer(payload.Handler(keys))
	defer server.Close()
	body := must(protojson.Marshal(must(payload.DataConverter(keys).ToPayloads(marker))))
	status, text := post(t, server.URL+"/decode", bytes.NewReader(body))
	if want := base64.StdEncoding.EncodeToString([]byte(`"` + marker + `"`)); status != 200 || !strings.Contains(text, want) {
		t.Error(status, text)
	}
	big := strings.NewReader(`{"payloads":[{"data":"` + strings.Repeat("A", 17<<20) + `"}]}`)
	if status, _ := post(t, server.URL+"/decode", big); status == 200 {
		t.Error("a request of 17 MiB was taken")
	}
}

// post returns status 0 if the server closed the connection.
func post(t *testing.T, url string, body io.Reader) (status int, text string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func codecKeys(t *testing.T, path string) *secret.CodecKeys {
	t.Helper()
	k, err := secret.LoadCodecKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func contains(m proto.Message, s string) bool {
	raw := must(proto.Marshal(m))
	return bytes.Contains(raw, []byte(s)) || bytes.Contains(raw, []byte(base64.StdEncoding.EncodeToString([]byte(s))))
}

func BenchmarkCodec(b *testing.B) {
	keys, _ := secret.LoadCodecKeys(filepath.Join(b.TempDir(), "k"))
	dc := payload.DataConverter(keys)
	in := input{Name: "x", Box: make([]byte, 4096)}
	for b.Loop() {
		p, _ := dc.ToPayload(in)
		var out input
		_ = dc.FromPayload(p, &out)
	}
}

// marker is a text that must not be seen in what is encrypted.
const marker = "hunter2marker"

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *sdp.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error %v, want code %s", err, code)
	}
}
