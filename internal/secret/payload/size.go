package payload

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"sdp/internal/sdp"
)

// MaxSize bounds what an input, a result or a failure may have, encrypted, in bytes; arguments count together. Temporal
// has 2 MiB for it, and a workflow task that exceeds them is tried again for ever. What is left is for what the SDK puts
// beside a local activity's result. Two payloads fit into one message (gRPC: 4 MiB): a result and what is made from it.
const MaxSize = 2<<20 - 64<<10

// sized refuses what is too large for Temporal. The error is one that nothing tries again.
type sized struct{ converter.DataConverter }

func (s sized) ToPayload(value any) (*commonpb.Payload, error) {
	p, err := s.DataConverter.ToPayload(value)
	if err == nil {
		err = checkSize(fmt.Sprintf("a value of type %T", value), proto.Size(p))
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s sized) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	p, err := s.DataConverter.ToPayloads(values...)
	if err == nil {
		err = checkSize("a value of type "+largest(values, p), proto.Size(p))
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// largest is the type of the value that has most.
func largest(values []any, p *commonpb.Payloads) string {
	most, name := -1, ""
	for i, payload := range p.GetPayloads() {
		if size := proto.Size(payload); size > most && i < len(values) {
			most, name = size, fmt.Sprintf("%T", values[i])
		}
	}
	return name
}

func checkSize(what string, size int) error {
	if size <= MaxSize {
		return nil
	}
	e := sdp.Errorf(sdp.Exhausted, "payload-too-large", "%s has %d bytes, more than the %d that Temporal can take", what,
		size, MaxSize).
		WithRemedy("make smaller what was asked for; the run in the Temporal UI shows an operator which step it was")
	return temporal.NewApplicationErrorWithOptions(e.Detail, e.Code, temporal.ApplicationErrorOptions{
		NonRetryable: true, Cause: e, Details: []any{e.Failure()},
	})
}

// sizedFailures replaces a failure that is too large for Temporal by one that says so.
type sizedFailures struct{ converter.FailureConverter }

func (s sizedFailures) ErrorToFailure(err error) *failurepb.Failure {
	f := s.FailureConverter.ErrorToFailure(err)
	what := "a failure"
	if app := new(temporal.ApplicationError); errors.As(err, &app) {
		what = "the failure " + app.Type()
	}
	if large := checkSize(what, proto.Size(f)); large != nil {
		return s.FailureConverter.ErrorToFailure(large)
	}
	return f
}
