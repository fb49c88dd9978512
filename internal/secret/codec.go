package secret

import (
	"net/http"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"sdp/internal/sdp"
)

const (
	encodingEncrypted = "binary/encrypted"
	metadataKeyID     = "encryption-key-id" // the name Temporal's own samples use; tools show it
	codecPurpose      = "temporal payload"
)

// CodecKeys are the keys all Temporal payloads are encrypted with. Server and workers of an installation have the same
// file.
type CodecKeys struct{ set *keyset }

// LoadCodecKeys reads the keys at path and creates the file (mode 0600) if there is none.
func LoadCodecKeys(path string) (*CodecKeys, error) {
	set, err := loadKeyset(path, time.Now())
	if err != nil {
		return nil, err
	}
	return &CodecKeys{set: set}, nil
}

// Prepare adds a key that opens but does not seal yet, and returns its ID. Where machines have copies of the file,
// prepare, copy it everywhere, then Rotate: so nobody meets a payload whose key it lacks.
func (c *CodecKeys) Prepare() (keyID string, err error) { return c.set.prepare(time.Now()) }

// Rotate makes the prepared key, or else a new one, active. Old keys stay for opening.
func (c *CodecKeys) Rotate() error { return c.set.rotate(time.Now()) }

// Retire deletes an old key. Do so when the namespace's retention and the longest workflow have passed since Rotate.
func (c *CodecKeys) Retire(keyID string) error { return c.set.retire(keyID) }

// Keys lists the keys there are, oldest first.
func (c *CodecKeys) Keys() []KeyInfo { return c.set.infos() }

// DataConverter returns Temporal's default data converter with every payload encrypted. Client and workers need the
// same one. A payload that is not encrypted is refused ("plain-payload"): whoever reaches Temporal without the keys can
// start workflows and activities, but no worker takes orders from them.
func DataConverter(k *CodecKeys) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec{k.set, true})
}

// FailureConverter returns a failure converter that encrypts message, cause and stack trace too. The *type* of an error
// stays readable in history and must not hold a secret.
func FailureConverter(k *CodecKeys) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          DataConverter(k),
		EncodeCommonAttributes: true,
	})
}

// maxCodecRequest bounds a request to CodecHandler: a page of payloads, which Temporal limits to 4 MB, in JSON.
const maxCodecRequest = 16 << 20

// CodecHandler serves POST .../encode and .../decode as Temporal's UI and CLI call them. It decrypts what anybody
// sends: mount it behind sign-in.
func CodecHandler(k *CodecKeys) http.Handler {
	h := http.MaxBytesHandler(converter.NewPayloadCodecHTTPHandler(codec{k.set, false}), maxCodecRequest)
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
	set    *keyset
	strict bool
}

func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	active := c.set.active()
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		raw, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		sealed, err := seal(active, codecPurpose, "", raw)
		if err != nil {
			return nil, err
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encodingEncrypted),
				metadataKeyID:              []byte(active.ID),
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
				return nil, sdp.Errorf(sdp.Unauthenticated, "plain-payload", "a Temporal payload is not encrypted with a key of this installation")
			}
			out[i] = p
			continue
		}
		raw, err := c.set.unseal(codecPurpose, "", p.GetData())
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
