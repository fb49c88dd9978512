package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/spf13/cobra"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/cmd/sdp/client"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/role"
	"sdp/cmd/sdp/screen"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/secret"
)

// program is the tree of all verbs.
func program(s *screen.Screen, format screen.Format) (*cobra.Command, *cli.App) {
	app := &cli.App{Screen: s}
	root := &cobra.Command{Use: "sdp", SilenceErrors: true, SilenceUsage: true}
	root.AddGroup(&cobra.Group{ID: client.Group}, &cobra.Group{ID: role.Group})
	root.AddCommand(slices.Concat(client.Commands(app), role.Commands(app), Commands(app))...)
	s.Format = format
	return root, app
}

// leaves are the verbs that do something themselves.
func leaves(cmd *cobra.Command) []*cobra.Command {
	if !cmd.HasSubCommands() {
		if cmd.Runnable() {
			return []*cobra.Command{cmd}
		}
		return nil // a topic of the help
	}
	var list []*cobra.Command
	for _, below := range cmd.Commands() {
		list = append(list, leaves(below)...)
	}
	return list
}

// Whoever adds a verb says what it prints: a type, or that it is text only.
func TestEachVerbSaysWhatItPrints(t *testing.T) {
	root, app := program(&screen.Screen{}, screen.Text)
	for _, cmd := range leaves(root) {
		if _, declared := app.Output(cmd); !declared {
			t.Errorf("`%s` does not say what it prints: cli.Prints[T], cli.Follows[T], or cli.PrintsText", cmd.CommandPath())
		}
		if waits := cmd.Flags().Lookup("wait") != nil || cmd.Flags().Lookup("follow") != nil && pathOf(cmd) != "sandbox clone"; waits {
			if out, _ := app.Output(cmd); !out.Follows {
				t.Errorf("`%s` waits and has no -o ndjson", cmd.CommandPath())
			}
		}
	}
}

// check compares what was printed with the schema of the verb. Here, other members than those declared are wrong.
func check(s Schema, raw []byte) error {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return fmt.Errorf("%w: %s", err, raw)
	}
	var problems []error
	for _, schema := range s.AnyOf {
		result := &huma.ValidateResult{}
		huma.Validate(s.registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, result)
		if len(result.Errors) == 0 {
			return nil
		}
		problems = append(problems, result.Errors...)
	}
	return fmt.Errorf("%v\n%s", problems, raw)
}

// shell runs verbs against a server under test and checks all they print.
type shell struct {
	t     *testing.T
	bed   *apitest.Bed
	seen  map[string]bool
	stdin string
}

func (x *shell) run(format screen.Format, args ...string) ([]byte, error) {
	x.t.Helper()
	var out, errs bytes.Buffer
	root, app := program(&screen.Screen{Out: &out, Err: &errs, Now: time.Now, Width: func() int { return 80 }}, format)
	app.Server, app.In = x.bed.URL, strings.NewReader(x.stdin)
	root.SetArgs(args)
	cmd, _, err := root.Find(args)
	if err != nil {
		x.t.Fatal(err)
	}
	err = root.ExecuteContext(x.t.Context())
	output, _ := app.Output(cmd)
	if err == nil {
		x.seen[pathOf(cmd)] = true
		if wrong := check(SchemaOf(pathOf(cmd), output, screen.JSON), out.Bytes()); wrong != nil && !output.Lines {
			x.t.Errorf("sdp %s: %v", strings.Join(args, " "), wrong)
		}
	}
	return out.Bytes(), err
}

// json runs a verb with -o json; {1} in its arguments is what was found at a path of an earlier answer.
func (x *shell) json(args ...string) (answer map[string]any) {
	x.t.Helper()
	raw, err := x.run(screen.JSON, args...)
	if err != nil {
		x.t.Fatalf("sdp %s: %v", strings.Join(args, " "), err)
	}
	_ = json.Unmarshal(raw, &answer) // a list is looked at by nobody
	return answer
}

func TestWhatVerbsPrintFitsTheirSchemas(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	x := &shell{t: t, bed: apitest.New(t), seen: map[string]bool{}}
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	x.bed.Engine.Answer(func(r *planning.PreflightResult) { r.SHA, r.Cached = commit, true })
	x.stdin = apitest.Password + "\n"
	x.json("login", "-u", apitest.User, "--password-stdin")
	x.stdin = ""
	box := file("sandbox.yaml", "sandbox: box\nenvironment: dev\ngateway: {branch: main}\nservices:\n  account: {branch: main}\n")
	fresh := file("fresh.yaml", "sandbox: fresh\nservices:\n  account: {branch: main}\n")
	dotenv := file(".env", "A=1\n")
	template := file("template.yaml", "parameters: {branch: {default: main}}\nsandbox:\n  services:\n    account: {branch: \"${branch}\"}\n")
	for _, line := range []string{
		"whoami", "nodes", "ports", "repos", "branches account", "env list", "env create qa A=1", "env set qa B=2", "env unset qa B",
		"env import qa " + dotenv, "env versions qa", "env diff qa", "env usage qa", "env show qa", "env redeploy qa", "env delete qa",
		"sandbox create box -f " + box, "sandbox list", "sandbox show box", "sandbox url box", "sandbox set box --env X=1",
		"sandbox export box", "env explain box account", "history", "routes box", "traffic box", "audit -n 5", "events", "track list",
		"track on box account", "track off box account", "track credential store", "track credential show", "track credential delete",
		"template create shop -f " + template, "template list", "template show shop", "template export shop",
		"template update shop -f " + template, "template use shop other", "template use shop third --render", "template delete shop",
		"route box account ocp --wait=false", "schema", "explain", "explain usage", "images list", "images prune --dry-run",
		"trace box /", "plan -f " + fresh, "apply -f " + fresh + " --wait=false",
	} {
		x.json(strings.Fields(line)...)
	}
	x.operations()
	x.bed.Register("spare-1", sdp.Micro)
	for _, line := range []string{"node cordon spare-1", "node uncordon spare-1", "node drain spare-1", "node remove spare-1"} {
		x.json(strings.Fields(line)...)
	}
	x.keys(file("codec.keys", ""))
	x.json("logout")
	root, app := program(&screen.Screen{}, screen.Text)
	for _, cmd := range leaves(root) {
		if out, _ := app.Output(cmd); out.Type != nil && x.seen[pathOf(cmd)] == (elsewhere[pathOf(cmd)] != "") {
			t.Errorf("`%s` was checked: %v, exempted: %q", cmd.CommandPath(), x.seen[pathOf(cmd)], elsewhere[pathOf(cmd)])
		}
	}
}

// elsewhere are the verbs whose output is not checked here, and why.
var elsewhere = map[string]string{
	"migrate":       "needs a database of its own; prints a constant",
	"keys reseal":   "needs a server's configuration and database",
	"images import": "needs Docker",
	"node token":    "needs a server's configuration",
}

// operations are verbs about services that run.
func (x *shell) operations() {
	x.t.Helper()
	x.json("sandbox", "create", "shop", "--service", "account@main")
	raw, err := x.run(screen.JSON, "deploy", "shop", "payment@main")
	var deployments []rest.Deployment
	if err != nil || json.Unmarshal(raw, &deployments) != nil {
		x.t.Fatalf("%v: %s", err, raw)
	}
	serve(x.t, x.bed, deployments[0])
	for _, line := range []string{
		"restart shop payment --wait=false", "stop shop payment --wait=false", "logs shop/payment", "snapshot create shop now", "snapshot list",
		"snapshot show shop/now", "snapshot diff shop/now", "sandbox clone shop mine --dry-run", "sandbox clone shop mine --wait=false",
		"snapshot restore shop/now --to then --wait=false", "snapshot delete shop/now", "sandbox touch shop --wait=false",
		"sandbox delete shop --wait=false",
	} {
		x.json(strings.Fields(line)...)
	}
	raw, err = x.run(screen.JSON, "deploy", "box", "user@main")
	if err != nil || json.Unmarshal(raw, &deployments) != nil {
		x.t.Fatalf("%v: %s", err, raw)
	}
	x.json("cancel", deployments[0].ID, "--wait=false")
}

const commit = "3f2a9c1d0b7e4f5a6b7c8d9e0f1a2b3c4d5e6f70"

// serve brings a deployment to RUNNING.
func serve(t *testing.T, bed *apitest.Bed, d rest.Deployment) {
	t.Helper()
	ctx := t.Context()
	for _, step := range []func() error{
		func() error { return bed.DB.SetState(ctx, d.ID, sdp.Fetching, postgres.StateChange{SHA: commit}) },
		func() error {
			return bed.DB.SetState(ctx, d.ID, sdp.StartingContainer, postgres.StateChange{SHA: commit, Image: "sdp/x:1"})
		},
		func() error {
			return bed.DB.PutContainer(ctx, sdp.Container{Deployment: d.ID, Sandbox: d.Sandbox, Service: d.Service, Node: d.Node,
				DockerID: "c1", Address: "10.213.0.5:8080", SHA: commit, Image: "sdp/x:1", State: sdp.Starting})
		},
		func() error { _, err := bed.DB.Serve(ctx, d.ID); return err },
		func() error { return bed.DB.Confirm(ctx, d.ID) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// keys are the verbs about a key file.
func (x *shell) keys(file string) {
	x.t.Helper()
	if err := os.Remove(file); err != nil {
		x.t.Fatal(err)
	}
	made, err := secret.LoadCodecKeys(file)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, line := range []string{"keys list ", "keys prepare ", "keys rotate "} {
		x.json(strings.Fields(line + file)...)
	}
	x.json("keys", "retire", file, made.Keys()[0].ID, "--force")
}
