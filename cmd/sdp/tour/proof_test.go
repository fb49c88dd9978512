package tour

import (
	"slices"
	"testing"
)

func TestAnswersFindsEveryServiceOnce(t *testing.T) {
	body := `{"service":"account","commit":"abc","environment":"sandbox","feature":"points","account":{"id":"1"},
	"payment":{"service":"payment","commit":"def","environment":"ocp","payments":[{"id":"1"}]},
	"user":{"service":"user","commit":"123","environment":"ocp"},
	"again":[{"service":"user","commit":"123","environment":"ocp"}], "error":{"service":5}}`
	var got []string
	for _, a := range answers([]byte(body)) {
		got = append(got, a.Service+" "+a.Environment+" "+a.Commit)
	}
	if want := []string{"account sandbox abc", "user ocp 123", "payment ocp def"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if answers([]byte("<html>")) != nil {
		t.Error("found answers in HTML")
	}
}
