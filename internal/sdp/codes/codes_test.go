package codes

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

// A code is a promise to scripts: each is listed with its meaning, and the list names none that no longer occurs.
func TestTheListHasTheCodesThatAreUsed(t *testing.T) {
	used := usedCodes(t)
	if len(used) < 100 {
		t.Fatalf("only %d codes were found: the search is broken", len(used))
	}
	for _, code := range used {
		if _, listed := Find(code); !listed {
			t.Errorf("%s is used and not in the list: say in internal/sdp/codes what it means and what to do", code)
		}
	}
	for _, c := range All() {
		if !slices.Contains(used, c.Code) {
			t.Errorf("%s is in the list and not used anywhere", c.Code)
		}
	}
}

func TestEachEntryIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.Code] || !form.MatchString(c.Code) {
			t.Errorf("%q is no code, or is listed twice", c.Code)
		}
		seen[c.Code] = true
		if !strings.HasSuffix(c.Meaning, ".") || c.Remedy == "" || strings.HasSuffix(c.Remedy, ".") || len(c.Kinds) == 0 {
			t.Errorf("%s: a sentence, what to do (no sentence) and a kind are needed: %+v", c.Code, c)
		}
		if strings.Count(c.Remedy, "`")%2 != 0 {
			t.Errorf("%s: a backquote is left open: %s", c.Code, c.Remedy)
		}
	}
}

func TestFind(t *testing.T) {
	c, found := Find("branch-not-found")
	if !found || c.Kinds[0] != sdp.NotFound || c.Command() != "sdp branches REPOSITORY" {
		t.Errorf("got %+v", c)
	}
	if _, found := Find("branch-not-foun"); found {
		t.Error("found what is not there")
	}
}

// docs/errors.md is written from the list: go test ./internal/sdp/codes -update.
func TestErrorsAreDocumented(t *testing.T) {
	const path = "../../../docs/errors.md"
	want := document()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("docs/errors.md is not what the list says (%v): go test ./internal/sdp/codes -update", err)
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, s := range Sections() {
		fmt.Fprintf(&b, "\n## %s\n\n| code | kind | meaning | what to do |\n|---|---|---|---|\n", s.Title)
		for _, c := range s.Codes {
			kinds := make([]string, len(c.Kinds))
			for i, k := range c.Kinds {
				kinds[i] = string(k)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Code, strings.Join(kinds, ", "), c.Meaning, c.Remedy)
		}
	}
	return b.String()
}

const introduction = `# Error codes

Written from internal/sdp/codes; do not edit it here.

Every error has a code that keeps its meaning, a kind that says what the caller can do, one sentence with the facts, and
where there is something to do a remedy. Scripts and agents decide by code and kind, people read the sentence.

| where | form |
|---|---|
| API | ` + "`application/problem+json` with `code`, `kind`, `detail`, `remedy`, `command`" + ` |
| a failed deployment or operation | ` + "its `failure`, with the same members and the `step`" + ` |
| ` + "`sdp -o json` and `-o ndjson`" + ` | the last line on standard error, a JSON object with the same members |
| ` + "`sdp`" + ` as text | the sentence, and below it the remedy |

` + "`command`" + ` is the command line in the remedy that can be run as it is. It is there only where that is harmless: it looks,
signs in, or removes what nothing needs. What deletes or stops something stays a decision of a person. Below, words in
capitals stand for names; the error itself has the names.

| kind | HTTP | the caller |
|---|---|---|
| ` + "`invalid`" + ` | 400 | sends something else; the same again is pointless |
| ` + "`unauthenticated`" + ` | 401 | signs in |
| ` + "`forbidden`" + ` | 403 | asks somebody who may |
| ` + "`not-found`" + ` | 404 | corrects the name |
| ` + "`conflict`" + ` | 409 | waits, or looks at the present state and decides anew |
| ` + "`failed`" + ` | 422 | mends its own code or files |
| ` + "`exhausted`" + ` | 507 | frees something, or asks the operator for more |
| ` + "`unavailable`" + ` | 503 | tries again later |
| ` + "`internal`" + ` | 500 | reports it to the operator |

` + "`sdp explain CODE`" + ` prints an entry of this list; ` + "`sdp explain -o json`" + ` all of it.
`
