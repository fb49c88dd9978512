// Command temporald is a complete Temporal server with its Web UI, on PostgreSQL, in one process.
//
// It creates its two databases, their schema, one namespace and SDP's search attributes, so that an empty PostgreSQL
// and one command are enough. It is a module of its own because the Temporal server has more dependencies than all of
// SDP; nothing here is specific to `sdp up`, and any other Temporal cluster does as well.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	opts, err := parseOptions(os.Args[1:], os.Getenv, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Stderr.WriteString("temporald: " + err.Error() + "\n")
		os.Exit(2)
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: opts.logLevel}))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, opts, logger); err != nil {
		logger.Error("Ended with an error", "error", err)
		os.Exit(1)
	}
}
