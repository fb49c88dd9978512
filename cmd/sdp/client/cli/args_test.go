package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/clitest"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func TestParseServices(t *testing.T) {
	got, err := ParseServices([]string{"account@feature/a@b", "payment@" + clitest.Commit, "user@" + strings.ToUpper(clitest.Commit)})
	if err != nil {
		t.Fatal(err)
	}
	want := []rest.DeployService{{Service: "account", Branch: "feature/a@b"}, {Service: "payment", Commit: clitest.Commit},
		{Service: "user", Branch: strings.ToUpper(clitest.Commit)}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

func TestWrongServicesAreWrongUsage(t *testing.T) {
	for _, args := range [][]string{
		{"account"}, {"account@"}, {"@main"}, {"Account@main"}, {"a/../b@main"}, {"account@-x"}, {"account@a..b"},
		{"account@main", "account@other"}, {"account@a b"}, {strings.Repeat("a", 25) + "@main"},
	} {
		_, err := ParseServices(args)
		if !usage.Is(err) || sdp.AsError(err).Remedy == "" {
			t.Errorf("%q: got %v, want a wrong call with a remedy", args, err)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ParseSecrets([]string{"A=-", "B=@" + file, "C=in=line"}, strings.NewReader("line 1\nline 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"A": "line 1\nline 2", "B": "from file", "C": "in=line"} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}

func TestALargeSecretIsNotSaidToHaveASize(t *testing.T) {
	_, err := ParseSecrets([]string{"A=-"}, strings.NewReader(strings.Repeat("x", 100<<10)))
	if !usage.Is(err) || !strings.Contains(err.Error(), "holds more than 65536 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestWrongPairsAreWrongUsageAndNeverShowTheValue(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{
		{"hunter2"}, {"1A=hunter2"}, {"A=hunter2", "A=hunter2"}, {"A=-", "B=-"}, {"A=@" + missing}, {"=hunter2"}, {"EMPTY=-"},
	} {
		stdin := "hunter2"
		if args[0] == "EMPTY=-" {
			stdin = "\n"
		}
		_, err := ParseSecrets(args, strings.NewReader(stdin))
		if !usage.Is(err) {
			t.Errorf("%q: got %v, want a wrong call", args, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the value is shown: %v", err)
		}
	}
}
