package sandbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

var expiryFlags = []string{"idle-after", "delete-after"}

// setFlags are the flags of `sdp sandbox set`.
type setFlags struct {
	description, environment string
	environmentVersion       int
	labels, env, secrets     []string
	unset, unsetLabels       []string
	cpus, totalCPUs          float64
	memory, totalMemory      string
	pids, totalPIDs          int64
	idleAfter, deleteAfter   time.Duration
	changed                  func(flag string) bool
}

func (a verbs) sandboxSet() *cobra.Command {
	var flags setFlags
	cmd := &cobra.Command{
		Use:   "set NAME [--env KEY=VALUE] [--secret KEY=-|KEY=@FILE] [--memory 512M] ...",
		Short: "Change a sandbox's settings without restarting anything",
		Long: `Change a sandbox's settings without restarting anything: what is not named stays as it is. Running containers keep what
they were started with; the command says which services are behind. "sdp restart", "sdp deploy" and "sdp apply" give them
the new settings.

--cpus, --memory and --pids bound each container, --total-cpus, --total-memory and --total-pids all of them together. 0, or
"" for an environment, takes a setting away. A secret's value on the command line is visible to everybody on this machine:
better give KEY=- to read it from standard input, or KEY=@FILE.`,
		Example: `  sdp sandbox set checkout --environment qa --label team=payments
  sdp sandbox set checkout --env LOG_LEVEL=debug --unset FEATURE_X
  pass show stripe | sdp sandbox set checkout --secret STRIPE_KEY=-
  sdp sandbox set checkout --memory 512M --total-memory 2G`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.changed = cmd.Flags().Changed
			return a.runSandboxSet(cmd.Context(), args[0], flags)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.description, "description", "", "what the sandbox is for")
	f.StringVar(&flags.environment, "environment", "", "name of the environment")
	f.IntVar(&flags.environmentVersion, "environment-version", 0, "stay at this version of the environment")
	f.StringArrayVar(&flags.labels, "label", nil, "set the label `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&flags.unsetLabels, "unset-label", nil, "remove the label `KEY`; may be repeated")
	f.StringArrayVar(&flags.env, "env", nil, "set the variable `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&flags.secrets, "secret", nil, "set a secret: `KEY=-` reads standard input, KEY=@FILE a file; may be repeated")
	f.StringArrayVar(&flags.unset, "unset", nil, "remove the variable or secret `KEY`; may be repeated")
	f.Float64Var(&flags.cpus, "cpus", 0, "CPUs of each container")
	f.StringVar(&flags.memory, "memory", "", "memory of each container, such as `512M`")
	f.Int64Var(&flags.pids, "pids", 0, "processes of each container")
	f.Float64Var(&flags.totalCPUs, "total-cpus", 0, "CPUs of all containers together")
	f.StringVar(&flags.totalMemory, "total-memory", "", "memory of all containers together, such as `2G`")
	f.Int64Var(&flags.totalPIDs, "total-pids", 0, "processes of all containers together")
	f.DurationVar(&flags.idleAfter, "idle-after", 0, "suspend after so long without a request, such as 72h")
	f.DurationVar(&flags.deleteAfter, "delete-after", 0, "delete so long after it was suspended")
	for _, flag := range expiryFlags { // kept for scripts that have them; nothing acts on them yet
		cobra.CheckErr(f.MarkHidden(flag))
	}
	return cli.Prints[rest.UpdatedSandbox](a.App, cmd)
}

func (a verbs) runSandboxSet(ctx context.Context, name string, flags setFlags) error {
	in, err := a.settingsRequest(flags)
	if err != nil {
		return err
	}
	c, err := a.ConnectFor(name)
	if err != nil {
		return err
	}
	if flags.bounds() { // limits and expiry are replaced as a whole
		now, err := c.Sandbox(ctx, name)
		if err != nil {
			return err
		}
		if in.Limits, in.Expiry, err = flags.limits(now); err != nil {
			return err
		}
		if slices.ContainsFunc(expiryFlags, flags.changed) {
			specfile.NoteExpiry(a.App, *in.Expiry)
		}
	}
	out, err := c.UpdateSandbox(ctx, name, in)
	if err != nil {
		return err
	}
	return a.Screen.Data(out, func() {
		a.Screen.Printf("The settings of %s are changed; nothing was restarted.", name)
		if len(out.Behind) > 0 {
			a.Screen.Printf("Behind, until they run anew: %s", strings.Join(out.Behind, ", "))
			a.Screen.Notef("For example: sdp restart %s %s", name, out.Behind[0])
		}
	})
}

func (a verbs) settingsRequest(f setFlags) (in rest.UpdateSandbox, err error) {
	any := false
	for _, flag := range []string{"description", "environment", "environment-version", "label", "unset-label", "env", "secret", "unset"} {
		any = any || f.changed(flag)
	}
	if !any && !f.bounds() {
		return in, usage.Errorf("`sdp sandbox set --help` lists what can be set", "nothing is to be set")
	}
	if f.changed("description") {
		in.Description = &f.description
	}
	if f.changed("environment") {
		in.Environment = &f.environment
	}
	if f.changed("environment-version") {
		in.EnvironmentVersion = &f.environmentVersion
	}
	if in.Labels, err = parseLabels(f.labels); err != nil {
		return in, err
	}
	if in.Variables, err = cli.ParseEnv(f.env); err != nil {
		return in, err
	}
	in.Unset, in.UnsetLabels = f.unset, f.unsetLabels
	in.Secrets, err = cli.ParseSecrets(f.secrets, a.In)
	return in, err
}

func parseLabels(args []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		if !found || key == "" {
			return nil, usage.Errorf("write --label KEY=VALUE", "%q is not a label", arg)
		}
		labels[key] = value
	}
	return labels, nil
}

// bounds reports whether limits or expiry are to be changed.
func (f setFlags) bounds() bool {
	for _, flag := range []string{"cpus", "memory", "pids", "total-cpus", "total-memory", "total-pids"} {
		if f.changed(flag) {
			return true
		}
	}
	return slices.ContainsFunc(expiryFlags, f.changed)
}

// limits are the sandbox's with what the flags change.
func (f setFlags) limits(now rest.Sandbox) (*sdp.SandboxLimits, *sdp.Expiry, error) {
	limits, expiry := now.Limits, now.Expiry
	var err error
	if limits.Container, err = f.bound(limits.Container, "", f.cpus, f.memory, f.pids); err != nil {
		return nil, nil, err
	}
	if limits.Total, err = f.bound(limits.Total, "total-", f.totalCPUs, f.totalMemory, f.totalPIDs); err != nil {
		return nil, nil, err
	}
	if f.changed("idle-after") {
		expiry.IdleAfter = sdp.SpanOf(f.idleAfter)
	}
	if f.changed("delete-after") {
		expiry.DeleteAfter = sdp.SpanOf(f.deleteAfter)
	}
	return &limits, &expiry, nil
}

func (f setFlags) bound(next sdp.Limits, prefix string, cpus float64, memory string, pids int64) (sdp.Limits, error) {
	if f.changed(prefix + "cpus") {
		next.CPUs = cpus
	}
	if f.changed(prefix + "memory") {
		bytes, err := sdp.ParseBytes(memory)
		if err != nil {
			return next, usage.Wrap(err)
		}
		next.Memory = sdp.Bytes(bytes)
	}
	if f.changed(prefix + "pids") {
		next.PIDs = pids
	}
	return next, nil
}
