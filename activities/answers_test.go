package activities

import (
	"reflect"
	"testing"
)

// An activity that returns an error only ends with an empty answer, which anybody can give.
func TestEveryActivityAnswers(t *testing.T) {
	t.Parallel()
	for _, of := range []any{&Control{}, &Host{}} {
		for m := range reflect.TypeOf(of).Methods() {
			if m.Type.NumOut() != 2 || m.Type.Out(0).Kind() == reflect.Pointer {
				t.Errorf("%T.%s answers %s, want a value and an error", of, m.Name, m.Type)
			}
		}
	}
}
