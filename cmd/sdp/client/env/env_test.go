package env

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"sdp/api/apitest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/clitest"
	"sdp/internal/sdp"
)

// terminal runs verbs against a server under test.
type terminal struct {
	t     *testing.T
	app   *cli.App
	out   *bytes.Buffer
	stdin string
}

func newTerminal(t *testing.T) *terminal {
	bed := apitest.New(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	sessions, err := cli.OpenSessions()
	if err == nil {
		err = sessions.Put(cli.Normal(bed.URL), cli.Session{User: apitest.User, Token: bed.Token(), ExpiresAt: time.Now().Add(time.Hour)})
	}
	if err != nil {
		t.Fatal(err)
	}
	s, out := clitest.Screen()
	return &terminal{t: t, app: &cli.App{Screen: s}, out: out}
}

// run returns what a verb printed.
func (x *terminal) run(args ...string) (string, error) {
	x.t.Helper()
	x.out.Reset()
	x.app.In = strings.NewReader(x.stdin)
	root := &cobra.Command{Use: "sdp", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(Command(x.app))
	root.SetArgs(args)
	err := root.ExecuteContext(x.t.Context())
	return x.out.String(), err
}

func (x *terminal) want(part string, args ...string) string {
	x.t.Helper()
	out, err := x.run(args...)
	if err != nil || !strings.Contains(out, part) {
		x.t.Fatalf("sdp %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, part)
	}
	return out
}

func (x *terminal) wantError(code, part string, args ...string) {
	x.t.Helper()
	out, err := x.run(args...)
	var e *sdp.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Error(), part) || strings.Contains(out+e.Error(), "Marker") {
		x.t.Errorf("sdp %s: got %v, want %s: %s", strings.Join(args, " "), err, code, part)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnvironmentsFromTheCommandLine(t *testing.T) {
	x := newTerminal(t)
	ca := write(t, "ca.pem", "file-Marker")
	x.stdin = "token-Marker\n"
	x.want("Environment qa is created", "env", "create", "qa", "LEVEL=info", "--secret", "TOKEN=-", "--file", "/etc/app/ca.pem="+ca)
	for _, part := range []string{"LEVEL", "variable", "TOKEN", masked, "/etc/app/ca.pem", "11 B"} {
		if out := x.want(part, "env", "show", "qa"); strings.Contains(out, "Marker") {
			t.Errorf("a secret is shown:\n%s", out)
		}
	}
	x.want("at version 2", "env", "set", "qa", "LEVEL=debug", "--note", "louder")
	x.want("stays at version 2", "env", "set", "qa", "LEVEL=debug", "--secret", "TOKEN=token-Marker")
	x.want("louder", "env", "versions", "qa")
	x.want("changed", "env", "diff", "qa")
	x.want("They do not differ", "env", "diff", "qa", "2", "2")
	x.want("qa", "env", "list")
	x.want("at version 3", "env", "unset", "qa", "LEVEL", "--file", "/etc/app/ca.pem")
	x.want("used by no sandbox", "env", "usage", "qa")
	x.want("Nothing is behind", "env", "redeploy", "qa")
	x.wantError("environment-changed", "sdp env diff", "env", "set", "qa", "A=1", "--if-version", "2")
	x.wantError("unknown-environment", `did you mean "qa"`, "env", "show", "qq")
	x.want("Environment qa is deleted", "env", "delete", "qa")
}

func TestImportOfAnEnvFile(t *testing.T) {
	x := newTerminal(t)
	file := write(t, ".env", "export LEVEL=info\nPASSWORD='pass-Marker'\nPEM=\"-----\nMarker\n-----\"\n")
	x.wantError("unknown-environment", "sdp env create", "env", "import", "qa", file)
	x.want("version 1; the file has 1 variable and 2 secrets", "env", "import", "qa", file, "--create", "--secret", "PASSWORD", "--secret", "PEM")
	if out := x.want("LEVEL", "env", "show", "qa"); strings.Contains(out, "Marker") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	again := write(t, "again.env", "LEVEL=debug\nPASSWORD=other-Marker\n")
	x.want("version 2; the file has 1 variable and 1 secret.", "env", "import", "qa", again) // what is a secret stays one
	if out := x.want("debug", "env", "show", "qa"); strings.Contains(out, "Marker") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	x.stdin = "A=Marker\n"
	x.want("version 3; the file has 0 variables and 1 secret.", "env", "import", "qa", "-", "--secrets")
	bad := write(t, "bad.env", "A=1\nB=\"Marker\nC=2\n")
	x.wantError("bad-dotenv", "bad.env:2: B has no closing", "env", "import", "qa", bad)
	x.wantError("usage", "the file does not set it", "env", "import", "qa", again, "--secret", "OTHER")
	x.wantError("usage", "sets nothing", "env", "import", "qa", write(t, "empty.env", "# nothing\n"))
	x.want("version 3", "env", "show", "qa") // nothing of it was imported
}
