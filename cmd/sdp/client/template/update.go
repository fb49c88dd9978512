package template

import (
	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
)

func (a verbs) templateUpdate() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "update NAME -f template.yaml",
		Short:   "Replace what a template says; sandboxes made from it stay as they are",
		Example: "  sdp template update shop -f template.yaml",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				return usage.Errorf("write -f template.yaml", "no file is given")
			}
			in, err := specfile.LoadTemplate(file)
			if err != nil {
				return err
			}
			if in, err = specfile.NamedTemplate(in, args[0], file); err != nil {
				return err
			}
			specfile.NoteTemplateExpiry(a.App, in)
			c, err := a.Connect()
			if err != nil {
				return err
			}
			t, err := c.UpdateTemplate(cmd.Context(), in.Name, rest.UpdateTemplate{Description: in.Description, Parameters: in.Parameters, Spec: *in.Spec})
			if err != nil {
				return err
			}
			return a.Screen.Data(t, func() { a.showTemplate(t) })
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "read the template from this YAML `file`")
	return cli.Prints[rest.Template](a.App, cmd)
}
