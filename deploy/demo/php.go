package demo

import (
	"context"
	"io"

	"sdp/deploy/base"
)

// PHPBase is the image the gateway's Dockerfile builds on.
const PHPBase = base.PHPImage

// PHPBaseTar writes the image PHPBase to w, as `docker load` (ImageLoad) reads it. It is made of the host's own PHP:
// Debian's php-cli package, the libraries it needs, and nothing else.
func PHPBaseTar(ctx context.Context, w io.Writer) error { return base.PHP(ctx, w) }
