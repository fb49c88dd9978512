package settings

import (
	"errors"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

func TestSizesCountWhatTravels(t *testing.T) {
	for name, c := range map[string]struct {
		sizes Sizes
		want  int
	}{
		"plain variable":   {SizesOf(map[string]string{"KEY": "value"}, nil, nil), len(`"KEY":"value",`)},
		"escaped variable": {SizesOf(map[string]string{"KEY": "<\n\""}, nil, nil), len(`"KEY":"\u003c\n\"",`)},
		"secret":           {SizesOf(nil, map[string][]byte{"KEY": make([]byte, 100)}, nil), 103},
		"file":             {SizesOf(nil, nil, []SealedFile{{Path: "/a", Size: 100}}), 4 + 100 + fileOverhead},
	} {
		if got := c.sizes.Total(); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}

func TestLargestAreNamedFirst(t *testing.T) {
	s := SizesOf(map[string]string{"A": "hidden", "B": "hidden"}, map[string][]byte{"C": make([]byte, 500), "D": nil, "E": nil},
		[]SealedFile{{Path: "/etc/f", Size: 900}})
	got := s.Largest()
	if want := "file /etc/f (940 bytes), secret C (501), variable A (13), variable B (13), secret D (1), and 1 more"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func own(bytes int) OwnValues {
	return OwnValues{Secrets: map[string][]byte{"KEY": make([]byte, bytes-len("KEY"))}}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		before, after int
		fits          bool
	}{
		"the most":                {0, MaxOwnBytes, true},
		"one more":                {0, MaxOwnBytes + 1, false},
		"grows":                   {MaxOwnBytes + 5, MaxOwnBytes + 6, false},
		"made smaller in steps":   {MaxOwnBytes + 5, MaxOwnBytes + 4, true},
		"large and left as it is": {MaxOwnBytes + 5, MaxOwnBytes + 5, true},
	} {
		err := CheckOwnSize("service account", own(max(c.before, 3)), own(c.after))
		var e *sdp.Error
		switch {
		case c.fits && err == nil:
		case c.fits || !errors.As(err, &e) || e.Code != "too-large" || e.Kind != sdp.Invalid || e.Remedy == "":
			t.Errorf("%s: %v", name, err)
		case !strings.Contains(e.Detail, "service account") || !strings.Contains(e.Detail, "262144") ||
			!strings.Contains(e.Detail, "secret KEY ("):
			t.Errorf("%s: the error does not say whose, how much and what: %v", name, err)
		}
	}
	full := EnvironmentEntries{Files: []SealedFile{{Path: "/etc/f", Size: MaxEnvironmentBytes - 8 - fileOverhead}}}
	if err := CheckEnvironmentSize(EnvironmentEntries{}, full); err != nil {
		t.Error(err)
	}
	full.Variables = map[string]string{"A": ""}
	err := CheckEnvironmentSize(EnvironmentEntries{}, full)
	if sdp.KindOf(err) != sdp.Invalid || !strings.Contains(err.Error(), "file /etc/f") {
		t.Errorf("one more: %v", err)
	}
}

func TestOwnValuesReplaceEachOther(t *testing.T) {
	has := OwnValues{map[string]string{"A": "1", "B": "1"}, map[string][]byte{"C": {1}, "D": {1}}}
	got := has.With(OwnValues{map[string]string{"C": "2"}, map[string][]byte{"A": {2}}})
	if len(got.Variables) != 2 || got.Variables["B"] != "1" || got.Variables["C"] != "2" ||
		len(got.Secrets) != 2 || got.Secrets["A"][0] != 2 || got.Secrets["D"][0] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestSizesOfSettingsSayWhereEachIsFrom(t *testing.T) {
	s := Settings{Environment: "dev", Files: []SealedFile{{Path: "/f", Size: 300}}, Layers: []SealedLayer{
		{Name: LayerEnvironment, Of: "dev@3", Variables: map[string]string{"A": strings.Repeat("x", 200), "HIDDEN": "x"}},
		{Name: LayerService, Of: "account", Secrets: map[string][]byte{"HIDDEN": make([]byte, 90)}}}}
	want := "file /f of environment dev (336 bytes), variable A of environment dev@3 (207), secret HIDDEN of service account (96)"
	if got := s.Sizes().Largest(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
