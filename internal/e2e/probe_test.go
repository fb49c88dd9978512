package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

// probeRepository is a service that says what it finds: hashes of its variables and of a file it is asked about.
var probeRepository = repository{
	name:   "probe",
	config: "kind: go, port: 8080, health: /healthz, env: {vars: {ORIGIN: repository, SHARED: repository}}",
	main:   files{"go.mod": "module probe\n\ngo 1.21\n", "main.go": probeSource},
	branches: map[string]files{
		"feature/other":  {"note.go": "package main\n\nvar _ = 2\n"},
		"feature/broken": {"note.go": "package main\n\nvar broken int = \"not a number\"\n"},
	},
}

// probed is what the probe answers.
type probed struct {
	SHA  string
	Env  map[string]string // hash by name
	File struct {
		Hash     string // "" = it cannot be read
		Mode     string
		Writable bool
	}
}

const probeSource = `package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

func hash(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:])
}

type answer struct {
	SHA  string
	Env  map[string]string
	File struct {
		Hash     string
		Mode     string
		Writable bool
	}
}

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a := answer{SHA: os.Getenv("SDP_SHA"), Env: map[string]string{}}
		for _, entry := range os.Environ() {
			key, value, _ := strings.Cut(entry, "=")
			a.Env[key] = hash([]byte(value))
		}
		path := r.URL.Query().Get("file")
		if content, err := os.ReadFile(path); err == nil {
			a.File.Hash = hash(content)
		}
		if info, err := os.Stat(path); err == nil {
			a.File.Mode = info.Mode().String()
		}
		if f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err == nil {
			a.File.Writable = true
			f.Close()
		}
		json.NewEncoder(w).Encode(a)
	})
	fmt.Println(http.ListenAndServe(":8080", nil))
	os.Exit(1)
}
`

// probe asks the probe of a sandbox, by path.
func probe(t *testing.T, url, file string) probed {
	t.Helper()
	a := wantAnswer(t, url+"/probe/?file="+file, 200, "probe=sandbox@")
	var p probed
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("the probe answers %q: %v", a.body, err)
	}
	return p
}

// wantEnv wants the probe to have found values: "" = the variable is not there.
func (p probed) wantEnv(t *testing.T, values map[string]string) {
	t.Helper()
	for key, value := range values {
		got, found := p.Env[key]
		switch {
		case value == "" && found:
			t.Errorf("%s is set, want it to be absent", key)
		case value != "" && !found:
			t.Errorf("%s is not set, want %q", key, value)
		case value != "" && got != digest(value):
			t.Errorf("%s is not %q", key, value)
		}
	}
}

func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// branch is a branch of the test's own that it moves, breaks and removes.
type branch struct {
	site *site
	repo string
	name string
	dir  string // clone
}

// newBranch pushes a branch that starts at main.
func (s *site) newBranch(t *testing.T, repo string) *branch {
	t.Helper()
	b := &branch{site: s, repo: repo, name: "feature/" + strings.ToLower(sdp.NewID("own-")), dir: filepath.Join(t.TempDir(), repo)}
	if err := git("", "clone", "-q", s.git.as("alice", "alice-demo", repo), b.dir); err != nil {
		t.Fatal(err)
	}
	b.push(t, files{})
	return b
}

// push commits changes, if there are any, and moves the branch there. It returns the commit.
func (b *branch) push(t *testing.T, changes files) string {
	t.Helper()
	var err error
	if len(changes) > 0 {
		err = commit(b.dir, changes)
	}
	if err := errors.Join(err, git(b.dir, "push", "-q", "origin", "HEAD:refs/heads/"+b.name)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(command(t, b.dir, "git", "rev-parse", "HEAD"))
}

func (b *branch) remove(t *testing.T) {
	t.Helper()
	if err := git(b.dir, "push", "-q", "origin", ":refs/heads/"+b.name); err != nil {
		t.Fatal(err)
	}
}

// define writes a sandbox.yaml and returns its path.
func define(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sandbox.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
