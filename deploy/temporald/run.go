package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/dynamicconfig"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// stopPatience bounds a stop; everything is in PostgreSQL, so nothing is lost when it is cut short.
const stopPatience = 10 * time.Second

// frontendService is the name the server's health check answers for.
const frontendService = "temporal.api.workflowservice.v1.WorkflowService"

// run starts everything and serves until ctx ends.
func run(ctx context.Context, o options, logger *slog.Logger) error {
	began := time.Now()
	health := &healthState{}
	if o.health != "" {
		stop, err := health.listen(o.health)
		if err != nil {
			return err
		}
		defer stop()
	}
	if err := checkFree(o.listen); err != nil {
		return fmt.Errorf("starting the frontend: %w", err)
	}
	log := serverLog{slog: logger}
	if err := prepareDatabases(ctx, o.postgres, log); err != nil {
		return err
	}
	settings := newSettings()
	slowDown := settings.OverrideSetting(dynamicconfig.NamespaceCacheRefreshInterval, namespaceRefresh)
	server, frontend, err := newServer(o, settings, log)
	if err != nil {
		return fmt.Errorf("configuring the server: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting the server: %w", err)
	}
	defer stopWithin(stopPatience, func() { _ = server.Stop() }, logger)
	conn, err := grpc.NewClient(frontend, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := prepareNamespace(ctx, conn, o.namespace, o.retention); err != nil {
		return err
	}
	slowDown()
	stopUI, err := startUI(o, frontend)
	if err != nil {
		return err
	}
	defer stopUI()
	health.conn.Store(conn)
	logger.Info("Started", "frontend", o.listen, "ui", o.uiListen, "took", time.Since(began))
	<-ctx.Done()
	health.conn.Store(nil)
	return nil
}

func startUI(o options, frontend string) (stop func(), err error) {
	if o.uiListen == "" {
		return func() {}, nil
	}
	if err := checkFree(o.uiListen); err != nil {
		return nil, fmt.Errorf("starting the Web UI: %w", err)
	}
	ui, err := newUI(o, frontend)
	if err != nil {
		return nil, err
	}
	go func() { _ = ui.Start() }() // ends the process if it cannot listen, else returns after Stop
	return ui.Stop, nil
}

// stopWithin calls stop and returns when that did or the time is over.
func stopWithin(limit time.Duration, stop func(), logger *slog.Logger) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		logger.Warn("Stopped without waiting any longer", "waited", limit)
	}
}

// healthState answers GET /healthz (does the frontend work?) and GET /readyz (and can it reach PostgreSQL?): 503 until
// conn is set, which happens once everything is there.
type healthState struct {
	conn atomic.Pointer[grpc.ClientConn]
}

func (h *healthState) listen(address string) (stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("starting the health endpoint: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.answer(h.alive))
	mux.HandleFunc("GET /readyz", h.answer(h.ready))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}

func (h *healthState) answer(check func(context.Context, *grpc.ClientConn) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		conn, err := h.conn.Load(), errors.New("starting or stopping")
		if conn != nil {
			err = check(ctx, conn)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}

// alive asks the frontend about itself only: a restart would not help against a PostgreSQL that is down.
func (h *healthState) alive(ctx context.Context, conn *grpc.ClientConn) error {
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: frontendService})
	if err != nil {
		return err
	}
	if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("frontend is %s", answer.GetStatus())
	}
	return nil
}

// ready makes the frontend read something from PostgreSQL.
func (h *healthState) ready(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := workflowservice.NewWorkflowServiceClient(conn).
		ListNamespaces(ctx, &workflowservice.ListNamespacesRequest{PageSize: 1})
	return err
}
