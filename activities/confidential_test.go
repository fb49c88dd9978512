package activities

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sdp/internal/docker"
	"sdp/internal/sdp"
)

func TestConfidential(t *testing.T) {
	c := Confidential{Vars: map[string]string{"TOKEN": "s3cret-token"}, Files: []ConfidentialFile{
		{"/etc/b", []byte("a-key-of-some-length\n")}, {"/etc/a", []byte{0, 0xff}}}}
	plain, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseConfidential(plain)
	if err != nil || got.Vars["TOKEN"] != "s3cret-token" || len(got.Files) != 2 || !bytes.Equal(got.Files[1].Content, []byte{0, 0xff}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if files := got.files(); files[0].Path != "/etc/a" || files[1].Path != "/etc/b" {
		t.Errorf("files %+v", files)
	}
	if s := got.secrets(); !slices.Contains(s, "s3cret-token") || !slices.Contains(s, "a-key-of-some-length") || len(s) != 2 {
		t.Errorf("secrets %q", s)
	}
	// What a server from before environments had files seals.
	if got, err = parseConfidential([]byte(`{"vars": "x", "TOKEN": "y"}`)); err != nil || got.Vars["vars"] != "x" || got.Vars["TOKEN"] != "y" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestConfidentialRefuses(t *testing.T) {
	for _, plain := range []string{`["s3cret"]`, `{"files": [{"path": "/etc/../x", "content": "s3cret"}]}`,
		`{"files": [{"path": "/etc/passwd", "content": "czNjcmV0"}]}`, `s3cret`,
		`{"files": [{"path": "/x", "content": ""}, {"path": "/x/y", "content": ""}]}`} {
		if _, err := parseConfidential([]byte(plain)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", plain, err)
		}
	}
}

func TestSecretContentsAreBounded(t *testing.T) {
	small, large := docker.File{Path: "/z", Content: []byte("certificate")}, docker.File{Path: "/a", Content: bytes.Repeat([]byte("x"), maxMaskedFiles)}
	got := SecretContents([]docker.File{large, small, {Path: "/b", Content: []byte("true\n")}})
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
	h := &Host{Node: "micro-1", Docker: d, Limits: Limits{Memory: 512 << 20, CPUs: 1, PIDs: 512}}
	in := startInput()
	in.Limits = sdp.Limits{Memory: 64 << 20, PIDs: 32}
	spec, err := h.spec(t.Context(), in, repositoryWith(""), docker.Network{}, Confidential{Files: []ConfidentialFile{{"/etc/x", nil}}})
	if err != nil || spec.Memory != 64<<20 || spec.CPUs != 1 || spec.PIDs != 32 || len(spec.Files) != 1 {
		t.Errorf("spec %+v, %v", spec, err)
	}
}
