// Package template holds the verbs about templates.
package template

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Command returns the verb with those below it.
func Command(app *cli.App) *cobra.Command {
	a := verbs{app}
	return a.template()
}

func (a verbs) template() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "template",
		Aliases: []string{"templates"},
		Short:   "Keep sandbox definitions with parameters, and make sandboxes from them",
	}, a.templateList(), a.templateShow(), a.templateCreate(), a.templateUpdate(), a.templateExport(), a.templateUse(), a.templateDelete())
}

func (a verbs) templateList() *cobra.Command {
	return cli.Prints[[]rest.Template](a.App, &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the templates",
		Example: "  sdp template list",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			list, err := c.Templates(cmd.Context())
			if err != nil {
				return err
			}
			return a.Screen.Data(list, func() {
				t := a.Screen.Table("TEMPLATE", "OWNER", "PARAMETERS", "CHANGED", "DESCRIPTION")
				for _, one := range list {
					t.Row(one.Name, one.Owner, strings.Join(parameterNames(one), " "), a.Screen.Age(one.UpdatedAt), one.Description)
				}
				t.Print("There is no template. Make one: sdp template create NAME --from SANDBOX")
			})
		},
	})
}

func parameterNames(t rest.Template) []string {
	names := make([]string, len(t.Parameters))
	for i, p := range t.Parameters {
		names[i] = p.Name
	}
	return names
}

func (a verbs) templateShow() *cobra.Command {
	return cli.Prints[rest.Template](a.App, &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a template, its parameters and how to use it",
		Example: "  sdp template show shop",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.connectForTemplate, args[0], (*apiclient.Client).Template, a.showTemplate)
		},
	})
}

func (a verbs) showTemplate(t rest.Template) {
	a.Screen.Printf("%s, of %s, changed %s", a.Screen.Paint(screen.Bold, t.Name), t.Owner, a.Screen.Age(t.UpdatedAt))
	if t.Description != "" {
		a.Screen.Printf("%s", t.Description)
	}
	a.Screen.Printf("")
	use := "sdp template use " + t.Name + " SANDBOX"
	table := a.Screen.Table("PARAMETER", "DEFAULT", "ALLOWED", "DESCRIPTION")
	for _, p := range t.Parameters {
		def := screen.Cell{Text: "must be given", Style: screen.Yellow}
		if p.Default != nil {
			def = screen.Cell{Text: *p.Default}
		} else {
			use += " --set " + p.Name + "=..."
		}
		table.Row(p.Name, def, allowed(p), p.Description)
	}
	table.Print("It has no parameters.")
	a.Screen.Printf("")
	services := a.Screen.Table("SERVICE", "ANSWERED BY", "BRANCH", "COMMIT")
	for _, s := range view.Frozen(sdp.SandboxSpec(t.Spec)) {
		services.Row(s.Name, s.By, s.Branch, sdp.ShortSHA(s.Commit))
	}
	services.Print("Every service is answered by the shared environment.")
	a.Screen.Notef("Make a sandbox from it: %s", use)
}

func allowed(p rest.TemplateParameter) string {
	if len(p.Choices) > 0 {
		return strings.Join(p.Choices, ", ")
	}
	if p.Pattern != "" {
		return "/" + p.Pattern + "/"
	}
	return "anything"
}

func (a verbs) templateDelete() *cobra.Command {
	return cli.Prints[cli.Deleted](a.App, &cobra.Command{
		Use:     "delete NAME",
		Aliases: []string{"rm"},
		Short:   "Delete a template; sandboxes made from it stay",
		Example: "  sdp template delete shop",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForTemplate(args[0])
			if err != nil {
				return err
			}
			if err := c.DeleteTemplate(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.Screen.Data(cli.Deleted{Deleted: args[0]}, func() { a.Screen.Printf("Template %s is deleted.", args[0]) })
		},
	})
}

// definitionOf is a template as it is created.
func definitionOf(t rest.Template) rest.CreateTemplate {
	return rest.CreateTemplate{Name: t.Name, Description: t.Description, Parameters: t.Parameters, Spec: &t.Spec}
}

func (a verbs) templateExport() *cobra.Command {
	return cli.Prints[rest.CreateTemplate](a.App, &cobra.Command{
		Use:     "export NAME",
		Short:   "Print a template as a template.yaml, to edit it and update the template",
		Example: "  sdp template export shop > template.yaml\n  sdp template update shop -f template.yaml",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForTemplate(args[0])
			if err != nil {
				return err
			}
			t, err := c.Template(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var unwritten error
			err = a.Screen.Data(definitionOf(t), func() { unwritten = specfile.TemplateOf(t).Write(a.Screen.Out) })
			return cmp.Or(err, unwritten)
		},
	})
}

// connectForTemplate is Connect for a verb about one template.
func (a verbs) connectForTemplate(name string) (*apiclient.Client, error) {
	if err := sdp.CheckTemplateName(name); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.Connect()
}
