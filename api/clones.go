package api

import (
	"context"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

type contractInput struct {
	Name   string `path:"name"`
	To     string `query:"to" required:"true" doc:"name of the clone"`
	Follow bool   `query:"follow"`
}

func (s *Server) showContract(ctx context.Context, in *contractInput) (*body[CloneContract], error) {
	source, _, err := s.cloneable(ctx, in.Name, in.To)
	if err != nil {
		return nil, err
	}
	c := sdp.CloneSource{Sandbox: source, To: in.To, Owner: infoOf(ctx).user, Follow: in.Follow}
	if c.Table, _, err = s.db.Table(ctx, in.Name); err != nil {
		return nil, err
	}
	if source.Environment != "" {
		c.Environment, err = s.db.EnvironmentVersion(ctx, source.Environment, source.EnvironmentVersion)
		if err != nil {
			return nil, err
		}
	}
	known, err := s.catalog(ctx)
	if err != nil {
		return nil, err
	}
	c.Repositories = known.repositories
	return &body[CloneContract]{CloneContract{Sandbox: in.Name, Name: in.To, Follow: in.Follow,
		Items: views(c.Contract(), viewContractItem)}}, nil
}

func viewContractItem(i sdp.ContractItem) ContractItem {
	return ContractItem{What: i.What, Service: i.Service, Key: i.Key, Disposition: string(i.Disposition), Detail: i.Detail}
}

// cloneable returns a sandbox that can be cloned now into one of another name, and its secrets.
func (s *Server) cloneable(ctx context.Context, name, to string) (sdp.Sandbox, postgres.Secrets, error) {
	if _, err := s.changeable(ctx, name); err != nil {
		return sdp.Sandbox{}, nil, err
	}
	if err := s.nameFree(ctx, to); err != nil {
		return sdp.Sandbox{}, nil, err
	}
	return s.db.CopySource(ctx, name)
}

func (s *Server) nameFree(ctx context.Context, name string) error {
	_, err := s.sandbox(ctx, name)
	switch {
	case err == nil:
		return sandboxExists(name)
	case sdp.KindOf(err) == sdp.NotFound:
		return nil
	}
	return err
}

func sandboxExists(name string) error {
	return sdp.Errorf(sdp.Conflict, "sandbox-exists", "there is a sandbox %s already", name).
		WithRemedy("choose another name, or delete it first: `sdp sandbox delete %s`", name)
}

type cloneInput struct {
	Name string `path:"name"`
	Body CloneSandbox
}

// cloneSandbox makes a sandbox like another one: all of it, or nothing. Who clones owns the clone.
func (s *Server) cloneSandbox(ctx context.Context, in *cloneInput) (*accepted[Applied], error) {
	infoOf(ctx).event.Detail = "clone of " + in.Name
	source, sealed, err := s.cloneable(ctx, in.Name, in.Body.Name)
	if err != nil {
		return nil, err
	}
	secrets, err := s.resealed(sealed, in.Name, in.Body.Name)
	if err != nil {
		return nil, err
	}
	clone := sdp.CloneSource{Sandbox: source, To: in.Body.Name, Follow: in.Body.Follow}
	r := changeRequest{kind: sdp.OpClone, spec: clone.Spec(), isNew: true, atomic: true, from: "clone of " + in.Name,
		secrets: secrets}
	if !in.Body.Follow {
		r.images = imagesOf(sdp.SnapshotImages(source))
	}
	return s.applyChange(ctx, r)
}

// imagesOf are the images by service.
func imagesOf(list []sdp.SnapshotImage) map[string]string {
	images := map[string]string{}
	for _, i := range list {
		images[i.Service] = i.Image
	}
	return images
}
