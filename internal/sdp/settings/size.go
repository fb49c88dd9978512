package settings

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
)

// Bounds of what the container of one service can be given. All of it goes to the service's node in one message, for
// which Temporal has 2 MiB. On the way secrets and files grow by 16/9, because they are base64 within a sealed box that is
// base64 itself. The bounds are such that the largest environment, the largest sandbox and the largest service fit
// together: no setting has to look at the others.
const (
	MaxValue            = 32 << 10  // bytes of one variable or secret
	MaxFile             = 128 << 10 // bytes of one file
	MaxEnvironmentBytes = 512 << 10 // of all entries of an environment's version, as SizesOf counts them
	MaxEnvironmentKeys  = 500       // variables and secrets of an environment
	MaxOwnBytes         = 256 << 10 // of all variables and secrets of a sandbox, and of each service, as SizesOf counts them
	MaxVariables        = 200       // variables of a sandbox, and of each service; as many secrets
	MaxRepositoryBytes  = 16 << 10  // of the variables a repository gives its service in node.yaml, as SizesOf counts them
	MaxTargetURL        = 500       // bytes of the URL that answers for a service, as JSON has it
)

// fileOverhead is what a file needs on the way besides its path and its content, in bytes.
const fileOverhead = 32

// Entry is one of the things a service is given.
type Entry struct {
	Name string // "variable LEVEL", "file /etc/app/ca.pem"; never a value
	Size int    // bytes it has on the way, before they are sealed
}

// Sizes say how large entries are.
type Sizes []Entry

// SizesOf are the sizes of entries on their way to a node: variables as JSON has them, where a quote, a line break or a
// "<" is more than one byte; secrets as they are stored, which is some 70 bytes more than they have in clear; files with
// their paths.
func SizesOf(variables map[string]string, secrets map[string][]byte, files []SealedFile) Sizes {
	var s Sizes
	for key, value := range variables {
		s = append(s, Entry{"variable " + key, len(key) + JSONSize(value) + len(`"":,`)})
	}
	for key, sealed := range secrets {
		s = append(s, Entry{"secret " + key, len(key) + len(sealed)})
	}
	for _, f := range files {
		s = append(s, Entry{"file " + f.Path, JSONSize(f.Path) + f.Size + fileOverhead})
	}
	return s
}

// JSONSize is how many bytes a text has in JSON, its quotes included.
func JSONSize(text string) int {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be marshalled
	}
	return len(raw)
}

// Total is the sum of all entries, in bytes.
func (s Sizes) Total() int {
	total := 0
	for _, e := range s {
		total += e.Size
	}
	return total
}

// mostNamed is how many entries a message names.
const mostNamed = 5

// Largest names the largest entries, largest first: "file /etc/app/ca.pem (131072 bytes), secret TOKEN (32070), ...".
func (s Sizes) Largest() string {
	s = slices.SortedFunc(slices.Values(s), func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Name, b.Name))
	})
	var parts []string
	for i, e := range s[:min(len(s), mostNamed)] {
		unit := ""
		if i == 0 {
			unit = " bytes"
		}
		parts = append(parts, fmt.Sprintf("%s (%d%s)", e.Name, e.Size, unit))
	}
	if more := len(s) - mostNamed; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// checkGrowth returns an Invalid error if after is larger than the bound and than before: what was let in under other
// bounds can be made smaller in steps.
func checkGrowth(what string, before, after Sizes, bound int, remedy string) error {
	if after.Total() <= max(bound, before.Total()) {
		return nil
	}
	return sdp.Errorf(sdp.Invalid, "too-large", "%s would have %d bytes, %d are possible; the largest: %s", what,
		after.Total(), bound, after.Largest()).WithRemedy("%s", remedy)
}

// CheckOwnSize returns an Invalid error if the variables and secrets of whose sandbox or service would have more bytes
// together than fit. before is what it has now.
func CheckOwnSize(whose string, before, after OwnValues) error {
	return checkGrowth("the variables and secrets of "+whose, before.sizes(), after.sizes(), MaxOwnBytes,
		"shorten or remove some, or put what is large into an environment: as a secret there, or as a file")
}

func (v OwnValues) sizes() Sizes { return SizesOf(v.Variables, v.Secrets, nil) }

// With returns v with other values added. A key that is a variable of one replaces the secret of the same name in the
// other, and the other way round.
func (v OwnValues) With(more OwnValues) OwnValues {
	return OwnValues{merged(v.Variables, more.Variables, more.Secrets), merged(v.Secrets, more.Secrets, more.Variables)}
}

// merged is old with fresh added, and without those keys that hidden has.
func merged[V, H any](old, fresh map[string]V, hidden map[string]H) map[string]V {
	out := map[string]V{}
	maps.Copy(out, old)
	maps.DeleteFunc(out, func(key string, _ V) bool { _, gone := hidden[key]; return gone })
	maps.Copy(out, fresh)
	return out
}

// CheckRepositorySize returns an Invalid error if the variables that a repository gives its service are too many bytes.
func CheckRepositorySize(variables map[string]string) error {
	return checkGrowth("the variables of the repository", nil, SizesOf(variables, nil, nil), MaxRepositoryBytes,
		"shorten or remove some, or put what is large into an environment")
}

// Sizes are the sizes of what a service would be given, with the layer each comes from: what a higher layer hides does
// not count.
func (s Settings) Sizes() Sizes {
	var all Sizes
	for key, layer := range s.effective() {
		own := OwnValues{Variables: map[string]string{key: layer.Variables[key]}}
		if sealed, secret := layer.Secrets[key]; secret {
			own = OwnValues{Secrets: map[string][]byte{key: sealed}}
		}
		all = append(all, own.sizes().of(string(layer.Name)+" "+layer.Of)...)
	}
	return append(all, SizesOf(nil, nil, s.Files).of("environment "+s.Environment)...)
}

func (s Sizes) of(whose string) Sizes {
	for i := range s {
		s[i].Name += " of " + whose
	}
	return s
}
