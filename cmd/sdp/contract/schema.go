package contract

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

// Version is that of what all verbs print as JSON. Within a version members are added, and nothing is taken away or means
// something else: a change that does either raises it. A test compares with what was promised last.
const Version = "v1"

// Schema is the JSON Schema of what a verb prints in a format.
type Schema struct {
	Schema string                  `json:"$schema"`
	ID     string                  `json:"$id"`
	Title  string                  `json:"title"`
	AnyOf  []*huma.Schema          `json:"anyOf"`
	Defs   map[string]*huma.Schema `json:"$defs,omitempty"`

	registry huma.Registry
}

// SchemaOf returns the schema of what a verb prints with -o json, or of a line of what it prints with -o ndjson.
func SchemaOf(verb string, out cli.Output, format screen.Format) Schema {
	registry := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	rest.ListEnums(registry)
	of := func(t reflect.Type) *huma.Schema { return registry.Schema(t, true, t.Name()) }
	types := []*huma.Schema{of(out.Type)}
	for _, o := range out.Others {
		types = append(types, of(o.Type))
	}
	title := "sdp " + verb + " -o " + string(format)
	switch {
	case format == screen.NDJSON:
		types = []*huma.Schema{of(reflect.TypeFor[cli.Line]()), endOf(registry, types)}
		title += ", each line"
	case out.Lines:
		title += ", each line"
	}
	return Schema{Schema: "https://json-schema.org/draft/2020-12/schema", ID: idOf(verb, format), Title: title, AnyOf: types,
		Defs: registry.Map(), registry: registry}
}

// endOf is the schema of the last line: its result is what the verb prints with -o json.
func endOf(registry huma.Registry, results []*huma.Schema) *huma.Schema {
	ref := registry.Schema(reflect.TypeFor[screen.End](), true, "End")
	end := registry.SchemaFromRef(ref.Ref)
	end.Properties["result"] = &huma.Schema{AnyOf: results, Description: "what -o json prints"}
	return ref
}

func idOf(verb string, format screen.Format) string {
	return "urn:sdp:cli:" + strings.ReplaceAll(verb, " ", "/") + ":" + string(format) + ":" + Version
}

// open drops from the schema that there are no other members: later ones are added within a version.
func (s Schema) open() Schema {
	for _, def := range s.Defs {
		if closed, is := def.AdditionalProperties.(bool); is && !closed {
			def.AdditionalProperties = nil
		}
	}
	return s
}

// Entry is a line of the list of schemas.
type Entry struct {
	Verb   string `json:"verb"`
	Format string `json:"format" enum:"json,ndjson"`
	ID     string `json:"id" doc:"the schema's $id, which ends with its version"`
}

func schemaCommand(app *cli.App) *cobra.Command {
	var ndjson bool
	cmd := &cobra.Command{
		Use:   "schema [VERB]... [--ndjson]",
		Short: "Print the JSON Schema of what a verb prints with -o json; without one, list all",
		Long: `Print the JSON Schema of what a verb prints with -o json, or with --ndjson of a line of its -o ndjson. Its $id ends with
the version: within a version members are added, and nothing is taken away or means something else. So read what you know
and leave the rest alone.`,
		Example: "  sdp schema\n  sdp schema sandbox show\n  sdp schema deploy --ndjson",
		Args:    usage.Args(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				list := entries(app, cmd.Root())
				return app.Screen.Data(list, func() { showEntries(app.Screen, list) })
			}
			s, err := schemaFor(app, cmd.Root(), args, ndjson)
			if err != nil {
				return err
			}
			encoder := json.NewEncoder(app.Screen.Out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(s.open())
		},
	}
	cmd.Flags().BoolVar(&ndjson, "ndjson", false, "of a line of -o ndjson")
	return cli.Instead[json.RawMessage](app, cli.Prints[[]Entry](app, cmd), "of a verb: a JSON Schema")
}

func schemaFor(app *cli.App, root *cobra.Command, args []string, ndjson bool) (Schema, error) {
	verb := strings.Join(args, " ")
	cmd, unknown, err := root.Find(args)
	out, declared := app.Output(cmd)
	format := screen.JSON
	if ndjson {
		format = screen.NDJSON
	}
	switch {
	case err != nil || len(unknown) > 0:
		return Schema{}, usage.Errorf("`sdp schema` lists those that print JSON", "there is no verb `sdp %s`", verb)
	case !declared || out.Type == nil:
		return Schema{}, usage.Errorf("`sdp schema` lists those that do", "`sdp %s` prints no JSON", verb)
	case ndjson && !out.Follows:
		return Schema{}, usage.Errorf("leave --ndjson out", "`sdp %s` follows nothing", verb)
	}
	return SchemaOf(pathOf(cmd), out, format), nil
}

// entries lists the schemas of all verbs.
func entries(app *cli.App, root *cobra.Command) []Entry {
	var list []Entry
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if out, _ := app.Output(cmd); out.Type != nil {
			list = append(list, Entry{pathOf(cmd), string(screen.JSON), idOf(pathOf(cmd), screen.JSON)})
			if out.Follows {
				list = append(list, Entry{pathOf(cmd), string(screen.NDJSON), idOf(pathOf(cmd), screen.NDJSON)})
			}
		}
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(root)
	return list
}

// pathOf is a verb without the program's name.
func pathOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func showEntries(s *screen.Screen, list []Entry) {
	t := s.Table("VERB", "FORMAT", "SCHEMA")
	for _, e := range list {
		t.Row(e.Verb, e.Format, e.ID)
	}
	t.Print("No verb prints JSON.")
}
