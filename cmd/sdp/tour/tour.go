// Package tour is what `sdp up` does once everything runs: it signs in as the demo's user, deploys a feature branch into
// the sandbox "demo" unless it is there already, proves who answers, and says where everything is.
package tour

import (
	"context"
	"strings"
	"time"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/deploy/demo"
	"sdp/internal/sdp"
)

// Place says where the parts of the stack are. GitURL is "" without the demo.
type Place struct {
	Sandbox    string // name of the demo's sandbox, see SandboxName
	URL        string // API and dashboard
	TemporalUI string
	LogDir     string
	GitURL     string // of the demo's git server
	Clones     string // directory of the demo's clones
	Config     string // configuration file of the node that runs Go services
	// ServerConfig is the server's configuration file.
	ServerConfig string
}

// The demo's sandbox: one service from a feature branch behind the gateway, everything else from the shared environment.
const (
	service = "account"
	branch  = "feature/loyalty-points"
	gateway = "gateway"
)

// SandboxName is the name of the demo's sandbox in an instance. Containers are named after their sandbox, so that two
// instances on one Docker daemon need two names.
func SandboxName(instance string) string {
	if instance == "default" {
		return "demo"
	}
	return "demo-" + instance[strings.LastIndexByte(instance, '-')+1:]
}

// Run shows the user around. A deployment that fails is explained and is no error: the platform runs.
func Run(ctx context.Context, s *screen.Screen, at Place) error {
	if at.GitURL == "" {
		s.Printf("")
		showPlaces(s, at, "")
		return nil
	}
	t := &tour{screen: s, at: at}
	url, err := t.show(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop
	}
	if err != nil {
		s.Error(err)
		s.Notef("The platform runs; the demo can be repeated by hand.")
	}
	showPlaces(s, at, url)
	return nil
}

type tour struct {
	screen *screen.Screen
	at     Place
	client *apiclient.Client
}

// show returns the sandbox's URL, "" if there is none.
func (t *tour) show(ctx context.Context) (string, error) {
	if err := t.login(ctx); err != nil {
		return "", err
	}
	there, err := t.prepare(ctx)
	if err != nil || !there {
		return "", err
	}
	box, err := t.client.Sandbox(ctx, t.at.Sandbox)
	if err != nil {
		return "", err
	}
	return box.URL, t.prove(ctx, box)
}

// patience is how long the tour waits for something that comes up by itself.
const patience = 90 * time.Second

func (t *tour) login(ctx context.Context) error {
	var err error
	if t.client, err = apiclient.New(t.at.URL, ""); err != nil {
		return err
	}
	user := demo.Users()[0]
	return t.step(ctx, "sign in as "+user.Name, func(ctx context.Context) error {
		return retry(ctx, func() error {
			_, err := t.client.Login(ctx, user.Name, user.Password)
			return err
		})
	})
}

// prepare has the sandbox run what it should and reports whether there is one. What runs already is left alone, and
// so is what the user has changed.
func (t *tour) prepare(ctx context.Context) (bool, error) {
	box, err := t.client.Sandbox(ctx, t.at.Sandbox)
	switch {
	case err == nil && box.Deleting:
		return false, nil
	case err == nil:
		return true, t.resume(ctx, box)
	case sdp.KindOf(err) != sdp.NotFound:
		return false, err
	}
	if before, err := t.client.Deployments(ctx, apiclient.DeploymentFilter{Sandbox: t.at.Sandbox, Limit: 1}); err != nil {
		return false, err
	} else if len(before) > 0 {
		t.screen.Notef("The sandbox %q was deleted; it is not made again.", t.at.Sandbox)
		return false, nil
	}
	return true, t.create(ctx)
}

func (t *tour) create(ctx context.Context) error {
	var made rest.CreatedSandbox
	err := t.step(ctx, "sandbox "+t.at.Sandbox, func(ctx context.Context) (err error) {
		made, err = t.client.CreateSandbox(ctx, sdp.SandboxSpec{
			Name:        t.at.Sandbox,
			Description: "made by `sdp up`",
			Gateway:     &sdp.GatewaySpec{Branch: "main"},
			Services:    map[string]sdp.ServiceSpec{service: {Branch: branch}},
		})
		return err
	})
	if err != nil {
		return err
	}
	return t.follow(ctx, made.Deployments)
}

// resume follows what an earlier start left unfinished and repeats what had failed.
func (t *tour) resume(ctx context.Context, box rest.Sandbox) error {
	var unfinished []rest.Deployment
	var again []rest.DeployService
	for _, s := range box.Services {
		switch {
		case s.Latest == nil || s.Source != string(sdp.SourceSandbox):
		case !s.Latest.Settled:
			unfinished = append(unfinished, *s.Latest)
		case s.Serving == nil && s.Latest.State == sdp.DeployFailed:
			again = append(again, rest.DeployService{Service: s.Name, Branch: s.Branch})
		}
	}
	if len(again) > 0 {
		accepted, err := t.client.Deploy(ctx, t.at.Sandbox, rest.Deploy{Services: again})
		if err != nil {
			return err
		}
		unfinished = append(unfinished, accepted...)
	}
	if len(unfinished) == 0 {
		t.screen.Notef("The sandbox %s is as it was.", t.screen.Paint(screen.Bold, t.at.Sandbox))
		return nil
	}
	return t.follow(ctx, unfinished)
}

func (t *tour) follow(ctx context.Context, ds []rest.Deployment) error {
	t.screen.Notef("Deploying into the sandbox %s:", t.screen.Paint(screen.Bold, t.at.Sandbox))
	ended, err := cli.Follow(ctx, t.screen, t.client, ds)
	if err != nil {
		return err
	}
	if cli.Outcome(t.screen, ended) != nil {
		return sdp.Errorf(sdp.Failed, "demo-failed", "the demo was not deployed completely").
			WithRemedy("the reason is above; `sdp deploy %s %s@%s --wait` tries again", t.at.Sandbox, service, branch)
	}
	return nil
}

// step does something with a progress line.
func (t *tour) step(ctx context.Context, name string, do func(context.Context) error) error {
	p := t.screen.Progress()
	defer p.Close()
	since := time.Now()
	p.ShowStep(name)
	err := do(ctx)
	p.Show(name, nil)
	line := t.screen.Step(name, time.Since(since), "")
	if err != nil {
		line = t.screen.FailedStep(name, time.Since(since))
	}
	p.Line(line)
	return err
}

// retry calls try until it succeeds, fails for a reason that waiting does not mend, or patience is used up.
func retry(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try()
		if err == nil || (sdp.KindOf(err) != sdp.Unavailable && sdp.KindOf(err) != sdp.NotFound) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}
