package settings

import (
	"fmt"
	"testing"

	"sdp/internal/sdp"
)

func layers() Settings {
	return Settings{Environment: "dev", EnvironmentVersion: 3, Layers: []SealedLayer{
		{Name: LayerRepository, Of: "account", Variables: map[string]string{"A": "repo", "B": "repo"}},
		{Name: LayerEnvironment, Of: "dev@3", Variables: map[string]string{"B": "env", "OPEN": "env"},
			Secrets: map[string][]byte{"HIDDEN": {1}, "TOKEN": {2}}, Context: "environment:7/"},
		{Name: LayerSandbox, Of: "box", Variables: map[string]string{"HIDDEN": "box"}, Context: "box//"},
		{Name: LayerService, Of: "account", Secrets: map[string][]byte{"OPEN": {3}}, Context: "box/account/"},
	}, Files: []SealedFile{{Path: "/x", Size: 1, Content: []byte{4}}}}
}

func TestHigherLayersWinWhateverTheKeyIs(t *testing.T) {
	s := layers()
	if got := fmt.Sprint(s.Variables()); got != "map[A:repo B:env HIDDEN:box]" {
		t.Error(got)
	}
	if got := fmt.Sprint(s.Secrets()); got != "map[OPEN:{[3] box/account/OPEN} TOKEN:{[2] environment:7/TOKEN}]" {
		t.Error(got)
	}
	want := "[{A repo false repository account []} {B env false environment dev@3 [{repository account false}]} " +
		"{HIDDEN box false sandbox box [{environment dev@3 true}]} {OPEN  true service account [{environment dev@3 false}]} " +
		"{TOKEN  true environment dev@3 []}]"
	if got := fmt.Sprint(s.Explain()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDigestIsOfWhatTheContainerGets(t *testing.T) {
	base := layers().Digest()
	for what, c := range map[string]struct {
		change func(*Settings)
		same   bool
	}{
		"a hidden variable": {func(s *Settings) { s.Layers[0].Variables["B"] = "other" }, true},
		"a hidden secret":   {func(s *Settings) { s.Layers[1].Secrets["HIDDEN"] = []byte{9} }, true},
		"the version":       {func(s *Settings) { s.EnvironmentVersion = 4 }, true},
		"a variable":        {func(s *Settings) { s.Layers[0].Variables["A"] = "other" }, false},
		"a secret":          {func(s *Settings) { s.Layers[1].Secrets["TOKEN"] = []byte{9} }, false},
		"a file":            {func(s *Settings) { s.Files[0].Content = []byte{9} }, false},
		"a path":            {func(s *Settings) { s.Files[0].Path = "/y" }, false},
		"a limit":           {func(s *Settings) { s.Limits.PIDs = 9 }, false},
		"a variable's secrecy": {func(s *Settings) {
			delete(s.Layers[0].Variables, "A")
			s.Layers[0].Secrets = map[string][]byte{"A": []byte("repo")}
		}, false},
	} {
		s := layers()
		c.change(&s)
		if got := s.Digest() == base; got != c.same {
			t.Errorf("%s: same digest is %v, want %v", what, got, c.same)
		}
	}
}

func TestEnvironmentDifferences(t *testing.T) {
	before := SealedLayer{Variables: map[string]string{"A": "1", "B": "1", "MOVED": "1"}, Secrets: map[string][]byte{"S": {1}, "T": {1}}}
	after := SealedLayer{Variables: map[string]string{"A": "1", "B": "2"}, Secrets: map[string][]byte{"S": {1}, "T": {2}, "MOVED": {3}}}
	got := fmt.Sprint(EnvironmentDifferences(before, after, []SealedFile{{Path: "/x", Content: []byte{1}}}, nil))
	want := "[{variable B changed 1 2} {variable MOVED removed 1 } {secret MOVED added  } {secret T changed  } {file /x removed  }]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Digests are stored with each deployment: if they came out differently, all that runs would be said to run with other
// settings than it has.
func TestDigestIsTheOneThatIsStored(t *testing.T) {
	s := Settings{Limits: sdp.Limits{CPUs: 0.5, Memory: 64 << 20, PIDs: 100}}
	if got, want := s.Digest(), "7753d4c680225b6f63ad56855b85512a7ececa1d3e23f9c02fabccaa0749ec3b"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}
