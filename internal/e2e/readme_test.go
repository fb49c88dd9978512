package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeOwnRepository does what the README tells a newcomer: it runs the five lines of "Your own repository in five
// lines" exactly as they are printed. Only the settings above them get this installation's values.
func TestReadmeOwnRepository(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks(t, string(raw), "Your own repository in five lines")
	if len(blocks) != 2 {
		t.Fatalf("the section has %d sh blocks, want the settings and the lines", len(blocks))
	}
	settings, lines := blocks[0], blocks[1]
	if n := strings.Count(lines, "\n"); n != 5 {
		t.Errorf("the five lines are %d:\n%s", n, lines)
	}
	repo := ownRepository(t)
	settings = set(t, settings, "REPO", repo)
	settings = set(t, settings, "NAME", "readme")
	settings = set(t, settings, "DATA", stack.data)
	settings = set(t, settings, "GIT", strings.Replace(stack.git, "http://", "http://alice:alice-demo@", 1)+"/scm/team")

	out := runShell(t, settings+lines)
	t.Cleanup(func() { sdpOK(t, "sandbox", "delete", "readme", "--wait") })
	head := strings.TrimSpace(command(t, repo, "git", "rev-parse", "HEAD"))
	for _, want := range []string{"HTTP/1.1 200 OK", "X-SDP-Route: readme=sandbox@" + head[:12], "feature/own at " + head} {
		if !strings.Contains(out, want) {
			t.Errorf("the last line did not print %q:\n%s", want, out)
		}
	}
	url := strings.TrimSpace(sdpOK(t, "sandbox", "url", "readme"))
	wantAnswer(t, url+"/readme/", 200, "readme=sandbox@"+head[:12], "feature/own at "+head)
}

// shellBlocks returns the sh blocks of a README section.
func shellBlocks(t *testing.T, readme, title string) []string {
	t.Helper()
	_, section, found := strings.Cut(readme, "\n## "+title+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// set gives a variable of the settings another value. It must be one of them.
func set(t *testing.T, settings, name, value string) string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + name + `=.*$`)
	if !line.MatchString(settings) {
		t.Fatalf("the README's settings do not have %s:\n%s", name, settings)
	}
	return line.ReplaceAllLiteralString(settings, name+"='"+value+"'")
}

// ownRepository is a repository nobody here knows, on a feature branch.
func ownRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module own\n\ngo 1.21\n")
	write(t, dir, "main.go", `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s at %s\n", os.Getenv("SDP_BRANCH"), os.Getenv("SDP_SHA"))
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
`)
	command(t, dir, "git", "init", "-q", "-b", "feature/own")
	command(t, dir, "git", "add", ".")
	command(t, dir, "git", "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "-m", "Answer")
	return dir
}

// runShell runs a script as a newcomer's shell would, signed in and with sdp in PATH.
func runShell(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(stack.binary)+":"+os.Getenv("PATH"), "XDG_CONFIG_HOME="+stack.home,
		"NO_COLOR=1", "GIT_TERMINAL_PROMPT=0")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the README's lines ended with %v:\n%s\n%s", err, script, out)
	}
	return string(out)
}
