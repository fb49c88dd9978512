package client

import (
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) template() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "template",
		Aliases: []string{"templates"},
		Short:   "Keep sandbox definitions with parameters, and make sandboxes from them",
	}, a.templateList(), a.templateShow(), a.templateCreate(), a.templateUpdate(), a.templateExport(), a.templateUse(), a.templateDelete())
}

func (a *App) templateList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the templates",
		Example: "  sdp template list",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
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
	}
}

func parameterNames(t api.Template) []string {
	names := make([]string, len(t.Parameters))
	for i, p := range t.Parameters {
		names[i] = p.Name
	}
	return names
}

func (a *App) templateShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a template, its parameters and how to use it",
		Example: "  sdp template show shop",
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
			return a.Screen.Data(t, func() { a.showTemplate(t) })
		},
	}
}

func (a *App) showTemplate(t api.Template) {
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
	for _, s := range frozen(api.SandboxSpec(t.Spec)) {
		services.Row(s.name, s.by, s.branch, sdp.ShortSHA(s.commit))
	}
	services.Print("Every service is answered by the shared environment.")
	a.Screen.Notef("Make a sandbox from it: %s", use)
}

func allowed(p api.TemplateParameter) string {
	if len(p.Choices) > 0 {
		return strings.Join(p.Choices, ", ")
	}
	if p.Pattern != "" {
		return "/" + p.Pattern + "/"
	}
	return "anything"
}

func (a *App) templateDelete() *cobra.Command {
	return &cobra.Command{
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
			return a.Screen.Data(map[string]string{"deleted": args[0]}, func() { a.Screen.Printf("Template %s is deleted.", args[0]) })
		},
	}
}

func (a *App) templateExport() *cobra.Command {
	return &cobra.Command{
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
			file, err := templateFileOf(t)
			if err != nil {
				return err
			}
			return file.write(a.Screen.Out)
		},
	}
}
