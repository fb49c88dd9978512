package control

import (
	"context"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// VerifyLogin proves a person's credentials with an ls-remote by the node that owns the configured repository. It is the
// one thing anybody may ask for.
func (c *Control) VerifyLogin(ctx context.Context, user string, password secret.Value) error {
	repository, err := c.db.Repository(ctx, c.cfg.LoginRepository)
	if sdp.KindOf(err) == sdp.NotFound {
		return loginRepositoryMissing(sdp.Errorf(sdp.NotFound, "", "no node has repository %q", c.cfg.LoginRepository))
	}
	if err != nil {
		return err
	}
	node, err := c.readyNode(ctx, repository.Node)
	if err != nil {
		return err
	}
	id := sdp.NewID("l-")
	box, err := c.seal(node, id, Person(secret.Session{User: user, Password: password}))
	if err != nil {
		return err
	}
	err = c.engine.VerifyLogin(ctx, wire.LoginInput{
		ID: id, User: user, Node: node.Name, Repository: repository.Name, Credentials: box,
	}, node.TokenIssued)
	switch {
	case sdp.KindOf(err) == sdp.NotFound:
		return loginRepositoryMissing(err)
	case err != nil && sdp.AsError(err).Code == "wrong-credentials":
		return sdp.AsError(err).WithRemedy(
			"check the user name and the password and try again; an expired app password must be renewed on the git server first")
	}
	return err
}

// loginRepositoryMissing tells a defect of the configuration from wrong credentials: nobody can sign in.
func loginRepositoryMissing(why error) error {
	return sdp.Errorf(sdp.Unavailable, "login-repository-missing", "nobody can sign in: %w", why).
		WithRemedy("an administrator sets login.repository of server.yaml to a repository that exists, " +
			"and starts its node's worker")
}
