package wire

import (
	"encoding/json"
	"testing"

	"sdp/internal/sdp"
)

func TestDoneIsSaidInOneWayOnly(t *testing.T) {
	t.Parallel()
	said, err := json.Marshal(Done{})
	if err != nil {
		t.Fatal(err)
	}
	var done Done
	if err := json.Unmarshal(said, &done); err != nil || done.Err() != nil {
		t.Errorf("%s is read as %v, %v", said, err, done.Err())
	}
	input, err := json.Marshal(RouteInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{string(input), `{}`, `null`, `true`, `"done"`, `""`, `["sdp:done/v1"]`} {
		var done Done
		if err := json.Unmarshal([]byte(other), &done); err != nil || sdp.AsError(done.Err()).Code != "unconfirmed" {
			t.Errorf("%s is read as %v, %v", other, err, done.Err())
		}
	}
	if (Done{}).Err() == nil {
		t.Error("nothing counts as done")
	}
}
