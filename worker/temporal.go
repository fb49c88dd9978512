package worker

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"sdp/activities"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
	"sdp/workflows"
)

// DialOption changes how Dial connects.
type DialOption func(*client.Options)

// WithTelemetry has the SDK report what it does to metrics and tracing, each unless it is nil: requests, polls, slots, tasks
// and their latencies; a span for each workflow and activity.
func WithTelemetry(metrics client.MetricsHandler, tracing interceptor.ClientInterceptor) DialOption {
	return func(o *client.Options) {
		o.MetricsHandler = metrics
		if tracing != nil {
			o.Interceptors = append(o.Interceptors, tracing)
		}
	}
}

// Dial connects to Temporal lazily: it returns before the connection stands, and the SDK reconnects by itself. All
// payloads and failures are encrypted with keys; identity names this process in the Temporal UI.
func Dial(c TemporalConfig, keys *secret.CodecKeys, identity string, logger *slog.Logger, more ...DialOption) (client.Client, error) {
	options := client.Options{
		HostPort: c.Address, Namespace: c.Namespace, Identity: identity,
		DataConverter: payload.DataConverter(keys), FailureConverter: payload.FailureConverter(keys),
		Logger: sdklog.NewStructuredLogger(logger),
		// Cancels are pushed to workers that are heard of; the default of a minute is too slow to notice a dead one.
		WorkerHeartbeatInterval: sdp.HeartbeatEvery,
	}
	if c.TLS != (TLSConfig{}) {
		tlsConfig, err := c.TLS.load()
		if err != nil {
			return nil, err
		}
		options.ConnectionOptions.TLS = tlsConfig
	}
	for _, change := range more {
		change(&options)
	}
	return client.NewLazyClient(options)
}

func (t TLSConfig) load() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("reading temporal.tls.ca: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, sdp.Errorf(sdp.Invalid, "bad-config", "temporal.tls.ca: %s holds no certificate", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("reading temporal.tls.cert and key: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// NewControl returns the worker of the control queue: all workflows and the database activities, each of which is tried for
// patience.
func NewControl(c client.Client, control *activities.Control, patience time.Duration) worker.Worker {
	w := worker.New(c, sdp.ControlQueue, worker.Options{WorkerStopTimeout: 5 * time.Second,
		Interceptors: []interceptor.WorkerInterceptor{workflows.Refusals(), workflows.Summaries(), workflows.Patience(patience)}})
	for _, definition := range workflows.Definitions() {
		w.RegisterWorkflow(definition)
	}
	w.RegisterActivity(control)
	return w
}

// hostQueues are a node's task queues and how many of each one's tasks it does at once. All wait for Docker, git or requests
// most of the time; which builds run is for node.Slots to say.
func hostQueues(node string) map[string]int {
	return map[string]int{sdp.NodeQueue(node): 16, sdp.WorkQueue(node): 32, sdp.BuildQueue(node): 256}
}

// beatAnswer is how long Temporal may take to answer a heartbeat before the SDK ends the activity, and how often one is sent.
// Cancels are pushed and wait for none.
const beatAnswer = 5 * time.Second

func newHostWorker(c client.Client, queue string, tasks int, host *activities.Host) worker.Worker {
	w := worker.New(c, queue, worker.Options{
		DisableWorkflowWorker:              true,
		MaxConcurrentActivityExecutionSize: tasks,
		WorkerStopTimeout:                  5 * time.Second,
		MaxHeartbeatThrottleInterval:       beatAnswer,
	})
	w.RegisterActivity(host)
	return w
}
