package journal

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// open returns a journal of an empty state and the state that its changes make.
func open(t *testing.T) (j *Journal, now *wire.RouterState) {
	t.Helper()
	now = &wire.RouterState{}
	j = New(filepath.Join(t.TempDir(), "router.state"), func() iter.Seq[wire.RouterChange] {
		return func(yield func(wire.RouterChange) bool) {
			for name, table := range now.Tables {
				if !yield(table1(name, &table)) {
					return
				}
			}
		}
	})
	if err := j.Rewrite(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j, now
}

func table1(sandbox string, t *wire.RoutingTable) wire.RouterChange {
	return wire.RouterChange{Tables: map[string]*wire.RoutingTable{sandbox: t}}
}

func put(t *testing.T, j *Journal, now *wire.RouterState, c wire.RouterChange) {
	t.Helper()
	if err := j.Append(c); err != nil {
		t.Fatal(err)
	}
	now.Change(c)
}

func wantState(t *testing.T, path string, want wire.RouterState) {
	t.Helper()
	if got, err := Read(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("read\n%+v, %v\nwant\n%+v", got, err, want)
	}
}

// Wherever the writing of a change breaks off, the state is the one before it.
func TestBrokenOff(t *testing.T) {
	j, now := open(t)
	put(t, j, now, table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 1}))
	put(t, j, now, table1("gone", &wire.RoutingTable{Sandbox: "gone", Version: 1}))
	before, whole := clone(t, *now), j.size
	put(t, j, now, wire.RouterChange{Tokens: &wire.MeshTokens{Current: "new"}, Tables: map[string]*wire.RoutingTable{"gone": nil,
		"shop": {Sandbox: "shop", Version: 2}}})
	wantState(t, j.path, *now)
	raw, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	for size := int(whole); size < len(raw); size++ {
		for _, rest := range []string{"", strings.Repeat("\x00", len(raw)-size)} { // as a file system may leave it
			if err := os.WriteFile(j.path, append(bytes.Clone(raw[:size]), rest...), 0o600); err != nil {
				t.Fatal(err)
			}
			wantState(t, j.path, before)
		}
	}
}

func clone(t *testing.T, s wire.RouterState) wire.RouterState {
	t.Helper()
	tables := map[string]wire.RoutingTable{}
	for name, table := range s.Tables {
		tables[name] = table
	}
	s.Tables = tables
	return s
}

// What is damaged where nothing was being written is an error, and what comes before it is there.
func TestDamaged(t *testing.T) {
	j, now := open(t)
	put(t, j, now, table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 1}))
	before, at := clone(t, *now), j.size
	put(t, j, now, table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 2}))
	put(t, j, now, table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 3}))
	raw, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	raw[at+20]++
	if err := os.WriteFile(j.path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(j.path); err == nil || !reflect.DeepEqual(got, before) {
		t.Errorf("read %+v, %v", got, err)
	}
	for _, content := range []string{`{"Format":1,"Tab`, "nonsense\n", "{}"} {
		if err := os.WriteFile(j.path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(j.path); err == nil || !reflect.DeepEqual(got, wire.RouterState{}) {
			t.Errorf("of %q was read %+v, %v", content, got, err)
		}
	}
	newer, err := encode(wire.RouterChange{Format: wire.RouterStateFormat + 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.path, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(j.path); sdp.AsError(err).Code != "newer-format" {
		t.Errorf("a newer file: %v", err)
	}
}

// A change that could not be written is not in the file, and the next one is.
func TestFailedAppend(t *testing.T) {
	j, now := open(t)
	put(t, j, now, table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 1}))
	j.file.Close() // writing fails
	if err := j.Append(table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 2})); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("error is %v", err)
	}
	wantState(t, j.path, *now)
	put(t, j, now, table1("shop", &wire.RoutingTable{Sandbox: "shop", Version: 3}))
	wantState(t, j.path, *now)
}

// The file does not grow with what happens, and to shorten it is not done often.
func TestGrowth(t *testing.T) {
	j, now := open(t)
	table := wire.RoutingTable{Sandbox: "shop", Gateway: strings.Repeat("x", 10_000)}
	rewritten := 0
	for range 1000 {
		table.Version++
		put(t, j, now, table1("shop", &table))
		if j.Grown() {
			rewritten++
			if err := j.Rewrite(); err != nil {
				t.Fatal(err)
			}
			wantState(t, j.path, *now)
		}
	}
	if info, err := os.Stat(j.path); err != nil || info.Size() > slack+50_000 || rewritten > 10 {
		t.Errorf("after 1000 changes of 10 kB: %v, %v, written anew %d times", info.Size(), err, rewritten)
	}
}

// The file of a router that had no journal yet is read.
func TestReadsYesterday(t *testing.T) {
	s, err := Read("../../wire/testdata/router/state.json")
	if err != nil || s.Tables["shop"].Version != 7 || s.Tokens.Current != "new" || s.Targets["d-2"].Down == "" || len(s.Networks) != 1 {
		t.Errorf("read %+v, %v", s, err)
	}
	if s, err := Read(filepath.Join(t.TempDir(), "none")); err != nil || !reflect.DeepEqual(s, wire.RouterState{}) {
		t.Errorf("without a file: %+v, %v", s, err)
	}
}
