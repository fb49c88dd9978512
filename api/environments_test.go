package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

const (
	environments = "/api/v1/environments"
	secretMarker = "env-Secret-Marker"
	fileMarker   = "file-Content-Marker"
)

// qa is an environment with one entry of each kind.
func qa() rest.CreateEnvironment {
	return rest.CreateEnvironment{Name: "qa", Description: "for testers", EnvironmentEntries: rest.EnvironmentEntries{
		Variables: map[string]string{"LOG_LEVEL": "info"}, Secrets: map[string]string{"TOKEN": secretMarker},
		Files: []rest.NewFile{{Path: "/etc/app/ca.pem", Content: []byte(fileMarker)}}, Note: "first"}}
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	me := signedIn(t, apitest.New(t))
	e := decode[rest.Environment](me.post(environments, qa()).want(http.StatusCreated))
	if e.Version != 1 || e.Owner != apitest.User || e.Variables["LOG_LEVEL"] != "info" || e.SecretKeys[0] != "TOKEN" ||
		e.Files[0] != (rest.EnvironmentFile{Path: "/etc/app/ca.pem", Size: len(fileMarker)}) || e.Note != "first" {
		t.Errorf("created %+v", e)
	}
	e = decode[rest.Environment](me.put(environments+"/qa", rest.UpdateEnvironment{EnvironmentEntries: rest.EnvironmentEntries{
		Variables: map[string]string{"LOG_LEVEL": "debug", "NEW": "1"}, Secrets: map[string]string{"TOKEN": secretMarker}}}).want(http.StatusOK))
	if e.Version != 2 || e.Variables["LOG_LEVEL"] != "debug" {
		t.Errorf("changed %+v", e)
	}
	d := decode[rest.EnvironmentDiff](me.get(environments + "/qa/diff").want(http.StatusOK))
	if got := fmt.Sprint(d); got != "{qa 1 2 [{variable LOG_LEVEL changed info debug} {variable NEW added  1}]}" {
		t.Errorf("diff %s", got) // the secret was set to what it was
	}
	e = decode[rest.Environment](me.put(environments+"/qa", rest.UpdateEnvironment{Version: 2, Unset: []string{"NEW", "TOKEN"},
		RemoveFiles: []string{"/etc/app/ca.pem"}, EnvironmentEntries: rest.EnvironmentEntries{
			Variables: map[string]string{"TOKEN": "open"}}}).want(http.StatusOK))
	if e.Version != 3 || len(e.SecretKeys)+len(e.Files) != 0 || e.Variables["TOKEN"] != "open" {
		t.Errorf("changed %+v", e)
	}
	if again := decode[rest.Environment](me.put(environments+"/qa", rest.UpdateEnvironment{EnvironmentEntries: rest.EnvironmentEntries{
		Variables: map[string]string{"TOKEN": "open"}}}).want(http.StatusOK)); again.Version != 3 {
		t.Error("a version was made of nothing")
	}
	if old := decode[rest.Environment](me.get(environments + "/qa?version=1").want(http.StatusOK)); old.Variables["LOG_LEVEL"] != "info" || old.Newest != 3 {
		t.Errorf("version 1 is %+v", old)
	}
	versions := decode[rest.Page[rest.EnvironmentVersion]](me.get(environments + "/qa/versions").want(http.StatusOK)).Items
	if len(versions) != 3 || versions[2].Secrets != 1 || versions[0].Author != apitest.User {
		t.Errorf("versions %+v", versions)
	}
	list := decode[rest.Page[rest.EnvironmentSummary]](me.get(environments).want(http.StatusOK)).Items
	if len(list) != 2 || list[1].Name != "qa" || list[1].Version != 3 || list[1].Variables != 2 {
		t.Errorf("list %+v", list)
	}
	var details []string
	for _, event := range audited(t, me, "environment.update") {
		details = append(details, event.Environment+" "+event.Detail)
	}
	want := "[qa nothing changed qa version 3; variables TOKEN; removed NEW TOKEN /etc/app/ca.pem qa version 2; variables LOG_LEVEL NEW]"
	if got := fmt.Sprint(details); got != want {
		t.Errorf("audit %s", got)
	}
	me.delete(environments + "/qa").want(http.StatusNoContent)
	me.get(environments+"/qa").problem(http.StatusNotFound, "unknown-environment")
}

func TestEnvironmentBadInput(t *testing.T) {
	t.Parallel()
	me := signedIn(t, apitest.New(t))
	me.post(environments, qa()).want(http.StatusCreated)
	createShop(t, me) // uses dev
	many, large := map[string]string{}, map[string]string{}
	for i := range settings.MaxEnvironmentKeys {
		many[fmt.Sprint("K", i)] = "x"
	}
	for i := range 17 {
		large[fmt.Sprint("K", i)] = strings.Repeat("x", settings.MaxValue)
	}
	entries := func(e rest.EnvironmentEntries) rest.UpdateEnvironment {
		return rest.UpdateEnvironment{EnvironmentEntries: e}
	}
	files := func(path string, size int) rest.UpdateEnvironment {
		return entries(rest.EnvironmentEntries{Files: []rest.NewFile{{Path: path, Content: make([]byte, size)}}})
	}
	for name, c := range map[string]struct {
		in     rest.UpdateEnvironment
		status int
		code   string
	}{
		"secret too large":    {entries(rest.EnvironmentEntries{Secrets: map[string]string{"A": secretMarker + large["K0"]}}), 400, "too-large"},
		"zero byte":           {entries(rest.EnvironmentEntries{Secrets: map[string]string{"A": secretMarker + "\x00"}}), 400, "bad-value"},
		"bad key":             {entries(rest.EnvironmentEntries{Variables: map[string]string{"1A": "x"}}), 400, "bad-variable"},
		"variable and secret": {entries(rest.EnvironmentEntries{Variables: map[string]string{"A": "x"}, Secrets: map[string]string{"A": secretMarker}}), 400, "variable-twice"},
		"secret made open":    {entries(rest.EnvironmentEntries{Variables: map[string]string{"TOKEN": "x"}}), 409, "is-a-secret"},
		"too many keys":       {entries(rest.EnvironmentEntries{Variables: many}), 400, "too-many-keys"},
		"too much":            {entries(rest.EnvironmentEntries{Variables: large}), 400, "too-large"},
		"path leaves":         {files("/etc/app/../passwd", 1), 400, "bad-file-path"},
		"path is guarded":     {files("/etc/passwd", 1), 400, "bad-file-path"},
		"path is relative":    {files("app.json", 1), 400, "bad-file-path"},
		"file below a file":   {files("/etc/app/ca.pem/x", 1), 400, "bad-file-path"},
		"file too large":      {files("/x", settings.MaxFile+1), 400, "too-large"},
		"unknown to unset":    {rest.UpdateEnvironment{Unset: []string{"LOG_LEVL"}}, 404, "unknown-variable"},
		"unknown to remove":   {rest.UpdateEnvironment{RemoveFiles: []string{"/etc/app/ca.pen"}}, 404, "unknown-file"},
		"stale":               {rest.UpdateEnvironment{Version: 7, Unset: []string{"LOG_LEVEL"}}, 409, "environment-changed"},
	} {
		p := me.put(environments+"/qa", c.in).problem(c.status, c.code)
		if p.Remedy == "" || strings.Contains(fmt.Sprint(p), secretMarker) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	contains(t, me.put(environments+"/qa", rest.UpdateEnvironment{Unset: []string{"LOG_LEVL"}}).problem(404, "unknown-variable").Remedy, `"LOG_LEVEL"`)
	if e := decode[rest.Environment](me.get(environments + "/qa").want(200)); e.Version != 1 {
		t.Errorf("something was changed: %+v", e)
	}
	contains(t, me.delete(environments+"/dev").problem(409, "environment-used").Detail, "sandbox shop")
	contains(t, me.delete(environments+"/de").problem(404, "unknown-environment").Remedy, `"dev"`)
	me.post(environments, qa()).problem(409, "environment-exists")
	me.post(environments, rest.CreateEnvironment{Name: "No Name"}).problem(400, "bad-name")
	me.get(environments+"/qa?version=9").problem(404, "unknown-version")
	me.get(environments+"/qa/diff?from=9").problem(404, "unknown-version")
	me.post(environments+"/dev/redeploy", rest.RedeployEnvironment{Sandboxes: []string{"shp"}}).problem(404, "unknown-sandbox")
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "x", Environment: "dve"}).problem(404, "unknown-environment")
	me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: "x", Environment: "dev", EnvironmentVersion: 5}).problem(404, "unknown-version")
}

// started brings a deployment to RUNNING with the settings its service has now.
func started(t *testing.T, bed *apitest.Bed, d rest.Deployment) {
	t.Helper()
	settings, err := bed.DB.Settings(t.Context(), d.Sandbox)
	if err == nil {
		err = bed.DB.RecordSettings(t.Context(), d.ID, settings[d.Service])
	}
	if err != nil {
		t.Fatal(err)
	}
	run(t, bed, d)
}

func TestWhatIsBehindIsRestarted(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	created := createShop(t, me)
	for _, d := range created.Deployments {
		started(t, bed, d)
	}
	usage := decode[rest.EnvironmentUsage](me.get(environments + "/dev/usage").want(200))
	if len(usage.Services) != 2 || usage.Sandboxes[0] != "shop" || usage.Services[0].Runs != "dev@1" || usage.Services[0].Behind {
		t.Fatalf("usage %+v", usage)
	}
	if out := decode[rest.EnvironmentRedeployed](me.post(environments+"/dev/redeploy", rest.RedeployEnvironment{}).want(202)); len(out.Operations) != 0 {
		t.Errorf("restarted what is not behind: %+v", out)
	}
	me.put(environments+"/dev", rest.UpdateEnvironment{EnvironmentEntries: rest.EnvironmentEntries{Variables: map[string]string{"NEW": "1"}}}).want(200)
	shop := decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop").want(200))
	for _, v := range shop.Services {
		if v.Behind != (v.Serving != nil) {
			t.Errorf("behind: %+v", v)
		}
	}
	// One of the two is being deployed again already, and will get the newest version by that.
	me.post("/api/v1/sandboxes/shop/deployments", rest.Deploy{Services: []rest.DeployService{{Service: "gateway", Branch: "main"}}}).want(202)
	out := decode[rest.EnvironmentRedeployed](me.post(environments+"/dev/redeploy", nil).want(202))
	if out.Version != 2 || len(out.Operations) != 1 || out.Operations[0].Service != "account" || len(out.Refused) != 1 ||
		out.Refused[0].Service != "gateway" || out.Refused[0].Code != "deploying" || out.Refused[0].Remedy == "" {
		t.Errorf("redeployed %+v", out)
	}
	refs := bed.Engine.Submitted()
	if last := refs[len(refs)-1]; last.Kind != sdp.OpRestart || last.Service != "account" || last.ID != out.Operations[0].ID {
		t.Errorf("submitted %+v", last)
	}
	if events := audited(t, me, "service.restart"); len(events) != 1 || events[0].Operation != out.Operations[0].ID || events[0].Sandbox != "shop" {
		t.Errorf("audit %+v", events)
	}
	if events := audited(t, me, "environment.redeploy"); len(events) != 2 || events[0].Environment != "dev" {
		t.Errorf("audit %+v", events)
	}
}

func TestExplainEnvironment(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	me.put(environments+"/dev", rest.UpdateEnvironment{EnvironmentEntries: qa().EnvironmentEntries}).want(200)
	d := accountOf(t, createShop(t, me))
	started(t, bed, d)
	me.post("/api/v1/sandboxes/shop/deployments", rest.Deploy{Services: []rest.DeployService{{Service: "account", Branch: "main"}},
		Env: map[string]string{"TOKEN": "open", "PORT": "9"}, Secrets: map[string]string{"LOG_LEVEL": secretMarker}}).want(202)
	out := decode[rest.EffectiveEnvironment](me.get("/api/v1/sandboxes/shop/services/account/environment").want(200))
	if out.EnvironmentVersion != 2 || !out.Behind || out.Running != d.ID || out.Files[0].Path != "/etc/app/ca.pem" {
		t.Errorf("explained %+v", out)
	}
	got := map[string]string{}
	for _, v := range out.Values {
		got[v.Key] = fmt.Sprintf("%s %s %v %v", v.Value, v.Layer, v.Secret, v.Overrides)
	}
	for key, want := range map[string]string{
		"LOG_LEVEL":   " service true [{environment dev@2 false}]",
		"TOKEN":       "open service false [{environment dev@2 true}]",
		"PORT":        "9 service false [{sdp  false}]",
		"SDP_SANDBOX": "shop sdp false []",
		"SDP_SHA":     sha + " sdp false []",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	me.get("/api/v1/sandboxes/shop/services/acount/environment").problem(404, "unknown-service")
	me.get("/api/v1/sandboxes/nope/services/account/environment").problem(404, "sandbox-not-found")
}

// No answer, log line or row holds what was given as a secret or as a file.
func TestEnvironmentsKeepTheirSecrets(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	var said strings.Builder
	say := func(a answer) { said.Write(a.body); fmt.Fprintln(&said, a.header) }
	say(me.with("Idempotency-Key", "k1").post(environments, qa()))
	say(me.put(environments+"/qa", rest.UpdateEnvironment{EnvironmentEntries: rest.EnvironmentEntries{
		Secrets: map[string]string{"TOKEN": secretMarker + "2", "bad key": secretMarker}}}))
	say(me.put(environments+"/qa", rest.UpdateEnvironment{EnvironmentEntries: rest.EnvironmentEntries{
		Secrets: map[string]string{"TOKEN": secretMarker + "2"}, Files: []rest.NewFile{{Path: "/b", Content: []byte(fileMarker)}}}}))
	say(me.put(environments+"/qa", `{"secrets": {"TOKEN": ["`+secretMarker+`"]}}`))
	say(me.put(environments+"/qa", `{"files": [{"path": "/x", "content": "`+fileMarker+`!"}]}`))
	say(me.put(environments+"/qa", `{"secret": "`+secretMarker+`"}`))
	for _, path := range []string{"", "/qa", "/qa?version=1", "/qa/versions", "/qa/diff", "/qa/usage"} {
		say(me.get(environments + path))
	}
	say(me.get("/api/v1/audit"))
	for _, marker := range []string{secretMarker, fileMarker} {
		if strings.Contains(said.String(), marker) {
			t.Errorf("an answer holds %s:\n%s", marker, said.String())
		}
		if strings.Contains(bed.Log.String(), marker) {
			t.Errorf("the log holds %s", marker)
		}
	}
	layer, files, _, err := bed.DB.EnvironmentLayer(t.Context(), "qa", 0)
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	opened, err := bed.Keys.Open(sdp.SecretPurpose, layer.Secrets["TOKEN"], layer.Context+"TOKEN")
	if err != nil || string(opened) != secretMarker+"2" || strings.Contains(string(layer.Secrets["TOKEN"]), secretMarker) {
		t.Errorf("secret at rest: %v", err)
	}
	if _, err := bed.Keys.Open(sdp.SecretPurpose, layer.Secrets["TOKEN"], layer.Context+"OTHER"); err == nil {
		t.Error("a secret opens under another name")
	}
	events, _, err := bed.DB.AuditEvents(t.Context(), postgres.AuditFilter{}, postgres.Page{Limit: 200})
	if err != nil || strings.Contains(fmt.Sprint(events), secretMarker) {
		t.Errorf("audit %+v %v", events, err)
	}
}
