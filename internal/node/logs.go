package node

import (
	"context"
	"errors"
	"strings"

	"sdp/internal/logs"
	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
)

// Logs are the logs of deployments: one stream each, which the activities of a deployment continue one after the other.
type Logs struct {
	node  string
	spool *logs.Spool
}

// During runs a part of a deployment with the deployment's log. A failure is the log's last line of that part. Neither
// the log nor the failure shows any of the secrets.
func (l *Logs) During(deployment string, secrets []string, part func(*logs.Stream) error) error {
	masker := mask.New(secrets...)
	stream, err := l.spool.Create(sdp.DeploymentStream(deployment), logs.Options{Masker: masker})
	if err != nil {
		return diskError(l.node, "writing the log", err)
	}
	err = masked(part(stream), masker)
	if err != nil && !errors.Is(err, context.Canceled) {
		e := sdp.AsError(err)
		stream.Printf("ERROR", "%s", e.Detail)
		if e.Remedy != "" {
			stream.Printf("ERROR", "what to do: %s", e.Remedy)
		}
	}
	return errors.Join(err, stream.Release())
}

// End writes a deployment's last line, once however often it is called, and marks its log as complete.
func (l *Logs) End(deployment, tag, text string) error {
	stream, err := l.spool.Create(sdp.DeploymentStream(deployment), logs.Options{Masker: mask.New()})
	if err != nil {
		return diskError(l.node, "writing the log", err)
	}
	end := "[" + tag + "] " + strings.ReplaceAll(text, "\n", "\n["+tag+"] ") + "\n"
	if stream.Tail(len(end)) != end {
		stream.Printf(tag, "%s", text)
	}
	return stream.Close()
}
