package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// Sandboxes of manySandboxes: so many rows, so many of them with a container that runs.
const (
	manyRows    = 200
	manyRunning = 50
	listRate    = 50 // requests a second
	listFor     = 10 * time.Second
	deleteLimit = 10 * time.Minute
)

// manySandboxes measures the list with 200 sandboxes, 50 of them running something, and that their ports were given out
// without a duplicate or a gap although a hundred asked at once.
func manySandboxes(ctx context.Context, s *stack) ([]figure, error) {
	if err := s.makeRoom(ctx, browseRows+50); err != nil {
		return nil, err
	}
	c, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := portAllocations(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, c); err != nil {
		return nil, err
	}
	list, err := s.listLatency(ctx)
	return []figure{ports, list}, errors.Join(err, removeMany(ctx, c))
}

func manyName(n int) string { return fmt.Sprintf("many-%03d", n) }

// portAllocations makes a hundred sandboxes at once, of which each tenth asks for a name that is taken and fails after
// its port was chosen.
func portAllocations(ctx context.Context, c *apiclient.Client) (figure, error) {
	const many = 100
	f := figure{name: "100 port allocations at once", theirs: "-", bar: "no duplicate or gap"}
	before, err := sandboxPorts(ctx, c)
	if err != nil {
		return f, err
	}
	var refused int
	var lock sync.Mutex
	began := time.Now()
	_, err = atOnce(many, func(n int) (time.Duration, error) {
		name := manyName(n)
		if n%10 == 9 {
			name = manyName(n - 1)
		}
		_, err := c.CreateSandbox(ctx, sdp.SandboxSpec{Name: name})
		if sdp.KindOf(err) == sdp.Conflict {
			lock.Lock()
			refused++
			lock.Unlock()
			return 0, nil
		}
		return 0, err
	})
	if err != nil {
		return f, err
	}
	elapsed := time.Since(began)
	after, err := sandboxPorts(ctx, c)
	if err != nil {
		return f, err
	}
	duplicates := len(after) - len(slices.Compact(slices.Sorted(slices.Values(after))))
	gaps := gapsIn(after)
	made := len(after) - len(before)
	f.ours = fmt.Sprintf("%d made, %d refused, %s", made, refused, show(elapsed))
	f.met = duplicates == 0 && gaps == 0 && made == many*9/10 && refused == many/10
	f.comments = []string{fmt.Sprintf("%d duplicates, %d gaps", duplicates, gaps)}
	return f, nil
}

// gapsIn counts the free ports between the lowest and the highest that are taken.
func gapsIn(ports []int) int {
	sorted := slices.Compact(slices.Sorted(slices.Values(ports)))
	return sorted[len(sorted)-1] - sorted[0] + 1 - len(sorted)
}

func sandboxPorts(ctx context.Context, c *apiclient.Client) ([]int, error) {
	list, err := c.Sandboxes(ctx)
	ports := make([]int, len(list))
	for i, s := range list {
		ports[i] = s.Port
	}
	return ports, err
}

// fill makes the rest of the sandboxes and deploys into some of them.
func fill(ctx context.Context, c *apiclient.Client) error {
	have, err := c.Sandboxes(ctx)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, s := range have {
		names[s.Name] = true
	}
	for n, made := 0, len(have); made < manyRows; n++ {
		if names[manyName(n)] {
			continue
		}
		if _, err := c.CreateSandbox(ctx, sdp.SandboxSpec{Name: manyName(n)}); err != nil {
			return err
		}
		made++
	}
	for n, running := 0, 0; running < manyRunning; n++ {
		if n%10 == 9 && n < 100 && !names[manyName(n)] {
			continue // its creation was refused above
		}
		running++
		started, err := c.Deploy(ctx, manyName(n), rest.Deploy{Services: []rest.DeployService{{Service: "account", Branch: "main"}}})
		if err != nil {
			return err
		}
		for _, d := range started {
			ended, err := c.WaitDeployment(ctx, d.ID, nil)
			if err == nil {
				err = apiclient.FailureError(ended.Failure)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// listLatency asks for the list at a steady rate. A request counts from when it was due, so that one slow answer shows in
// those behind it.
func (s *stack) listLatency(ctx context.Context) (figure, error) {
	session, err := s.login(ctx)
	if err != nil {
		return figure{}, err
	}
	ask := func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/sandboxes?limit=200", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+session)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /sandboxes answers %s", resp.Status)
		}
		return nil
	}
	count := int(listFor.Seconds() * listRate)
	began := time.Now()
	took, err := atOnce(count, func(n int) (time.Duration, error) {
		due := began.Add(time.Duration(n) * time.Second / listRate)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		err := ask()
		return time.Since(due), err
	})
	p95 := percentile(took, 95)
	return figure{name: fmt.Sprintf("GET /sandboxes, %d rows, %d running, %d/s, p95", manyRows, manyRunning, listRate),
		ours: show(p95) + " (median " + show(median(took)) + ")", theirs: "-", bar: "<= 25 ms", met: p95 <= 25*time.Millisecond,
		comments: []string{fmt.Sprintf("%d requests, p99 %s", count, show(percentile(took, 99)))}}, err
}

func removeMany(ctx context.Context, c *apiclient.Client) error {
	list, err := c.Sandboxes(ctx)
	if err != nil {
		return err
	}
	for _, s := range list {
		if strings.HasPrefix(s.Name, "many-") {
			if _, err := c.DeleteSandbox(ctx, s.Name); err != nil {
				return err
			}
		}
	}
	// What is measured next is not to be disturbed by what still goes.
	return await(ctx, "the deletes", deleteLimit, func() (bool, error) {
		list, err := c.Sandboxes(ctx)
		return err == nil && !slices.ContainsFunc(list, func(s rest.Sandbox) bool { return s.Deleting }), err
	})
}
