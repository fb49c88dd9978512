package client

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) sandbox() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "sandbox",
		Aliases: []string{"sandboxes"},
		Short:   "Create, list, show, change and delete sandboxes",
	}, a.sandboxCreate(), a.sandboxList(), a.sandboxShow(), a.sandboxURL(), a.sandboxSet(), a.sandboxExport(),
		a.sandboxClone(), a.sandboxDelete())
}

func (a *App) sandboxCreate() *cobra.Command {
	var flags createFlags
	var wait bool
	cmd := &cobra.Command{
		Use:   "create NAME [-f sandbox.yaml]",
		Short: "Create a sandbox",
		Long: `Create a sandbox: an isolated set of services with one URL. Services that are not mentioned are answered by the
shared environment (OCP).

The file says what should run where:

  sandbox: checkout            # the name; may be left out
  environment: dev             # variables injected into the services
  gateway: {branch: main}      # leave it out to have requests routed by path: /account/... -> account
  services:
    account: {branch: feature/loyalty-points}
    payment: {use_ocp: true}
    rates:   {url: http://rates.test.example.com}`,
		Example: `  sdp sandbox create checkout -f sandbox.yaml --wait
  sdp sandbox create checkout --gateway main --service account@feature/loyalty-points`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runSandboxCreate(cmd.Context(), args[0], flags, wait)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.file, "file", "f", "", "read the sandbox's definition from this YAML file")
	f.StringVar(&flags.gateway, "gateway", "", "run the API gateway from this branch")
	f.StringArrayVar(&flags.services, "service", nil, "run `SERVICE@BRANCH`; may be repeated")
	f.StringVar(&flags.environment, "environment", "", "name of the environment")
	f.StringVar(&flags.description, "description", "", "what the sandbox is for")
	f.BoolVar(&wait, "wait", false, "follow its deployments until they end")
	return cmd
}

func (a *App) runSandboxCreate(ctx context.Context, name string, flags createFlags, wait bool) error {
	in, err := a.createRequest(flags, name)
	if err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	out, err := c.CreateSandbox(ctx, in)
	if err != nil {
		return err
	}
	return a.followCreated(ctx, c, out, wait)
}

// followCreated ends a verb that made a sandbox: it follows the first deployments if it should, and shows what there is.
func (a *App) followCreated(ctx context.Context, c *apiclient.Client, out api.CreatedSandbox, wait bool) error {
	if !wait {
		return a.Screen.Data(out, func() { a.showCreated(out) })
	}
	name := out.Sandbox.Name
	a.Screen.Notef("Sandbox %s is created: %s", a.Screen.Paint(screen.Bold, name), out.Sandbox.URL)
	var err error
	if out.Operation, err = a.followOperation(ctx, c, out.Operation); err != nil {
		return err
	}
	ended, err := a.follow(ctx, c, out.Deployments)
	if err != nil {
		return err
	}
	out.Deployments = ended
	if out.Sandbox, err = c.Sandbox(ctx, name); err != nil {
		return err
	}
	if err := a.Screen.Data(out, func() { a.showSandbox(out.Sandbox) }); err != nil {
		return err
	}
	return a.outcome(ended)
}

func (a *App) showCreated(out api.CreatedSandbox) {
	a.Screen.Printf("Sandbox %s is created: %s", a.Screen.Paint(screen.Bold, out.Sandbox.Name), out.Sandbox.URL)
	if len(out.Deployments) > 0 {
		a.showAccepted(out.Deployments)
	}
	a.showAttention(out.Sandbox)
}

func (a *App) sandboxList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the sandboxes",
		Example: "  sdp sandbox list",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(a, cmd, (*apiclient.Client).Sandboxes, a.showSandboxes)
		},
	}
}

func (a *App) showSandboxes(list []api.Sandbox) {
	t := a.Screen.Table("SANDBOX", "STATE", "OWNER", "URL", "FROM BRANCHES", "CREATED")
	for _, s := range list {
		var own []string
		for _, service := range s.Services {
			if service.Source == string(sdp.SourceSandbox) {
				own = append(own, service.Name+"@"+cmp.Or(servingBranch(service), servingSHA(service), service.Branch))
			}
		}
		t.Row(s.Name, sandboxState(s), s.Owner, s.URL, strings.Join(own, " "), a.Screen.Age(s.CreatedAt))
	}
	t.Print("There is no sandbox. Create one: sdp sandbox create NAME")
	a.showAttention(list...)
}

func sandboxState(s api.Sandbox) screen.Cell {
	switch {
	case s.Deleting:
		return screen.Cell{Text: "DELETING", Style: screen.Yellow}
	case len(s.Attention) > 0:
		return screen.Cell{Text: s.State + " !", Style: screen.Yellow}
	case s.State == string(sdp.Active):
		return screen.Cell{Text: s.State, Style: screen.Green}
	default:
		return screen.Cell{Text: s.State, Style: screen.Dim}
	}
}

func (a *App) sandboxShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a sandbox and who answers for each of its services",
		Example: "  sdp sandbox show checkout",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectFor(args[0])
			if err != nil {
				return err
			}
			s, err := c.Sandbox(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(s, func() { a.showSandbox(s) })
		},
	}
}

func (a *App) sandboxURL() *cobra.Command {
	return &cobra.Command{
		Use:     "url NAME",
		Short:   "Print a sandbox's URL, for scripts",
		Example: `  curl -i "$(sdp sandbox url checkout)/account/42"`,
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectFor(args[0])
			if err != nil {
				return err
			}
			s, err := c.Sandbox(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(map[string]string{"url": s.URL}, func() { a.Screen.Printf("%s", s.URL) })
		},
	}
}

func (a *App) showSandbox(s api.Sandbox) {
	state := sandboxState(s)
	a.Screen.Printf("%s  %s  %s", a.Screen.Paint(screen.Bold, s.Name), a.Screen.Paint(state.Style, state.Text), s.URL)
	facts := []string{"owner " + s.Owner, "gateway " + gatewayText(s), "created " + a.Screen.Age(s.CreatedAt)}
	if s.Environment != "" {
		facts = append(facts, "environment "+s.Environment)
	}
	a.Screen.Printf("%s", strings.Join(facts, ", "))
	if s.Description != "" {
		a.Screen.Printf("%s", s.Description)
	}
	if s.PortNote != "" {
		a.Screen.Printf("%s %s", a.Screen.Paint(screen.Yellow, "port:"), s.PortNote)
	}
	a.Screen.Printf("")
	t := a.Screen.Table("SERVICE", "ANSWERED BY", "BRANCH", "COMMIT", "NODE", "LATEST DEPLOYMENT")
	for _, service := range s.Services {
		t.Row(service.Name, answeredBy(service), servingBranch(service), servingSHA(service), servingNode(service), latest(service))
	}
	t.Print("Every service is answered by the shared environment.")
	if len(s.Services) > 0 {
		a.Screen.Notef("Every other service is answered by the shared environment; `sdp routes %s` lists all.", s.Name)
	}
	a.showVariables(s.Services)
	for _, service := range s.Services {
		if service.Behind {
			a.Screen.Notef("%s runs with another version of environment %s than a restart would give it: `sdp restart %s %s`.",
				service.Name, s.Environment, s.Name, service.Name)
		}
	}
	a.showAttention(s)
}

func (a *App) sandboxDelete() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Aliases: []string{"rm"},
		Short:   "Delete a sandbox with its containers, networks and routes",
		Example: "  sdp sandbox delete checkout",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectFor(args[0])
			if err != nil {
				return err
			}
			op, err := c.DeleteSandbox(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.settle(cmd.Context(), c, op, wait, "Sandbox "+args[0]+" is deleted.")
		},
	}
	waitFlag(cmd, &wait)
	return cmd
}
