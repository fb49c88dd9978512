package planning

import (
	"slices"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

const (
	oldSHA = "1111111111111111111111111111111111111111"
	newSHA = "2222222222222222222222222222222222222222"
)

// running is a sandbox whose account serves main at oldSHA with settings that would be the same today, whose rates go
// to a URL, and whose user was never anything but OCP's.
func running() Input {
	same := settings.Settings{Environment: "dev", EnvironmentVersion: 3, Limits: sdp.Limits{Memory: 64 << 20},
		Layers: []settings.SealedLayer{{Name: settings.LayerEnvironment, Variables: map[string]string{"LOG_LEVEL": "debug"}}}}
	d := sdp.Deployment{ID: "d-1", Service: "account", Branch: "main", SHA: oldSHA, State: sdp.Running, Environment: "dev",
		EnvironmentVersion: 3, SettingsDigest: same.Digest()}
	current := &sdp.Sandbox{Name: "shop", RouteVersion: 7, Environment: "dev", Services: []sdp.Service{
		{Name: "account", Branch: "main", Source: sdp.SourceSandbox, Latest: &d,
			Serving: &sdp.Container{Deployment: "d-1", SHA: oldSHA, Node: "micro-1"}},
		{Name: "rates", Source: sdp.SourceURL, URL: "http://rates.test"},
		{Name: "user", Source: sdp.SourceOCP},
	}}
	return Input{
		Spec: sdp.SandboxSpec{Name: "shop", Environment: "dev", Services: map[string]sdp.ServiceSpec{
			"account": {Branch: "main"}, "rates": {URL: "http://rates.test"}, "user": {UseOCP: true}}},
		Current: current, Running: map[string]sdp.Deployment{"account": d}, Wanted: map[string]settings.Settings{"account": same},
		Results: map[string]PreflightResult{"account": {Service: "account", SHA: oldSHA, Image: "sdp/account:1", Cached: true}},
		Nodes:   map[string]Node{"micro-1": {Node: "micro-1", Alive: true, DiskFree: 10 << 30}},
		NodeOf:  map[string]string{"account": "micro-1", "payment": "micro-1"},
		Shared:  map[string]bool{"user": true, "account": true},
		Port:    Port{Node: "gateway-1", Port: 8080},
	}
}

func planned(t *testing.T, p Plan, service string) Service {
	t.Helper()
	i := slices.IndexFunc(p.Services, func(s Service) bool { return s.Service == service })
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
	account := func(v sdp.ServiceSpec) func(*Input) {
		return func(in *Input) { in.Spec.Services["account"] = v }
	}
	moved := func(in *Input) { in.Results["account"] = PreflightResult{SHA: newSHA, Need: 1 << 20} }
	for name, c := range map[string]struct {
		change  []func(*Input)
		service string
		action  sdp.ActionKind
		why     string
	}{
		"the branch moved":                  {[]func(*Input){moved}, "account", sdp.ActionDeploy, "main moved 111111111111 -> 222222222222"},
		"another branch":                    {[]func(*Input){account(sdp.ServiceSpec{Branch: "next"}), moved}, "account", sdp.ActionDeploy, "branch main -> next"},
		"another branch at the same commit": {[]func(*Input){account(sdp.ServiceSpec{Branch: "next"})}, "account", "", ""},
		"pinned":                            {[]func(*Input){account(sdp.ServiceSpec{Commit: newSHA}), moved}, "account", sdp.ActionDeploy, "stays at commit 222222222222"},
		"new": {[]func(*Input){func(in *Input) {
			in.Spec.Services["payment"] = sdp.ServiceSpec{Branch: "main"}
			in.Results["payment"] = PreflightResult{SHA: newSHA}
		}}, "payment", sdp.ActionDeploy, "nothing of it runs here yet"},
		"stopped": {[]func(*Input){func(in *Input) { in.Current.Services[0].Serving = nil }}, "account", sdp.ActionDeploy, "it does not run"},
		"newer environment": {[]func(*Input){func(in *Input) {
			in.Wanted["account"] = settings.Settings{EnvironmentVersion: 4, Layers: []settings.SealedLayer{{Variables: map[string]string{"LOG_LEVEL": "info"}}}}
		}}, "account", sdp.ActionRestart, "environment dev 3 -> 4"},
		"newer environment that changes nothing for it": {[]func(*Input){func(in *Input) {
			s := in.Wanted["account"]
			s.EnvironmentVersion = 4
			in.Wanted["account"] = s
		}}, "account", "", ""},
		"other environment": {[]func(*Input){func(in *Input) {
			in.Spec.Environment = "qa"
			in.Wanted["account"] = settings.Settings{Environment: "qa", EnvironmentVersion: 1}
		}}, "account", sdp.ActionRestart, "environment dev -> qa"},
		"limits": {[]func(*Input){account(sdp.ServiceSpec{Branch: "main", Limits: sdp.Limits{CPUs: 1}}), func(in *Input) {
			s := in.Wanted["account"]
			s.Limits.CPUs = 1
			in.Wanted["account"] = s
		}}, "account", sdp.ActionRestart, "its limits change"},
		"variables": {[]func(*Input){account(sdp.ServiceSpec{Branch: "main", Variables: map[string]string{"A": "b"}}), func(in *Input) {
			s := in.Wanted["account"]
			s.Layers = append(slices.Clone(s.Layers), settings.SealedLayer{Variables: map[string]string{"A": "b"}})
			in.Wanted["account"] = s
		}}, "account", sdp.ActionRestart, "its variables change"},
		"set since it was started": {[]func(*Input){func(in *Input) {
			s := in.Wanted["account"]
			s.Layers = append(slices.Clone(s.Layers), settings.SealedLayer{Secrets: map[string][]byte{"A": {1}}})
			in.Wanted["account"] = s
		}}, "account", sdp.ActionRestart, "its settings were changed since it was started"},
		"started before that was recorded": {[]func(*Input){func(in *Input) {
			d := in.Running["account"]
			d.SettingsDigest = ""
			in.Running["account"] = d
		}}, "account", sdp.ActionRestart, "what it was started with is not known"},
		"routed away, with a container": {[]func(*Input){func(in *Input) { in.Current.Services[0].Source = sdp.SourceOCP }},
			"account", sdp.ActionRoute, "its container answers again"},
		"to OCP":   {[]func(*Input){account(sdp.ServiceSpec{UseOCP: true})}, "account", sdp.ActionRoute, "answered by ocp"},
		"to a URL": {[]func(*Input){account(sdp.ServiceSpec{URL: "http://x.test"})}, "account", sdp.ActionRoute, "answered by http://x.test"},
		"other URL": {[]func(*Input){func(in *Input) { in.Spec.Services["rates"] = sdp.ServiceSpec{URL: "http://y.test"} }},
			"rates", sdp.ActionRoute, "answered by http://y.test"},
		"OCP already, container left": {[]func(*Input){account(sdp.ServiceSpec{UseOCP: true}), func(in *Input) {
			in.Current.Services[0].Source = sdp.SourceOCP
		}}, "account", sdp.ActionRoute, "not needed any more"},
		"OCP as before": {nil, "user", "", ""},
		"first mention": {[]func(*Input){func(in *Input) {
			in.Current.Services = in.Current.Services[:2]
		}}, "user", sdp.ActionRoute, "the same answers as before"},
		"no longer mentioned": {[]func(*Input){func(in *Input) { delete(in.Spec.Services, "account") }},
			"account", sdp.ActionRemove, "does not mention it"},
		"no longer the gateway": {[]func(*Input){func(in *Input) {
			in.Current.Gateway = "account"
			delete(in.Spec.Services, "account")
		}}, "account", sdp.ActionRemove, "does not mention it"},
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
		change func(*Input)
		code   string
	}{
		"no such branch": {func(in *Input) {
			in.Results["account"] = PreflightResult{Problem: &Problem{Service: "account", Code: "branch-not-found"}}
		}, "branch-not-found"},
		"being deployed": {func(in *Input) {
			in.Current.Services[0].Latest = &sdp.Deployment{ID: "d-2", Service: "account", State: sdp.Building}
		}, "sandbox-busy"},
		"base image missing": {func(in *Input) {
			in.Results["account"] = PreflightResult{SHA: newSHA, Base: []RequiredImage{{Ref: "php:8", Remedy: "docker save"},
				{Ref: "Dockerfile", Unknown: true}, {Ref: "alpine", Present: true}}}
		}, "missing-base-image"},
		"no room": {func(in *Input) {
			in.Results["account"] = PreflightResult{SHA: newSHA, Need: 1 << 30}
			in.Nodes["micro-1"] = Node{Alive: true, DiskFree: 1 << 30}
		}, "disk-full"},
		"found before": {func(in *Input) { in.Problems = []Problem{{Code: "node-without-worker"}} }, "node-without-worker"},
	} {
		in := running()
		c.change(&in)
		if p := in.Plan(); len(p.Problems) != 1 || p.Problems[0].Code != c.code {
			t.Errorf("%s: problems %+v, want one %s", name, p.Problems, c.code)
		}
	}
	in := running() // nothing is built of what is there, whatever the base images
	in.Results["account"] = PreflightResult{SHA: newSHA, Cached: true, Need: 1 << 50, Base: []RequiredImage{{Ref: "gone"}}}
	if p := in.Plan(); len(p.Problems) > 0 || planned(t, p, "account").Action != sdp.ActionDeploy {
		t.Errorf("plan %+v", p)
	}
}

func TestDifferencesOfSettings(t *testing.T) {
	in := running()
	in.Current.Description, in.Current.Labels = "old", map[string]string{"a": "1", "b": "2"}
	in.Current.Variables = map[string]string{"K": "1"}
	in.Spec.Labels, in.Spec.Variables = map[string]string{"a": "2", "c": "3"}, map[string]string{"K": "2"}
	in.Spec.Limits.Total.Memory, in.Spec.Expiry.IdleAfter = 1<<30, "1h0m0s"
	in.Spec.Services["account"] = sdp.ServiceSpec{Branch: "main", Track: true, Variables: map[string]string{"V": "x"}}
	in.Secrets = map[string]map[string][]byte{"": {"S": {1}, "T": {2}}, "account": {}}
	in.Before = map[string]map[string][]byte{"": {"T": {3}}, "account": {"U": {4}}}
	p := in.Plan()
	want := []sdp.Difference{
		difference("description", "", sdp.RemovedEntry, "old", ""),
		difference("label", "a", sdp.Changed, "1", "2"), difference("label", "b", sdp.RemovedEntry, "2", ""), difference("label", "c", sdp.Added, "", "3"),
		difference("variable", "K", sdp.Changed, "1", "2"), difference("limit", "total.memory", sdp.Added, "", "1G"),
		difference("expiry", "idleAfter", sdp.Added, "", "1h0m0s"), difference("secret", "S", sdp.Added, "", ""), difference("secret", "T", sdp.Changed, "", ""),
	}
	if !slices.Equal(p.Settings, want) {
		t.Errorf("settings\n%+v, want\n%+v", p.Settings, want)
	}
	want = []sdp.Difference{difference("track", "", sdp.Added, "", "tracked"), difference("variable", "V", sdp.Added, "", "x"), difference("secret", "U", sdp.RemovedEntry, "", "")}
	if got := planned(t, p, "account").Settings; !slices.Equal(got, want) {
		t.Errorf("account\n%+v, want\n%+v", got, want)
	}
}

func TestANewSandbox(t *testing.T) {
	in := running()
	in.Current, in.Running = nil, nil
	in.Port = Port{Node: "gateway-1", Free: 3}
	in.Nodes["gateway-1"] = Node{Alive: true}
	in.Spec.Gateway = &sdp.GatewaySpec{Repository: "gateway", Branch: "main"}
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
	if !slices.Contains(p.Settings, difference("gateway", "", sdp.Added, "", "gateway")) {
		t.Errorf("settings %+v", p.Settings)
	}
}

// TestWhatTheHashCovers checks that a plan's hash changes with what would be done, and with nothing else.
func TestWhatTheHashCovers(t *testing.T) {
	base := running().Plan().Hash
	covered := map[string]func(*Input){
		"route version": func(in *Input) { in.Current.RouteVersion++ },
		"commit":        func(in *Input) { in.Results["account"] = PreflightResult{SHA: newSHA} },
		"definition":    func(in *Input) { in.Spec.Description = "x" },
		"a variable": func(in *Input) {
			in.Spec.Services["account"] = sdp.ServiceSpec{Branch: "main", Variables: map[string]string{"A": ""}}
		},
		"secrets and files": func(in *Input) {
			s := in.Wanted["account"]
			s.Files = []settings.SealedFile{{Path: "/etc/x", Content: []byte{1}}}
			in.Wanted["account"] = s
		},
		"environment's version": func(in *Input) {
			s := in.Wanted["account"]
			s.EnvironmentVersion++
			in.Wanted["account"] = s
		},
		"whether it exists": func(in *Input) { in.Current = nil },
		"who answers":       func(in *Input) { in.Current.Services[0].Source = sdp.SourceOCP },
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
	for name, change := range map[string]func(*Input){
		"disk":           func(in *Input) { in.Nodes["micro-1"] = Node{DiskFree: 1} },
		"cached image":   func(in *Input) { in.Results["account"] = PreflightResult{SHA: oldSHA, Need: 1} },
		"free ports":     func(in *Input) { in.Port.Free = 9 },
		"liveness":       func(in *Input) { in.Problems = []Problem{{Code: "node-without-worker"}} },
		"order of reads": func(in *Input) { slices.Reverse(in.Current.Services) },
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
	in.Environment = []sdp.Difference{{What: "variable", Key: "A", Kind: sdp.Added}}
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
	for want, p := range map[string]Problem{
		"account: there is no branch x": {Service: "account", Detail: "there is no branch x"},
		"account is being deployed":     {Service: "account", Detail: "account is being deployed"},
		"no worker since 14:02":         {Detail: "no worker since 14:02"},
	} {
		if got := p.Text(); got != want {
			t.Errorf("%+v says %q, want %q", p, got, want)
		}
	}
}

func difference(what, key string, kind sdp.DifferenceKind, before, after string) sdp.Difference {
	return sdp.Difference{What: what, Key: key, Kind: kind, Before: before, After: after}
}
