package node

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sdp/internal/containers"
	"sdp/internal/docker"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestConfidential(t *testing.T) {
	c := wire.Confidential{Vars: map[string]string{"TOKEN": "s3cret-token"}, Files: []wire.ConfidentialFile{
		{Path: "/etc/b", Content: []byte("a-key-of-some-length\n")}, {Path: "/etc/a", Content: []byte{0, 0xff}}}}
	plain, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := wire.ParseConfidential(plain)
	got := Confidential{parsed}
	if err != nil || got.Vars["TOKEN"] != "s3cret-token" || len(got.Files) != 2 || !bytes.Equal(got.Files[1].Content, []byte{0, 0xff}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if files := got.files(); files[0].Path != "/etc/a" || files[1].Path != "/etc/b" {
		t.Errorf("files %+v", files)
	}
	if s := got.Secrets(); !slices.Contains(s, "s3cret-token") || !slices.Contains(s, "a-key-of-some-length") || len(s) != 2 {
		t.Errorf("secrets %q", s)
	}
	// What a server from before environments had files seals.
	if got, err := wire.ParseConfidential([]byte(`{"vars": "x", "TOKEN": "y"}`)); err != nil || got.Vars["vars"] != "x" || got.Vars["TOKEN"] != "y" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestConfidentialRefuses(t *testing.T) {
	for _, plain := range []string{`["s3cret"]`, `{"files": [{"path": "/etc/../x", "content": "s3cret"}]}`,
		`{"files": [{"path": "/etc/passwd", "content": "czNjcmV0"}]}`, `s3cret`,
		`{"files": [{"path": "/x", "content": ""}, {"path": "/x/y", "content": ""}]}`} {
		if _, err := wire.ParseConfidential([]byte(plain)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", plain, err)
		}
	}
}

func TestSecretContentsAreBounded(t *testing.T) {
	small, large := containers.File{Path: "/z", Content: []byte("certificate")}, containers.File{Path: "/a", Content: bytes.Repeat([]byte("x"), maxMaskedFiles)}
	got := contentsToMask([]containers.File{large, small, {Path: "/b", Content: []byte("true\n")}})
	if len(got) != 1 || got[0] != "certificate" {
		t.Errorf("%d contents, %.20q", len(got), got)
	}
}

// A container's limits are those of its deployment, and the node's where that says nothing.
func TestLimitsOfAContainer(t *testing.T) {
	d, err := docker.New("unix:///var/run/docker.sock", sdp.NewID("t"), "micro-1", netip.MustParsePrefix("10.214.128.0/18"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	n := New(Config{Name: "micro-1", Runtime: d, Limits: sdp.Limits{Memory: 512 << 20, CPUs: 1, PIDs: 512}})
	in := startInput()
	in.Limits = sdp.Limits{Memory: 64 << 20, PIDs: 32}
	spec, err := n.Containers.spec(t.Context(), in, repositoryWith(""), containers.Network{},
		Confidential{wire.Confidential{Files: []wire.ConfidentialFile{{Path: "/etc/x"}}}})
	if err != nil || spec.Memory != 64<<20 || spec.CPUs != 1 || spec.PIDs != 32 || len(spec.Files) != 1 {
		t.Errorf("spec %+v, %v", spec, err)
	}
}
