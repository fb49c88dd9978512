package api

import (
	"context"

	"sdp/internal/sdp"
)

// explainEnvironment says what a service would find in its environment if it were started now, value by value.
func (s *Server) explainEnvironment(ctx context.Context, in *serviceInput) (*body[EffectiveEnvironment], error) {
	sandbox, err := s.sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	service, err := serviceOf(sandbox, in.Service)
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
	out := EffectiveEnvironment{Sandbox: in.Name, Service: in.Service, Environment: settings.Environment,
		EnvironmentVersion: settings.EnvironmentVersion, Files: []EnvironmentFile{}, Limits: viewLimits(settings.Limits)}
	for _, f := range settings.Files {
		out.Files = append(out.Files, EnvironmentFile{Path: f.Path, Size: f.Size})
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
	out.Values = views(settings.Explain(), viewEffectiveValue)
	return &body[EffectiveEnvironment]{out}, nil
}

// withPlatform adds the layer that the node adds. Branch, commit and deployment are those of what runs.
func (s *Server) withPlatform(ctx context.Context, settings sdp.Settings, in *serviceInput, running sdp.Deployment) (sdp.Settings, error) {
	table, _, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return settings, err
	}
	repository, err := s.db.Repository(ctx, in.Service)
	if err != nil {
		return settings, err
	}
	running.Sandbox, running.Service = in.Name, in.Service
	platform := sdp.SealedLayer{Name: sdp.LayerPlatform, Variables: sdp.PlatformVariables(repository, table, running)}
	settings.Layers = append([]sdp.SealedLayer{platform}, settings.Layers...)
	return settings, nil
}

func viewEffectiveValue(v sdp.EffectiveValue) EffectiveValue {
	return EffectiveValue{Key: v.Key, Value: v.Value, Secret: v.Secret, Layer: string(v.Layer), Of: v.Of,
		Overrides: views(v.Overrides, func(o sdp.Origin) ValueOrigin {
			return ValueOrigin{Layer: string(o.Layer), Of: o.Of, Secret: o.Secret}
		})}
}
