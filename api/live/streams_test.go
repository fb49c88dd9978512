package live_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"sdp/api/live"
)

// serve answers with a WebSocket on which send sends, and returns its address.
func serve(t *testing.T, streams *live.Streams, send func(context.Context, *live.Conn) error) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		over := func(context.Context) bool { return false }
		if err := streams.Serve(w, r, over, send); errors.Is(err, live.ErrClosing) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// TestClosingTellsWhetherToComeBack: after the end a reader has all there is, after anything else it resumes.
func TestClosingTellsWhetherToComeBack(t *testing.T) {
	t.Parallel()
	for why, want := range map[error]websocket.StatusCode{
		nil:                       websocket.StatusNormalClosure,
		errors.New("no database"): websocket.StatusTryAgainLater,
		live.ErrClosing:           websocket.StatusServiceRestart,
	} {
		url := serve(t, live.NewStreams(), func(ctx context.Context, conn *live.Conn) error {
			return errors.Join(conn.Send(ctx, map[string]int{"next": 7}), why)
		})
		conn := dial(t, url)
		if _, raw, err := conn.Read(t.Context()); err != nil || string(raw) != `{"next":7}` {
			t.Errorf("%s: %v", raw, err)
		}
		if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != want {
			t.Errorf("after %v: %v, want %d", why, err, want)
		}
	}
}

// TestShut: it waits for the streams that are open, and none begins after it.
func TestShut(t *testing.T) {
	t.Parallel()
	streams := live.NewStreams()
	ended := make(chan struct{})
	url := serve(t, streams, func(ctx context.Context, conn *live.Conn) error {
		defer close(ended)
		if err := conn.Send(ctx, "begun"); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	conn := dial(t, url)
	if _, _, err := conn.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(t.Context())
		closed <- err
	}()
	streams.Shut()
	select {
	case <-ended:
	default:
		t.Error("Shut did not wait for the stream")
	}
	if err := <-closed; websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("closed with %v", err)
	}
	if _, response, err := websocket.Dial(t.Context(), url, nil); err == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a stream began after Shut: %v", err)
	}
}
