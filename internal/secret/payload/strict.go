package payload

import (
	"bytes"
	"errors"
	"reflect"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/sdp"
)

// What a payload is refused for. Sending it again changes nothing.
const (
	plainPayload      = "plain-payload"
	missingPayload    = "missing-payload"
	unreadablePayload = "unreadable-payload"
)

// strict refuses to read what is not there, and says what to do where something else is. Temporal's own converter leaves
// the value as it was, so that an input that is missing means a zero one and a result that is missing means success:
// whoever reaches Temporal without the keys could say both.
type strict struct{ converter.DataConverter }

func (s strict) FromPayloads(payloads *commonpb.Payloads, values ...any) error {
	given := payloads.GetPayloads()
	if len(given) < len(values) {
		return refusal(missingPayload, "%d values were expected in Temporal's payloads and %d are there", len(values), len(given))
	}
	for i, value := range values {
		if err := s.FromPayload(given[i], value); err != nil {
			return err
		}
	}
	return nil
}

func (s strict) FromPayload(payload *commonpb.Payload, value any) error {
	if isNull(payload) && !takesNull(value) {
		return refusal(missingPayload, "a Temporal payload holds nothing where a value was expected")
	}
	if err := s.DataConverter.FromPayload(payload, value); err != nil {
		return refusal(unreadablePayload, "a Temporal payload is not what was expected: %w", err)
	}
	return nil
}

func isNull(p *commonpb.Payload) bool {
	encoding := string(p.GetMetadata()[converter.MetadataEncoding])
	return p == nil || encoding == converter.MetadataEncodingNil ||
		encoding == converter.MetadataEncodingJSON && string(bytes.TrimSpace(p.GetData())) == "null"
}

// takesNull reports whether nothing is a value for what the pointer points to: a list may be empty, a pointer nil.
func takesNull(value any) bool {
	if _, raw := value.(*converter.RawValue); raw {
		return true
	}
	t := reflect.TypeOf(value)
	if t == nil || t.Kind() != reflect.Pointer {
		return true // the converter says what is wrong with it
	}
	switch t.Elem().Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface:
		return true
	}
	return false
}

func refusal(code, format string, args ...any) error {
	return sdp.Errorf(sdp.Unavailable, code, format, args...).WithRemedy("%s", sdp.SameVersionOrForged)
}

// failures ends an activity or a workflow at once that was given a payload which is refused.
type failures struct{ converter.FailureConverter }

func (f failures) ErrorToFailure(err error) *failurepb.Failure {
	var e *sdp.Error
	if errors.As(err, &e) && slices.Contains([]string{plainPayload, missingPayload, unreadablePayload}, e.Code) {
		err = temporal.NewNonRetryableApplicationError(e.Detail, e.Code, nil, e.Failure())
	}
	return f.FailureConverter.ErrorToFailure(err)
}
