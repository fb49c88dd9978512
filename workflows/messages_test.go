package workflows

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"
)

// What goes through Temporal outlives this process. It is a message of package wire or a type of the domain, with its names
// in JSON written out; internal/wire holds on to the bytes.
func TestWhatGoesThroughTemporalHasItsNames(t *testing.T) {
	seen := map[reflect.Type]bool{
		reflect.TypeFor[context.Context](): true, reflect.TypeFor[workflow.Context](): true,
		reflect.TypeFor[error](): true, reflect.TypeFor[time.Time](): true,
	}
	for _, definition := range Definitions() {
		wantMessages(t, reflect.TypeOf(definition), seen)
	}
	for _, of := range []any{control, host} {
		for method := range reflect.TypeOf(of).Methods() {
			seen[reflect.TypeOf(of)] = true // the receiver
			wantMessages(t, method.Type, seen)
		}
	}
}

func wantMessages(t *testing.T, f reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	for i := range f.NumIn() {
		wantMessage(t, f.In(i), seen)
	}
	for i := range f.NumOut() {
		wantMessage(t, f.Out(i), seen)
	}
}

func wantMessage(t *testing.T, of reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if !seen[of] {
			wantMessage(t, of.Elem(), seen)
		}
	case reflect.Struct:
		if seen[of] {
			return
		}
		seen[of] = true
		if p := of.PkgPath(); p != "sdp/internal/wire" && !strings.HasPrefix(p, "sdp/internal/sdp") {
			t.Errorf("%s goes through Temporal and is no message of internal/wire", of)
		}
		for i := range of.NumField() {
			field := of.Field(i)
			if field.IsExported() && !field.Anonymous && field.Tag.Get("json") == "" {
				t.Errorf("%s.%s goes through Temporal without a name of its own", of, field.Name)
			}
			wantMessage(t, field.Type, seen)
		}
	}
}
