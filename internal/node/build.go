package node

import (
	"context"
	"errors"
	"syscall"

	"sdp/internal/logs"
	"sdp/internal/node/gobuild"
	"sdp/internal/wire"
)

// Builder runs `go build` in checkouts.
type Builder struct {
	node      string
	sources   *Sources
	toolchain gobuild.Toolchain
}

// Build builds a commit on the host, and leaves its binary in the checkout. A cancel kills all of it. Errors: those of
// gobuild, "disk-full".
func (b *Builder) Build(ctx context.Context, in wire.Job, log *logs.Stream) error {
	repo, err := b.sources.of(in)
	if err != nil {
		return err
	}
	if err := b.sources.needDisk(); err != nil {
		return err
	}
	if err := b.sources.needCheckout(ctx, in, log); err != nil {
		return err
	}
	err = b.toolchain.Build(ctx, gobuild.Job{Repository: in.Repository, SHA: in.SHA, Dir: b.sources.checkoutDir(in.Deployment),
		Package: repo.Build, Log: log})
	switch {
	case err == nil:
		log.Printf("BUILD", "done")
		return nil
	case ctx.Err() != nil:
		log.Printf("BUILD", "killed")
		return err
	case errors.Is(err, syscall.ENOSPC):
		err = diskFull(b.node, "go build could not write")
	}
	return &OutputError{Err: err, Output: log.TailOwn(outputTail)}
}
