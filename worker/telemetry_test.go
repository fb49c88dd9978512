package worker

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"sdp/internal/secret"
)

// countedMetrics is a metrics handler that remembers which counters were used.
type countedMetrics struct {
	client.MetricsHandler
	mu    *sync.Mutex
	names map[string]int64
}

func (c countedMetrics) WithTags(map[string]string) client.MetricsHandler { return c }

func (c countedMetrics) Counter(name string) client.MetricsCounter { return counter{c, name} }

type counter struct {
	of   countedMetrics
	name string
}

func (c counter) Inc(n int64) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.names[c.name] += n
}

// traced is a tracing interceptor that remembers that it was asked.
type traced struct {
	interceptor.ClientInterceptorBase
	asked bool
}

func (t *traced) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	t.asked = true
	return t.ClientInterceptorBase.InterceptClient(next)
}

func TestTelemetryIsHookedInWhereTemporalIsDialled(t *testing.T) {
	t.Parallel()
	keys, err := secret.LoadCodecKeys(t.TempDir() + "/codec.keys")
	if err != nil {
		t.Fatal(err)
	}
	metrics := countedMetrics{client.MetricsNopHandler, &sync.Mutex{}, map[string]int64{}}
	tracing := &traced{}
	c, err := Dial(TemporalConfig{Address: "127.0.0.1:1", Namespace: "sdp"}, keys, "test", slog.Default(), WithTelemetry(metrics, tracing))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := c.CheckHealth(ctx, nil); err == nil {
		t.Error("nothing listens there, and it is healthy")
	}
	metrics.mu.Lock()
	defer metrics.mu.Unlock()
	if len(metrics.names) == 0 || !tracing.asked {
		t.Errorf("counted %v, tracing asked: %v", metrics.names, tracing.asked)
	}
}
