package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// tracked is a sandbox "shop" whose service account follows a branch.
func tracked(t *testing.T) (*apitest.Bed, *caller) {
	t.Helper()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	me.post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
	return bed, me
}

func codes(s rest.Sandbox) string {
	var out []string
	for _, a := range s.Attention {
		if a.Detail == "" || a.Remedy == "" {
			return "attention that says nothing"
		}
		out = append(out, a.Code)
	}
	return strings.Join(out, " ")
}

func TestCredentialIsStoredAndNeverShown(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	const path = "/api/v1/tracking/credential"
	if c := decode[rest.TrackingCredential](me.get(path).want(http.StatusOK)); c.Stored || c.What == "" {
		t.Errorf("before: %+v", c)
	}
	a := me.put(path, nil).want(http.StatusOK)
	if c := decode[rest.TrackingCredential](a); !c.Stored || c.User != apitest.User || c.StoredAt.IsZero() || !c.CheckedAt.IsZero() {
		t.Errorf("stored: %+v", c)
	}
	for _, shown := range []answer{a, me.get(path), me.get("/api/v1/audit")} {
		if strings.Contains(string(shown.body), apitest.Password) {
			t.Errorf("the password is in %s", shown.body)
		}
	}
	stored, err := bed.DB.Credentials(t.Context(), apitest.User)
	if err != nil {
		t.Fatal(err)
	}
	sealed := stored[apitest.User].Sealed
	if strings.Contains(string(sealed), apitest.Password) {
		t.Error("it is stored in clear")
	}
	plain, err := bed.Keys.Open(sdp.SecretPurpose, sealed, sdp.TrackingContext(apitest.User))
	if err != nil || !strings.Contains(string(plain), apitest.Password) {
		t.Errorf("what is stored cannot be used: %v", err)
	}
	if _, err := bed.Keys.Open(sdp.SecretPurpose, sealed, sdp.TrackingContext("erin")); err == nil {
		t.Error("it opens as somebody else's")
	}
	me.delete(path).want(http.StatusNoContent)
	me.delete(path).problem(http.StatusNotFound, "no-credential")
	for action, outcomes := range map[string]string{"tracking.credential.store": "succeeded", "tracking.credential.delete": "refused succeeded"} {
		var got []string
		for _, e := range audited(t, me, action) {
			got = append(got, e.Outcome)
		}
		if strings.Join(got, " ") != outcomes {
			t.Errorf("%s is audited as %q", action, got)
		}
	}
	anonymous(t, bed).put(path, nil).want(http.StatusUnauthorized)
}

func TestTrackSaysWhatIsMissing(t *testing.T) {
	_, me := tracked(t)
	const path = "/api/v1/sandboxes/shop/services/account/track"
	on := decode[rest.Sandbox](me.put(path, rest.Track{Track: true}).want(http.StatusOK))
	if codes(on) != "tracking-needs-credential" {
		t.Errorf("attention %+v", on.Attention)
	}
	me.put("/api/v1/tracking/credential", nil).want(http.StatusOK)
	if s := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop")); codes(s) != "" {
		t.Errorf("attention %+v", s.Attention)
	}
	list := decode[rest.Page[rest.TrackedService]](me.get("/api/v1/tracking?sandbox=shop").want(http.StatusOK)).Items
	var follows []string
	for _, s := range list {
		if s.Track && s.Watched {
			follows = append(follows, s.Service)
		}
	}
	if strings.Join(follows, " ") != "account" || len(list) < 2 {
		t.Errorf("watched are %+v", list)
	}
	off := decode[rest.Sandbox](me.put(path, rest.Track{}).want(http.StatusOK))
	for _, s := range off.Services {
		if s.Track {
			t.Errorf("%s is tracked", s.Name)
		}
	}
	if events := audited(t, me, "service.track"); len(events) != 2 || events[0].Service != "account" || events[0].Detail == "" {
		t.Errorf("audit %+v", events)
	}
}

func TestOnlyABranchCanBeTracked(t *testing.T) {
	_, me := tracked(t)
	me.put("/api/v1/sandboxes/shop/services/payments/track", rest.Track{Track: true}).problem(http.StatusNotFound, "unknown-service")
	me.put("/api/v1/sandboxes/nothing/services/account/track", rest.Track{Track: true}).problem(http.StatusNotFound, "sandbox-not-found")
	in := sdp.SandboxSpec{Name: "bare", Services: map[string]sdp.ServiceSpec{"notification": {UseOCP: true}}}
	me.post("/api/v1/sandboxes", in).want(http.StatusAccepted)
	me.put("/api/v1/sandboxes/bare/services/notification/track", rest.Track{Track: true}).problem(http.StatusConflict, "no-branch")
}

func TestGoneBranchAndRefusedCredentialWantAttention(t *testing.T) {
	bed, me := tracked(t)
	me.put("/api/v1/tracking/credential", nil).want(http.StatusOK)
	me.put("/api/v1/sandboxes/shop/services/account/track", rest.Track{Track: true}).want(http.StatusOK)
	var branch string
	for _, s := range decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop")).Services {
		if s.Name == "account" {
			branch = s.Branch
		}
	}
	if err := bed.DB.MarkBranch(t.Context(), "shop", "account", branch, true); err != nil {
		t.Fatal(err)
	}
	if s := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop")); codes(s) != "branch-gone" {
		t.Errorf("attention %+v", s.Attention)
	}
	stored, err := bed.DB.Credentials(t.Context(), apitest.User)
	if err != nil {
		t.Fatal(err)
	}
	if err := bed.DB.RefuseCredential(t.Context(), apitest.User, stored[apitest.User].StoredAt, "refused"); err != nil {
		t.Fatal(err)
	}
	for _, s := range decode[rest.Page[rest.Sandbox]](me.get("/api/v1/sandboxes")).Items {
		if codes(s) != "branch-gone tracking-stopped" {
			t.Errorf("attention in the list %+v", s.Attention)
		}
	}
}
