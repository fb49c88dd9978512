package client

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// connectForTemplate is connect for a verb about one template.
func (a *App) connectForTemplate(name string) (*apiclient.Client, error) {
	if err := sdp.CheckTemplateName(name); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.connect()
}

func (a *App) templateCreate() *cobra.Command {
	var file, from, description string
	var places []string
	cmd := &cobra.Command{
		Use:   "create NAME -f template.yaml | --from SANDBOX [--parameter NAME=PLACE]...",
		Short: "Make a template, from a file or from a sandbox",
		Long: `Make a template, from a file or from a sandbox.

The file names the parameters and, below sandbox, what a sandbox.yaml says. Texts may hold ${parameter}; ${sandbox} is
the name of the sandbox that is made, and $${ stands for ${:

  parameters:
    branch:
      description: branch of account
      default: main
      pattern: "main|feature/.+"
  sandbox:
    description: ${branch} for testers
    gateway: {branch: main}
    services:
      account: {branch: "${branch}"}

With --from the sandbox's definition is taken as it is, without its secrets. --parameter says which of its values
become parameters: branch=account is the branch of account, and any value has a path such as environment or
services.account.variables.LOG_LEVEL. The value there becomes the parameter's default.`,
		Example: `  sdp template create shop -f template.yaml
  sdp template create shop --from checkout --parameter branch=account --parameter env=environment`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := templateRequest(args[0], file, from, places)
			if err != nil {
				return err
			}
			if description != "" {
				in.Description = description
			}
			return a.runTemplateCreate(cmd.Context(), in)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "read the template from this YAML `file`")
	f.StringVar(&from, "from", "", "take the definition of this `sandbox`")
	f.StringArrayVar(&places, "parameter", nil, "with --from: make the value at a place a parameter, `NAME=PLACE`; may be repeated")
	f.StringVar(&description, "description", "", "what the template is for")
	return cmd
}

// templateRequest turns the arguments into what the server is asked for.
func templateRequest(name, file, from string, places []string) (api.CreateTemplate, error) {
	in := api.CreateTemplate{Name: name, FromSandbox: from}
	switch {
	case (file == "") == (from == ""):
		return in, usage.Errorf("write -f template.yaml or --from SANDBOX", "a template is made from a file or from a sandbox")
	case file != "" && len(places) > 0:
		return in, usage.Errorf("declare the parameters in the file", "--parameter goes with --from")
	case file != "":
		in, err := loadTemplate(file)
		if err != nil {
			return in, err
		}
		return namedTemplate(in, name, file)
	}
	for _, arg := range places {
		parameter, at, found := strings.Cut(arg, "=")
		if !found || parameter == "" || at == "" {
			return in, usage.Errorf("write --parameter branch=account, or another place such as branch=services.account.branch",
				"%q is not NAME=PLACE", arg)
		}
		in.Places = append(in.Places, api.TemplatePlace{Parameter: parameter, At: at})
	}
	return in, usage.Wrap(sdp.CheckTemplateName(name))
}

func (a *App) runTemplateCreate(ctx context.Context, in api.CreateTemplate) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	made, err := c.CreateTemplate(ctx, in)
	if err != nil {
		return err
	}
	if in.FromSandbox != "" {
		a.noteSecrets(ctx, c, in.FromSandbox)
	}
	return a.Screen.Data(made, func() { a.showTemplate(made) })
}

// noteSecrets says which secrets of a sandbox its template does not have.
func (a *App) noteSecrets(ctx context.Context, c *apiclient.Client, name string) {
	s, err := c.Sandbox(ctx, name)
	if err != nil {
		return // the template is made; this is a note
	}
	keys := s.SecretKeys
	for _, v := range s.Services {
		for _, key := range v.SecretKeys {
			keys = append(keys, v.Name+"/"+key)
		}
	}
	if len(keys) > 0 {
		a.Screen.Notef("Templates hold no secrets. Set these in each sandbox, or keep them in an environment: %s", strings.Join(keys, ", "))
	}
}

func (a *App) templateUpdate() *cobra.Command {
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
			in, err := loadTemplate(file)
			if err != nil {
				return err
			}
			if in, err = namedTemplate(in, args[0], file); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.UpdateTemplate(cmd.Context(), in.Name, api.UpdateTemplate{Description: in.Description, Parameters: in.Parameters, Spec: *in.Spec})
			if err != nil {
				return err
			}
			return a.Screen.Data(t, func() { a.showTemplate(t) })
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "read the template from this YAML `file`")
	return cmd
}
