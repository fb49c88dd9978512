package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func TestWhatHappensIsListedAndStreamed(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	end := func(id string) {
		err := bed.DB.Publish(t.Context(), id, sdp.DeployFailed, postgres.StateChange{Failure: &sdp.Failure{Code: "no-worker", Detail: "gone"}},
			[]sdp.Step{{Name: sdp.StepFetch, State: sdp.StepFailed}})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := accountOf(t, createShop(t, me)).ID
	end(first)
	past := decode[rest.Page[rest.LifecycleEvent]](me.get("/api/v1/events/past?limit=2&deployment=" + first))
	if len(past.Items) != 2 || past.Next == "" || past.Items[1].Type != "FETCH_FAILED" || past.Items[1].Code != "no-worker" {
		t.Fatalf("the first page is %+v", past)
	}
	later := decode[rest.Page[rest.LifecycleEvent]](me.get("/api/v1/events/past?deployment=" + first + "&cursor=" + past.Next))
	me.get("/api/v1/events/past?cursor=x").problem(http.StatusBadRequest, "bad-cursor")
	me.get("/api/v1/events/past?type=DEPLOY_COMPLET").problem(http.StatusBadRequest, "bad-request")

	now := me.dial("/api/v1/events/stream?sandbox=shop")
	from := me.dial("/api/v1/events/stream?sandbox=shop&after=" + past.Next)
	begin, resumed := message[rest.EventFrame](t, now), message[rest.EventFrame](t, from)
	if begin.Event != nil || resumed.Event != nil || begin.Next <= resumed.Next {
		t.Fatalf("the streams begin at %+v and %+v", begin, resumed)
	}
	second := decode[rest.Deployments](me.post("/api/v1/sandboxes/shop/deployments", deployBody("user", "main"))).Deployments[0].ID
	end(second)
	var types []string
	for len(types) < 3 {
		frame := message[rest.EventFrame](t, now)
		if frame.Event.Deployment != second || frame.Next != frame.Event.Seq {
			t.Errorf("frame %+v", frame)
		}
		types = append(types, string(frame.Event.Type))
	}
	if got := strings.Join(types, " "); got != "FETCH_STARTED FETCH_FAILED DEPLOY_FAILED" {
		t.Errorf("the stream has %s", got)
	}
	for _, want := range later.Items {
		if frame := message[rest.EventFrame](t, from); frame.Event.Seq != want.Seq {
			t.Errorf("resumed with %+v, want %+v", frame.Event, want)
		}
	}
}
