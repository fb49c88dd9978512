package api

import (
	"context"
	"slices"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

func (s *Server) storeCredential(ctx context.Context, _ *none) (*body[rest.TrackingCredential], error) {
	call := callOf(ctx)
	stored, err := s.control.StoreCredential(ctx, call)
	if err != nil {
		return nil, err
	}
	return &body[rest.TrackingCredential]{rest.FromCredential(call.User, stored, s.cfg.TrackEvery)}, nil
}

func (s *Server) showCredential(ctx context.Context, _ *none) (*body[rest.TrackingCredential], error) {
	user := callOf(ctx).User
	stored, err := s.db.Credentials(ctx, user)
	if err != nil {
		return nil, err
	}
	return &body[rest.TrackingCredential]{rest.FromCredential(user, stored[user].TrackingCredential, s.cfg.TrackEvery)}, nil
}

func (s *Server) forgetCredential(ctx context.Context, _ *none) (*none, error) {
	return &none{}, s.control.ForgetCredential(ctx, callOf(ctx))
}

type listTrackedInput struct {
	Sandbox string `query:"sandbox" maxLength:"100"`
}

// listTracked lists the services whose branches are watched.
func (s *Server) listTracked(ctx context.Context, in *listTrackedInput) (*body[rest.Page[rest.TrackedService]], error) {
	watched, err := s.db.Watched(ctx)
	if err != nil {
		return nil, err
	}
	if in.Sandbox != "" {
		watched = slices.DeleteFunc(watched, func(w sdp.Watched) bool { return w.Sandbox != in.Sandbox })
	}
	return pageOf(watched, "", rest.FromTracked), nil
}

type trackInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Body    rest.Track
}

// track answers with the sandbox, whose attention tells if something is missing for that.
func (s *Server) track(ctx context.Context, in *trackInput) (*body[rest.Sandbox], error) {
	if err := s.control.Track(ctx, callOf(ctx), in.Name, in.Service, in.Body.Track); err != nil {
		return nil, err
	}
	return s.showSandbox(ctx, &sandboxInput{Name: in.Name})
}
