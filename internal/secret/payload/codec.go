// Package payload is what becomes of values on their way through Temporal: they are encrypted, and refused where they are
// missing, not encrypted or too large. Handler decrypts them for the Temporal UI.
package payload

import (
	"net/http"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

const (
	encodingEncrypted = "binary/encrypted"
	metadataKeyID     = "encryption-key-id" // the name Temporal's own samples use; tools show it
)

// DataConverter returns Temporal's default data converter with every payload encrypted. Client and workers need the
// same one. A payload that is not encrypted is refused ("plain-payload"), and so is one that is not there
// ("missing-payload"): whoever reaches Temporal without the keys can start workflows and activities and answer their
// tasks, but no worker takes orders from them, and what they answer never counts as yes. A value that is too large for
// Temporal is refused as well ("payload-too-large").
func DataConverter(k *secret.CodecKeys) converter.DataConverter { return sized{encrypting(k)} }

func encrypting(k *secret.CodecKeys) converter.DataConverter {
	return converter.NewCodecDataConverter(strict{converter.GetDefaultDataConverter()}, codec{k, true})
}

// FailureConverter returns a failure converter that encrypts message, cause and stack trace too. The *type* of an error
// stays readable in history and must not hold a secret. It panics where its data converter fails, so the size of a failure
// is looked at as a whole.
func FailureConverter(k *secret.CodecKeys) converter.FailureConverter {
	return failures{sizedFailures{temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          encrypting(k),
		EncodeCommonAttributes: true,
	})}}
}

// maxCodecRequest bounds a request to Handler: a page of payloads, which Temporal limits to 4 MB, in JSON.
const maxCodecRequest = 16 << 20

// Handler serves POST .../encode and .../decode as Temporal's UI and CLI call them. It decrypts what anybody
// sends: mount it behind sign-in.
func Handler(k *secret.CodecKeys) http.Handler {
	h := http.MaxBytesHandler(converter.NewPayloadCodecHTTPHandler(codec{k, false}), maxCodecRequest)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&terse{ResponseWriter: w}, r) })
}

// terse answers an error with its status alone: Temporal's handler quotes what it could not read.
type terse struct {
	http.ResponseWriter
	failed bool
}

func (t *terse) WriteHeader(status int) {
	t.failed = status >= http.StatusBadRequest
	t.ResponseWriter.WriteHeader(status)
	if t.failed {
		_, _ = t.ResponseWriter.Write([]byte(http.StatusText(status) + "\n")) // the caller may be gone
	}
}

func (t *terse) Write(p []byte) (int, error) {
	if t.failed {
		return len(p), nil
	}
	return t.ResponseWriter.Write(p)
}

// codec encrypts payloads whole, metadata included. What it did not encrypt it refuses if strict, and leaves alone if not.
type codec struct {
	keys   *secret.CodecKeys
	strict bool
}

func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		raw, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		keyID, sealed, err := c.keys.Seal(raw)
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encodingEncrypted),
				metadataKeyID:              []byte(keyID),
			},
			Data: sealed,
		}
	}
	return out, nil
}

func (c codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			if c.strict {
				return nil, sdp.Errorf(sdp.Unauthenticated, plainPayload, "a Temporal payload is not encrypted with a key of this installation")
			}
			out[i] = p
			continue
		}
		raw, err := c.keys.Open(p.GetData())
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(raw, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
