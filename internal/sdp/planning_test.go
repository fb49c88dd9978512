package sdp

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	oldSHA = "1111111111111111111111111111111111111111"
	newSHA = "2222222222222222222222222222222222222222"
)

// running is a sandbox whose account serves main at oldSHA with settings that would be the same today, whose rates go
// to a URL, and whose user was never anything but OCP's.
func running() Planning {
	settings := Settings{Environment: "dev", EnvironmentVersion: 3, Limits: Limits{Memory: 64 << 20},
		Layers: []SealedLayer{{Name: LayerEnvironment, Variables: map[string]string{"LOG_LEVEL": "debug"}}}}
	d := Deployment{ID: "d-1", Service: "account", Branch: "main", SHA: oldSHA, State: Running, Environment: "dev",
		EnvironmentVersion: 3, SettingsDigest: settings.Digest()}
	current := &Sandbox{Name: "shop", RouteVersion: 7, Environment: "dev", Services: []Service{
		{Name: "account", Branch: "main", Source: SourceSandbox, Latest: &d,
			Serving: &Container{Deployment: "d-1", SHA: oldSHA, Node: "micro-1"}},
		{Name: "rates", Source: SourceURL, URL: "http://rates.test"},
		{Name: "user", Source: SourceOCP},
	}}
	return Planning{
		Spec: SandboxSpec{Name: "shop", Environment: "dev", Services: map[string]ServiceSpec{
			"account": {Branch: "main"}, "rates": {URL: "http://rates.test"}, "user": {UseOCP: true}}},
		Current: current, Running: map[string]Deployment{"account": d}, Wanted: map[string]Settings{"account": settings},
		Results: map[string]PreflightResult{"account": {Service: "account", SHA: oldSHA, Image: "sdp/account:1", Cached: true}},
		Nodes:   map[string]PlannedNode{"micro-1": {Node: "micro-1", Alive: true, DiskFree: 10 << 30}},
		NodeOf:  map[string]string{"account": "micro-1", "payment": "micro-1"},
		Shared:  map[string]bool{"user": true, "account": true},
		Port:    PlannedPort{Node: "gateway-1", Port: 8080},
	}
}

func planned(t *testing.T, p Plan, service string) PlannedService {
	t.Helper()
	i := slices.IndexFunc(p.Services, func(s PlannedService) bool { return s.Service == service })
	if i < 0 {
		t.Fatalf("the plan has no %s: %+v", service, p.Services)
	}
	return p.Services[i]
}

func TestNothingToDo(t *testing.T) {
	p := running().Plan()
	if p.Changes() || len(p.Problems) > 0 || p.RouteVersion != 7 || len(p.Nodes) != 0 {
		t.Errorf("plan %+v", p)
	}
	if len(p.Hash) != 12 {
		t.Errorf("hash %q", p.Hash)
	}
}

// TestActions has each action for each of its reasons.
func TestActions(t *testing.T) {
	account := func(v ServiceSpec) func(*Planning) {
		return func(in *Planning) { in.Spec.Services["account"] = v }
	}
	moved := func(in *Planning) { in.Results["account"] = PreflightResult{SHA: newSHA, Need: 1 << 20} }
	for name, c := range map[string]struct {
		change  []func(*Planning)
		service string
		action  ActionKind
		why     string
	}{
		"the branch moved":                  {[]func(*Planning){moved}, "account", ActionDeploy, "main moved 111111111111 -> 222222222222"},
		"another branch":                    {[]func(*Planning){account(ServiceSpec{Branch: "next"}), moved}, "account", ActionDeploy, "branch main -> next"},
		"another branch at the same commit": {[]func(*Planning){account(ServiceSpec{Branch: "next"})}, "account", "", ""},
		"pinned":                            {[]func(*Planning){account(ServiceSpec{Commit: newSHA}), moved}, "account", ActionDeploy, "stays at commit 222222222222"},
		"new": {[]func(*Planning){func(in *Planning) {
			in.Spec.Services["payment"] = ServiceSpec{Branch: "main"}
			in.Results["payment"] = PreflightResult{SHA: newSHA}
		}}, "payment", ActionDeploy, "nothing of it runs here yet"},
		"stopped": {[]func(*Planning){func(in *Planning) { in.Current.Services[0].Serving = nil }}, "account", ActionDeploy, "it does not run"},
		"newer environment": {[]func(*Planning){func(in *Planning) {
			in.Wanted["account"] = Settings{EnvironmentVersion: 4, Layers: []SealedLayer{{Variables: map[string]string{"LOG_LEVEL": "info"}}}}
		}}, "account", ActionRestart, "environment dev 3 -> 4"},
		"newer environment that changes nothing for it": {[]func(*Planning){func(in *Planning) {
			s := in.Wanted["account"]
			s.EnvironmentVersion = 4
			in.Wanted["account"] = s
		}}, "account", "", ""},
		"other environment": {[]func(*Planning){func(in *Planning) {
			in.Spec.Environment = "qa"
			in.Wanted["account"] = Settings{Environment: "qa", EnvironmentVersion: 1}
		}}, "account", ActionRestart, "environment dev -> qa"},
		"limits": {[]func(*Planning){account(ServiceSpec{Branch: "main", Limits: Limits{CPUs: 1}}), func(in *Planning) {
			s := in.Wanted["account"]
			s.Limits.CPUs = 1
			in.Wanted["account"] = s
		}}, "account", ActionRestart, "its limits change"},
		"variables": {[]func(*Planning){account(ServiceSpec{Branch: "main", Variables: map[string]string{"A": "b"}}), func(in *Planning) {
			s := in.Wanted["account"]
			s.Layers = append(slices.Clone(s.Layers), SealedLayer{Variables: map[string]string{"A": "b"}})
			in.Wanted["account"] = s
		}}, "account", ActionRestart, "its variables change"},
		"set since it was started": {[]func(*Planning){func(in *Planning) {
			s := in.Wanted["account"]
			s.Layers = append(slices.Clone(s.Layers), SealedLayer{Secrets: map[string][]byte{"A": {1}}})
			in.Wanted["account"] = s
		}}, "account", ActionRestart, "its settings were changed since it was started"},
		"started before that was recorded": {[]func(*Planning){func(in *Planning) {
			d := in.Running["account"]
			d.SettingsDigest = ""
			in.Running["account"] = d
		}}, "account", ActionRestart, "what it was started with is not known"},
		"routed away, with a container": {[]func(*Planning){func(in *Planning) { in.Current.Services[0].Source = SourceOCP }},
			"account", ActionRoute, "its container answers again"},
		"to OCP":   {[]func(*Planning){account(ServiceSpec{UseOCP: true})}, "account", ActionRoute, "answered by ocp"},
		"to a URL": {[]func(*Planning){account(ServiceSpec{URL: "http://x.test"})}, "account", ActionRoute, "answered by http://x.test"},
		"other URL": {[]func(*Planning){func(in *Planning) { in.Spec.Services["rates"] = ServiceSpec{URL: "http://y.test"} }},
			"rates", ActionRoute, "answered by http://y.test"},
		"OCP already, container left": {[]func(*Planning){account(ServiceSpec{UseOCP: true}), func(in *Planning) {
			in.Current.Services[0].Source = SourceOCP
		}}, "account", ActionRoute, "not needed any more"},
		"OCP as before": {nil, "user", "", ""},
		"first mention": {[]func(*Planning){func(in *Planning) {
			in.Current.Services = in.Current.Services[:2]
		}}, "user", ActionRoute, "the same answers as before"},
		"no longer mentioned": {[]func(*Planning){func(in *Planning) { delete(in.Spec.Services, "account") }},
			"account", ActionRemove, "does not mention it"},
		"no longer the gateway": {[]func(*Planning){func(in *Planning) {
			in.Current.Gateway = "account"
			delete(in.Spec.Services, "account")
		}}, "account", ActionRemove, "does not mention it"},
	} {
		t.Run(name, func(t *testing.T) {
			in := running()
			for _, change := range c.change {
				change(&in)
			}
			p := in.Plan()
			s := planned(t, p, c.service)
			if s.Action != c.action || !strings.Contains(strings.Join(s.Why, "; "), c.why) {
				t.Errorf("action %q because %q, want %q because %q", s.Action, s.Why, c.action, c.why)
			}
			if c.action != "" && !p.Changes() {
				t.Error("it is taken for no change")
			}
			if len(p.Problems) > 0 {
				t.Errorf("problems %+v", p.Problems)
			}
		})
	}
}

func TestProblemsOfAPlan(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Planning)
		code   string
	}{
		"no such branch": {func(in *Planning) {
			in.Results["account"] = PreflightResult{Problem: &PlanProblem{Service: "account", Code: "branch-not-found"}}
		}, "branch-not-found"},
		"being deployed": {func(in *Planning) {
			in.Current.Services[0].Latest = &Deployment{ID: "d-2", Service: "account", State: Building}
		}, "sandbox-busy"},
		"base image missing": {func(in *Planning) {
			in.Results["account"] = PreflightResult{SHA: newSHA, Base: []RequiredImage{{Ref: "php:8", Remedy: "docker save"},
				{Ref: "Dockerfile", Unknown: true}, {Ref: "alpine", Present: true}}}
		}, "missing-base-image"},
		"no room": {func(in *Planning) {
			in.Results["account"] = PreflightResult{SHA: newSHA, Need: 1 << 30}
			in.Nodes["micro-1"] = PlannedNode{Alive: true, DiskFree: 1 << 30}
		}, "disk-full"},
		"found before": {func(in *Planning) { in.Problems = []PlanProblem{{Code: "node-without-worker"}} }, "node-without-worker"},
	} {
		in := running()
		c.change(&in)
		if p := in.Plan(); len(p.Problems) != 1 || p.Problems[0].Code != c.code {
			t.Errorf("%s: problems %+v, want one %s", name, p.Problems, c.code)
		}
	}
	in := running() // nothing is built of what is there, whatever the base images
	in.Results["account"] = PreflightResult{SHA: newSHA, Cached: true, Need: 1 << 50, Base: []RequiredImage{{Ref: "gone"}}}
	if p := in.Plan(); len(p.Problems) > 0 || planned(t, p, "account").Action != ActionDeploy {
		t.Errorf("plan %+v", p)
	}
}

func TestDifferencesOfSettings(t *testing.T) {
	in := running()
	in.Current.Description, in.Current.Labels = "old", map[string]string{"a": "1", "b": "2"}
	in.Current.Variables = map[string]string{"K": "1"}
	in.Spec.Labels, in.Spec.Variables = map[string]string{"a": "2", "c": "3"}, map[string]string{"K": "2"}
	in.Spec.Limits.Total.Memory, in.Spec.Expiry.IdleAfter = 1<<30, time.Hour
	in.Spec.Services["account"] = ServiceSpec{Branch: "main", Track: true, Variables: map[string]string{"V": "x"}}
	in.Secrets = map[string]map[string][]byte{"": {"S": {1}, "T": {2}}, "account": {}}
	in.Before = map[string]map[string][]byte{"": {"T": {3}}, "account": {"U": {4}}}
	p := in.Plan()
	want := []Difference{
		{"description", "", RemovedEntry, "old", ""},
		{"label", "a", Changed, "1", "2"}, {"label", "b", RemovedEntry, "2", ""}, {"label", "c", Added, "", "3"},
		{"variable", "K", Changed, "1", "2"}, {"limit", "total.memory", Added, "", "1G"},
		{"expiry", "idleAfter", Added, "", "1h0m0s"}, {"secret", "S", Added, "", ""}, {"secret", "T", Changed, "", ""},
	}
	if !slices.Equal(p.Settings, want) {
		t.Errorf("settings\n%+v, want\n%+v", p.Settings, want)
	}
	want = []Difference{{"track", "", Added, "", "tracked"}, {"variable", "V", Added, "", "x"}, {"secret", "U", RemovedEntry, "", ""}}
	if got := planned(t, p, "account").Settings; !slices.Equal(got, want) {
		t.Errorf("account\n%+v, want\n%+v", got, want)
	}
}

func TestANewSandbox(t *testing.T) {
	in := running()
	in.Current, in.Running = nil, nil
	in.Port = PlannedPort{Node: "gateway-1", Free: 3}
	in.Nodes["gateway-1"] = PlannedNode{Alive: true}
	in.Spec.Gateway = &ServiceSpec{Repository: "gateway", Branch: "main"}
	in.NodeOf["gateway"], in.Results["gateway"] = "gateway-1", PreflightResult{SHA: newSHA}
	p := in.Plan()
	if !p.New || !p.Changes() || p.RouteVersion != 0 || len(p.Services) != 4 || len(p.Nodes) != 2 {
		t.Errorf("plan %+v", p)
	}
	for _, s := range p.Services {
		if s.Action == "" {
			t.Errorf("%s: nothing is done", s.Service)
		}
	}
	if !slices.Contains(p.Settings, Difference{"gateway", "", Added, "", "gateway"}) {
		t.Errorf("settings %+v", p.Settings)
	}
}

// TestWhatTheHashCovers checks that a plan's hash changes with what would be done, and with nothing else.
func TestWhatTheHashCovers(t *testing.T) {
	base := running().Plan().Hash
	covered := map[string]func(*Planning){
		"route version": func(in *Planning) { in.Current.RouteVersion++ },
		"commit":        func(in *Planning) { in.Results["account"] = PreflightResult{SHA: newSHA} },
		"definition":    func(in *Planning) { in.Spec.Description = "x" },
		"a variable": func(in *Planning) {
			in.Spec.Services["account"] = ServiceSpec{Branch: "main", Variables: map[string]string{"A": ""}}
		},
		"secrets and files": func(in *Planning) {
			s := in.Wanted["account"]
			s.Files = []SealedFile{{Path: "/etc/x", Content: []byte{1}}}
			in.Wanted["account"] = s
		},
		"environment's version": func(in *Planning) {
			s := in.Wanted["account"]
			s.EnvironmentVersion++
			in.Wanted["account"] = s
		},
		"whether it exists": func(in *Planning) { in.Current = nil },
		"who answers":       func(in *Planning) { in.Current.Services[0].Source = SourceOCP },
	}
	seen := map[string]string{base: "nothing"}
	for name, change := range covered {
		in := running()
		change(&in)
		hash := in.Plan().Hash
		if other, twice := seen[hash]; twice {
			t.Errorf("%s makes the same hash as %s", name, other)
		}
		seen[hash] = name
	}
	for name, change := range map[string]func(*Planning){
		"disk":           func(in *Planning) { in.Nodes["micro-1"] = PlannedNode{DiskFree: 1} },
		"cached image":   func(in *Planning) { in.Results["account"] = PreflightResult{SHA: oldSHA, Need: 1} },
		"free ports":     func(in *Planning) { in.Port.Free = 9 },
		"liveness":       func(in *Planning) { in.Problems = []PlanProblem{{Code: "node-without-worker"}} },
		"order of reads": func(in *Planning) { slices.Reverse(in.Current.Services) },
	} {
		in := running()
		change(&in)
		if in.Plan().Hash != base {
			t.Errorf("%s changes the hash", name)
		}
	}
}

func TestWhatChangedSinceAPlan(t *testing.T) {
	then := running().Plan()
	in := running()
	in.Results["account"] = PreflightResult{SHA: newSHA}
	in.Current.RouteVersion = 9
	delete(in.Spec.Services, "user")
	in.Environment = []Difference{{What: "variable", Key: "A", Kind: Added}}
	got := strings.Join(in.Plan().Since(then), "; ")
	for _, want := range []string{"version 7 -> 9", "account would run 222222222222, not 111111111111", "user: remove",
		"the environment was changed"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if same := then.Since(running().Plan()); len(same) > 0 {
		t.Errorf("nothing changed, but it says %q", same)
	}
}

func TestPlanProblemNamesItsService(t *testing.T) {
	for want, p := range map[string]PlanProblem{
		"account: there is no branch x": {Service: "account", Detail: "there is no branch x"},
		"account is being deployed":     {Service: "account", Detail: "account is being deployed"},
		"no worker since 14:02":         {Detail: "no worker since 14:02"},
	} {
		if got := p.Text(); got != want {
			t.Errorf("%+v says %q, want %q", p, got, want)
		}
	}
}
