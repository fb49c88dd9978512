package devstack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// answers returns a check that url answers 200.
func answers(url string) func(context.Context) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// accepts returns a check that something listens.
func accepts(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// checkDocker returns an error if nobody listens where the Docker daemon should; only for local sockets.
func checkDocker(ctx context.Context, address string) error {
	path, local := strings.CutPrefix(address, "unix://")
	if !local {
		return nil
	}
	err := accepts("unix", path)(ctx)
	switch {
	case err == nil:
		return nil
	case os.IsPermission(err):
		return sdp.Errorf(sdp.Forbidden, "docker-forbidden", "no access to the Docker daemon: %w", err).
			WithRemedy("become a member of the group docker (`sudo usermod -aG docker $USER`, then sign in again), or run as root")
	}
	return sdp.Errorf(sdp.Unavailable, "docker-down", "the Docker daemon does not answer: %w", err).
		WithRemedy("start it: deploy/setup.sh up")
}
