package wire_test

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/wire"
)

// messages is everything that Temporal keeps or that nodes and the server send each other, by the name of its files in
// testdata: "today" has what is written now, "before" what was written before messages had a package, where they existed.
func messages() map[string]any {
	return map[string]any{
		"Job": &wire.Job{}, "FetchInput": &wire.Job{}, "SourceInput": &wire.Job{}, "StartInput": &wire.Job{},
		"Fetched": &wire.Fetched{}, "RouteInput": &wire.RouteInput{}, "RetireInput": &wire.RetireInput{},
		"DiscardInput": &wire.DiscardInput{}, "TeardownInput": &wire.TeardownInput{}, "LoginInput": &wire.LoginInput{},
		"BranchesInput": &wire.BranchesInput{}, "TraceInput": &wire.TraceInput{}, "HopsInput": &wire.HopsInput{},
		"Progressed": &wire.Progress{}, "Progress": &wire.Progress{}, "Begun": &wire.Begun{}, "Switch": &wire.Switch{}, "Committed": &wire.Switch{},
		"WaitingInput": &wire.WaitingInput{}, "SettleInput": &wire.SettleInput{}, "Change": &wire.Change{},
		"CommitInput": &wire.CommitInput{}, "TrackRound": &wire.TrackRound{}, "WatchInput": &wire.WatchInput{},
		"WatchAnswers": &[]wire.WatchAnswer{},
		"Look":         &wire.Look{}, "LookInput": &wire.LookInput{}, "MissedLook": &wire.MissedLook{}, "AsksRequest": &wire.AsksRequest{},
		"AsksPage": &wire.AsksPage{}, "AnswersReport": &wire.AnswersReport{}, "PreflightInput": &wire.PreflightInput{}, "PlanInput": &wire.PlanInput{},
		"PlanAnswer": &wire.PlanAnswer{}, "ImagesInput": &wire.ImagesInput{}, "InventoryInput": &wire.InventoryInput{},
		"Inventory": &wire.Inventory{}, "PruneInput": &wire.PruneInput{}, "PruneRequest": &wire.PruneRequest{},
		"SandboxInput": &wire.SandboxInput{}, "Ready": &wire.Ready{}, "Decision": &wire.Decision{}, "Done": &wire.Done{},
		"OperationRef": &sdp.OperationRef{}, "Failure": &sdp.Failure{}, "Container": &sdp.Container{},
		"RoutingTable": &wire.RoutingTable{}, "Branches": &[]sdp.Branch{}, "Trace": &wire.Trace{}, "Hops": &[]wire.Hop{},
		"NeededImages": &sdp.NeededImages{}, "NodeImages": &[]sdp.NodeImage{}, "PruneReport": &sdp.PruneReport{},
		"PreflightReport": &planning.PreflightReport{}, "Confidential": &wire.Confidential{},
		"Registration": &wire.Registration{}, "Heartbeat": &wire.Heartbeat{}, "Welcome": &wire.Welcome{}, "Desired": &wire.Desired{},
		"TablesRequest": &wire.TablesRequest{}, "TablesAnswer": &wire.TablesAnswer{},
		"Corrections": &[]sdp.Correction{}, "WatermarkPrune": &sdp.WatermarkPrune{}, "LogOffset": &wire.LogOffset{},
	}
}

// fill gives each field a value that follows from its name alone.
func fill(v reflect.Value, name string) {
	name = strings.ToLower(name)
	number := int64(crc32.ChecksumIEEE([]byte(name)) % 1000)
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Struct:
		if _, is := v.Interface().(time.Time); is {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 30, 0, 0, int(number), 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fill(v.Field(i), f.Name)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(name))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		element := reflect.New(v.Type().Elem()).Elem()
		fill(element, name)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), element)
	case reflect.String:
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(number + 1)
	case reflect.Float64:
		v.SetFloat(float64(number) + 0.5)
	default:
		panic("a message holds a " + v.Kind().String())
	}
}

func written(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(raw, '\n')
}

// These bytes are the format: who renames a field in JSON, or changes a shape, breaks runs and nodes that are on their way.
// A message or a field that is new is added with SDP_WRITE_GOLDEN=1; the change then shows what else it writes otherwise.
func TestMessagesAreWrittenAsTheyWere(t *testing.T) {
	for name, message := range messages() {
		fill(reflect.ValueOf(message).Elem(), "item")
		raw, file := written(t, message), filepath.Join("testdata", "today", name+".json")
		if os.Getenv("SDP_WRITE_GOLDEN") != "" {
			if err := os.WriteFile(file, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(raw, want) {
			t.Errorf("%s is written as\n%snot as %s says (%v)", name, raw, file, err)
		}
		again := reflect.New(reflect.TypeOf(message).Elem())
		if err := json.Unmarshal(raw, again.Interface()); err != nil || !bytes.Equal(written(t, again.Interface()), raw) {
			t.Errorf("%s is not read as it was written: %v", name, err)
		}
	}
}

// otherShapes are the messages that had another shape before; each is checked by a test of its own, but for what a node is to
// run, which nobody keeps.
var otherShapes = []string{"Job", "RouteInput", "Switch", "Committed", "Desired"}

// Nothing that was written before is lost when it is read today.
func TestMessagesOfBeforeAreRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "before", "*.json"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d messages of before, %v", len(files), err)
	}
	all := messages()
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if slices.Contains(otherShapes, name) {
			continue
		}
		message, known := all[name]
		if !known {
			t.Errorf("nothing reads %s any more", file)
			continue
		}
		before := read(t, name, message)
		if lost := missing(name, before, tree(t, written(t, message))); len(lost) > 0 {
			t.Errorf("%s: lost %q", name, lost)
		}
	}
}

// read reads what was written of a message before, and returns it as it stands there too.
func read(t *testing.T, name string, into any) any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "before", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return tree(t, raw)
}

// tree is JSON with all names in lower case.
func tree(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var lower func(any) any
	lower = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			out := map[string]any{}
			for key, value := range v {
				out[strings.ToLower(key)] = lower(value)
			}
			return out
		case []any:
			for i := range v {
				v[i] = lower(v[i])
			}
		}
		return v
	}
	return lower(v)
}

// dropped is what is no longer sent because it never was of use there: the server knows better when it saw a node.
var dropped = []string{"Registration.node.registeredat", "Registration.node.lastseen", "Registration.node.health"}

func missing(at string, before, now any) []string {
	was, isMap := before.(map[string]any)
	if !isMap {
		list, isList := before.([]any)
		have, haveList := now.([]any)
		if isList && haveList && len(list) == len(have) {
			var lost []string
			for i := range list {
				lost = append(lost, missing(at+"[]", list[i], have[i])...)
			}
			return lost
		}
		if reflect.DeepEqual(before, now) || slices.Contains(dropped, at) {
			return nil
		}
		return []string{at}
	}
	is, _ := now.(map[string]any)
	var lost []string
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if !slices.Contains(dropped, at+"."+key) {
			lost = append(lost, missing(at+"."+key, was[key], is[key])...)
		}
	}
	return lost
}

func TestJobOfBeforeIsRead(t *testing.T) {
	var got, want wire.Job
	read(t, "Job", &got)
	fill(reflect.ValueOf(&want).Elem(), "job")
	want.Deployment, want.Repository = "id", "name" // the deployment's ID, the repository's name
	want.Table.Format, want.Table.Named, want.Table.Services[0].Split = 0, false, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read as\n%+v\nwant\n%+v", got, want)
	}
}

func TestSwitchesOfBeforeAreRead(t *testing.T) {
	var container sdp.Container
	fill(reflect.ValueOf(&container).Elem(), "previous")
	for _, name := range []string{"Switch", "Committed"} {
		var s wire.Switch
		read(t, name, &s)
		if s.Table.Sandbox != "sandbox" || !slices.Equal(s.Nodes, []string{"nodes"}) || !slices.Equal(s.Previous, []sdp.Container{container}) {
			t.Errorf("%s is read as %+v", name, s)
		}
	}
	for _, none := range []string{`{"Previous": null}`, `{"Previous": {}}`, `{}`, `{"previous": []}`} {
		var s wire.Switch
		if err := json.Unmarshal([]byte(none), &s); err != nil || len(s.Previous) != 0 {
			t.Errorf("%s is read as %+v, %v", none, s, err)
		}
	}
}

func TestRouteInputOfBeforeIsRead(t *testing.T) {
	var in wire.RouteInput
	read(t, "RouteInput", &in)
	if len(in.Containers) != 2 || in.Containers[0].DockerID != "container" || in.Containers[0].Deployment != "deployment" ||
		in.Containers[1].DockerID != "dockerid" || in.Table.Sandbox != "sandbox" {
		t.Errorf("read as %+v", in)
	}
	in = wire.RouteInput{}
	if err := json.Unmarshal([]byte(`{"Container": "", "Table": {"Sandbox": "shop"}, "Deployment": "", "More": null}`), &in); err != nil || in.Containers != nil {
		t.Errorf("read as %+v, %v", in, err)
	}
}

// Who adds a field without a name in JSON would bind the format to the name in Go.
func TestEveryFieldOfAMessageHasItsName(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for name, message := range messages() {
		wantNames(t, name, reflect.TypeOf(message), seen)
	}
}

func wantNames(t *testing.T, at string, of reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		wantNames(t, at+"[]", of.Elem(), seen)
	case reflect.Map:
		wantNames(t, at+"{}", of.Elem(), seen)
	case reflect.Struct:
		if seen[of] || of == reflect.TypeFor[time.Time]() {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.IsExported() && name == "" && !f.Anonymous {
				t.Errorf("%s.%s (%s) has no name in JSON", at, f.Name, of)
			}
			if f.IsExported() && f.Tag.Get("json") != "-" {
				wantNames(t, at+"."+f.Name, f.Type, seen)
			}
		}
	}
}
