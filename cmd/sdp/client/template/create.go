package template

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) templateCreate() *cobra.Command {
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
			specfile.NoteTemplateExpiry(a.App, in)
			return a.runTemplateCreate(cmd.Context(), in)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "read the template from this YAML `file`")
	f.StringVar(&from, "from", "", "take the definition of this `sandbox`")
	f.StringArrayVar(&places, "parameter", nil, "with --from: make the value at a place a parameter, `NAME=PLACE`; may be repeated")
	f.StringVar(&description, "description", "", "what the template is for")
	return cli.Prints[rest.Template](a.App, cmd)
}

// templateRequest turns the arguments into what the server is asked for.
func templateRequest(name, file, from string, places []string) (rest.CreateTemplate, error) {
	in := rest.CreateTemplate{Name: name, FromSandbox: from}
	switch {
	case (file == "") == (from == ""):
		return in, usage.Errorf("write -f template.yaml or --from SANDBOX", "a template is made from a file or from a sandbox")
	case file != "" && len(places) > 0:
		return in, usage.Errorf("declare the parameters in the file", "--parameter goes with --from")
	case file != "":
		in, err := specfile.LoadTemplate(file)
		if err != nil {
			return in, err
		}
		return specfile.NamedTemplate(in, name, file)
	}
	for _, arg := range places {
		parameter, at, found := strings.Cut(arg, "=")
		if !found || parameter == "" || at == "" {
			return in, usage.Errorf("write --parameter branch=account, or another place such as branch=services.account.branch",
				"%q is not NAME=PLACE", arg)
		}
		in.Places = append(in.Places, rest.TemplatePlace{Parameter: parameter, At: at})
	}
	return in, usage.Wrap(sdp.CheckTemplateName(name))
}

func (a verbs) runTemplateCreate(ctx context.Context, in rest.CreateTemplate) error {
	c, err := a.Connect()
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
func (a verbs) noteSecrets(ctx context.Context, c *apiclient.Client, name string) {
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
