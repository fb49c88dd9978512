package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Load while routes are switched: this many requests, from this many clients, beside slow requests and WebSockets.
const (
	switchRequests = 20_000
	switchClients  = 16
	switchSlow     = 8
	switchSockets  = 8
)

// load is constant traffic on a sandbox's port. Each request that does not answer 200 has failed; each slow request or
// WebSocket that ends before it should has been cut.
type load struct {
	url                 string
	asked, failed, slow atomic.Int64
	echoes, cut         atomic.Int64
	client              *http.Client
	firstProblem        atomic.Pointer[string]
}

// switchUnderLoad redeploys a service and flips its route back and forth while requests, slow requests and WebSockets
// are under way.
func switchUnderLoad(ctx context.Context, s *stack) ([]figure, error) {
	url, err := s.sandbox(ctx, "switch")
	if err != nil {
		return nil, err
	}
	if _, err := s.sdp(ctx, "deploy", "switch", "account@main", "--wait"); err != nil {
		return nil, err
	}
	l := &load{url: url + "/account", client: &http.Client{Timeout: time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: switchClients + switchSlow}}}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	for range switchClients {
		group.Go(func() { l.requests(running) })
	}
	for range switchSlow {
		group.Go(func() { l.slowRequests(running) })
	}
	for range switchSockets {
		group.Go(func() { l.socket(running) })
	}
	switches, err := s.switchUntil(ctx, func() bool { return l.asked.Load() >= switchRequests })
	stop()
	group.Wait()
	if err != nil {
		return nil, err
	}
	f := figure{name: "redeploys and route switches under load", bar: "0 failed, 0 cut", met: l.failed.Load() == 0 && l.cut.Load() == 0,
		ours: fmt.Sprintf("%d failed, %d cut", l.failed.Load(), l.cut.Load()),
		comments: []string{fmt.Sprintf("%d requests, %d slow ones, %d WebSocket echoes on %d sockets, %d switches",
			l.asked.Load(), l.slow.Load(), l.echoes.Load(), switchSockets, switches)}}
	if p := l.firstProblem.Load(); p != nil {
		f.comments = append(f.comments, "first problem: "+*p)
	}
	return []figure{f}, nil
}

// switchUntil redeploys and flips routes until enough is true, at least twice round.
func (s *stack) switchUntil(ctx context.Context, enough func() bool) (int, error) {
	steps := [][]string{
		{"deploy", "switch", "account@feature/loyalty-points", "--wait"},
		{"route", "switch", "account", "ocp", "--wait"},
		{"route", "switch", "account", "sandbox", "--wait"},
		{"deploy", "switch", "account@main", "--wait"},
		{"restart", "switch", "account", "--wait"},
	}
	for n := 0; ; n++ {
		if n >= 2*len(steps) && enough() {
			return n, nil
		}
		if _, err := s.sdp(ctx, steps[n%len(steps)]...); err != nil {
			return n, err
		}
	}
}

func (l *load) problem(counter *atomic.Int64, format string, args ...any) {
	counter.Add(1)
	text := fmt.Sprintf(format, args...)
	l.firstProblem.CompareAndSwap(nil, &text)
}

func (l *load) requests(ctx context.Context) {
	for ctx.Err() == nil {
		l.asked.Add(1)
		if err := l.get("/version"); err != nil {
			l.problem(&l.failed, "%v", err)
		}
	}
}

// slowRequests asks for answers that take a while, so that switches happen in the middle of them.
func (l *load) slowRequests(ctx context.Context) {
	for ctx.Err() == nil {
		l.slow.Add(1)
		if err := l.get("/slow?for=2s"); err != nil {
			l.problem(&l.cut, "slow request: %v", err)
		}
	}
}

func (l *load) get(path string) error {
	resp, err := l.client.Get(l.url + path) //nolint:noctx // one that is broken off here would count as cut by the switch
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return err
}

// socket holds a WebSocket for a few seconds, longer than a switch takes and shorter than containers are drained, and
// then opens the next one. What it sends must come back.
func (l *load) socket(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.session(); err != nil {
			l.problem(&l.cut, "WebSocket: %v", err)
		}
	}
}

func (l *load) session() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(l.url, "http://", "ws://", 1)+"/ws", nil) //nolint:bodyclose // Dial closes it
	if err != nil {
		return err
	}
	defer conn.CloseNow() //nolint:errcheck // closed properly below, unless it failed already
	for range 80 {
		l.echoes.Add(1)
		if err := conn.Write(ctx, websocket.MessageText, []byte("still there?")); err != nil {
			return err
		}
		_, data, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if !strings.Contains(string(data), "still there?") {
			return fmt.Errorf("the echo is %q", data)
		}
		time.Sleep(50 * time.Millisecond) // a chat's pace, not a flood
	}
	return conn.Close(websocket.StatusNormalClosure, "")
}
