package workflows

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sdp/internal/secret"
	"sdp/internal/secret/payload"
)

// The flags record histories of a real run before they are replayed; testdata/histories/README.md shows how. Payloads
// are saved decoded and without what is of the machine they were recorded on.
var (
	record     = flag.String("record", "", "save histories first: `NAME=WORKFLOW-ID[@RUN-ID][,...]`, each to testdata/histories/NAME.json")
	temporalAt = flag.String("temporal", "127.0.0.1:7233", "with -record: host:port of Temporal")
	codecKeys  = flag.String("codec-keys", "", "with -record: key `FILE` of the installation's payload codec")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *record != "" {
		if err := recordHistories(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "recording:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func recordHistories(ctx context.Context) error {
	if _, err := os.Stat(*codecKeys); err != nil {
		return fmt.Errorf("-codec-keys must name the key file of the installation: %w", err)
	}
	keys, err := secret.LoadCodecKeys(*codecKeys)
	if err != nil {
		return err
	}
	c, err := client.Dial(client.Options{HostPort: *temporalAt, Namespace: "sdp"})
	if err != nil {
		return err
	}
	defer c.Close()
	for pair := range strings.SplitSeq(*record, ",") {
		name, id, found := strings.Cut(pair, "=")
		if !found || name != filepath.Base(name) {
			return fmt.Errorf("-record %q: write NAME=WORKFLOW-ID", pair)
		}
		if err := recordHistory(ctx, c, keys, name, id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		fmt.Println("recorded", id, "as", name)
	}
	return nil
}

func recordHistory(ctx context.Context, c client.Client, keys *secret.CodecKeys, name, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	id, run, _ := strings.Cut(id, "@") // by default the newest run
	events := c.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var history historypb.History
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		history.Events = append(history.Events, event)
	}
	if err := errors.Join(decode(ctx, keys, &history), scrub(ctx, &history), clean(ctx, &history)); err != nil {
		return err
	}
	return save(name, &history)
}

func save(name string, history *historypb.History) error {
	raw, err := protojson.Marshal(history)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer // protojson's own indentation differs from run to run
	if err := json.Indent(&pretty, raw, "", " "); err != nil {
		return err
	}
	pretty.WriteByte('\n')
	file, err := os.OpenFile(historyFile(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) // a history that is kept stays
	if err != nil {
		return err
	}
	_, err = file.Write(pretty.Bytes())
	return errors.Join(err, file.Close(), keep(name, pretty.Bytes()))
}

// keep adds a history to the list of those that must stay as they are.
func keep(name string, content []byte) error {
	list, err := os.OpenFile(sums, os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(list, "%x  %s.json\n", sha256.Sum256(content), name)
	return errors.Join(err, list.Close())
}

// decode replaces what the codec encrypted by what was encrypted, failures included.
func decode(ctx context.Context, keys *secret.CodecKeys, history *historypb.History) error {
	data := payload.DataConverter(keys)
	err := proxy.VisitFailures(ctx, history, proxy.VisitFailuresOptions{
		Visitor: func(_ *proxy.VisitFailuresContext, f *failurepb.Failure) error {
			converter.DecodeCommonFailureAttributes(data, f)
			f.StackTrace = ""
			return nil
		}})
	return errors.Join(err, visitPayloads(ctx, history, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != "binary/encrypted" {
			return p, nil // the SDK's own
		}
		var raw converter.RawValue // goes through the codec and no further
		err := data.FromPayload(p, &raw)
		return raw.Payload(), err
	}))
}

func visitPayloads(ctx context.Context, m proto.Message, visit func(*commonpb.Payload) (*commonpb.Payload, error)) error {
	return proxy.VisitPayloads(ctx, m, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, in []*commonpb.Payload) ([]*commonpb.Payload, error) {
			out := make([]*commonpb.Payload, len(in))
			for i, p := range in {
				var err error
				if out[i], err = visit(p); err != nil {
					return nil, err
				}
			}
			return out, nil
		}})
}

var (
	sealed = regexp.MustCompile(`"Ciphertext":"[^"]*"`)
	paths  = regexp.MustCompile(`/(?:tmp|home|root|work|var|usr)/[^\s":]*`)
)

// scrub takes out what is of the machine a history was recorded on: the processes' names, paths, and what was sealed
// to its nodes.
func scrub(ctx context.Context, history *historypb.History) error {
	forget(history.ProtoReflect())
	return visitPayloads(ctx, history, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		p.Data = sealed.ReplaceAll(p.Data, []byte(`"Ciphertext":"c2VhbGVk"`))
		p.Data = paths.ReplaceAll(p.Data, []byte("/path"))
		return p, nil
	})
}

// forget clears what names a process, and the queue each process has for itself.
func forget(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Name() == "identity" || field.Name() == "sticky_attributes":
			m.Clear(field)
		case field.IsMap() || field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				forget(value.List().Get(i).Message())
			}
		default:
			if queue, ok := value.Message().Interface().(*taskqueuepb.TaskQueue); ok && queue.Kind == enums.TASK_QUEUE_KIND_STICKY {
				queue.Name = "sticky"
			}
			forget(value.Message())
		}
		return true
	})
}

// unwanted must not be in a saved history: paths of a machine, a sealed box, a process's name and process-own queue,
// and the demo's password.
var unwanted = regexp.MustCompile(`/(?:tmp|home|root|work)/|"Ciphertext":"[^"]{9,}"|"identity"|@[^"\s]*:|[a-z]+-demo\b`)

// clean reports what of the machine it was recorded on a history still holds.
func clean(ctx context.Context, history *historypb.History) error {
	raw, err := protojson.Marshal(history)
	if err != nil {
		return err
	}
	texts := [][]byte{raw}
	err = visitPayloads(ctx, history, func(p *commonpb.Payload) (*commonpb.Payload, error) {
		texts = append(texts, p.Data)
		if encoding := string(p.Metadata[converter.MetadataEncoding]); encoding != "json/plain" && encoding != "binary/null" {
			return nil, fmt.Errorf("a payload is %s", encoding)
		}
		return p, nil
	})
	if found := unwanted.Find(bytes.Join(texts, []byte("\n"))); found != nil {
		err = errors.Join(err, fmt.Errorf("it holds %q", found))
	}
	return err
}
