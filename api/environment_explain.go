package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// explainEnvironment says what a service would find in its environment if it were started now, value by value.
func (s *Server) explainEnvironment(ctx context.Context, in *serviceInput) (*body[rest.EffectiveEnvironment], error) {
	sandbox, err := s.control.Sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	service, err := control.ServiceOf(sandbox, in.Service)
	if err != nil {
		return nil, err
	}
	all, err := s.db.Settings(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	settings, ok := all[in.Service]
	if !ok {
		return nil, sdp.Errorf(sdp.Conflict, "no-container", "no repository provides %s: it never runs in the sandbox", in.Service).
			WithRemedy("`sdp repos` lists the repositories there are")
	}
	out := rest.EffectiveEnvironment{Sandbox: in.Name, Service: in.Service, Environment: settings.Environment,
		EnvironmentVersion: settings.EnvironmentVersion, Files: []rest.EnvironmentFile{}, Limits: settings.Limits}
	for _, f := range settings.Files {
		out.Files = append(out.Files, rest.EnvironmentFile{Path: f.Path, Size: f.Size})
	}
	var running sdp.Deployment
	if service.Serving != nil {
		if running, err = s.db.Deployment(ctx, service.Serving.Deployment); err != nil {
			return nil, err
		}
		out.Running, out.Behind = running.ID, running.SettingsDigest != settings.Digest()
	}
	if settings, err = s.withPlatform(ctx, settings, in, running); err != nil {
		return nil, err
	}
	out.Values = rest.List(settings.Explain(), rest.FromEffectiveValue)
	return &body[rest.EffectiveEnvironment]{out}, nil
}

// withPlatform adds the layer that the node adds. Branch, commit and deployment are those of what runs.
func (s *Server) withPlatform(ctx context.Context, to settings.Settings, in *serviceInput,
	running sdp.Deployment) (settings.Settings, error) {
	table, _, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return to, err
	}
	repository, err := s.db.Repository(ctx, in.Service)
	if err != nil {
		return to, err
	}
	running.Sandbox, running.Service = in.Name, in.Service
	platform := settings.SealedLayer{Name: settings.LayerPlatform, Variables: sdp.PlatformVariables(repository, table.Upstreams(), running)}
	to.Layers = append([]settings.SealedLayer{platform}, to.Layers...)
	return to, nil
}
