// Package apiclient is the typed Go client of SDP's HTTP API. Errors come back as *sdp.Error, exactly as the server
// meant them; a server that does not answer is Unavailable with code "server-unreachable".
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

const (
	callTimeout = 60 * time.Second // the server itself gives up asking a worker after 45 s
	maxAnswer   = 32 << 20
	attempts    = 3 // for a call whose connection broke: the Idempotency-Key makes that safe
)

// Client talks to one server as one user. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client

	mu    sync.Mutex
	token string
}

// New returns a client of the server at baseURL ("http://host:7700"). token is "" before a login.
func New(baseURL, token string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-server-url", "the server's address is not a valid URL").
			WithRemedy("use one such as http://sdp.example:7700")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: u, token: token, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// request is one call of the API.
type request struct {
	method string
	path   string // below /api/v1, escaped
	query  url.Values
	in     any
	out    any
	key    string // Idempotency-Key
}

func get(path string, query url.Values, out any) request {
	return request{method: http.MethodGet, path: path, query: query, out: out}
}

// change is a request that changes something. It has a key of its own, so that it can be sent again.
func change(method, path string, in, out any) request {
	return request{method: method, path: path, in: in, out: out, key: sdp.NewID("c-")}
}

// call sends r and decodes the answer.
func (c *Client) call(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		response, err := c.send(ctx, r)
		if err == nil {
			return decode(response, r.out)
		}
		if attempt == attempts || ctx.Err() != nil || !broke(err) {
			return c.unreachable(err)
		}
	}
}

// broke tells a connection that was lost from one that was never made, which is not worth another attempt.
func broke(err error) bool {
	var op *net.OpError
	return !(errors.As(err, &op) && op.Op == "dial")
}

func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.in != nil {
		raw, err := json.Marshal(r.in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.url(r.path, r.query), body)
	if err != nil {
		return nil, err
	}
	req.Header = c.header()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return c.http.Do(req)
}

func (c *Client) url(path string, query url.Values) string {
	full := c.base.String() + "/api/v1" + path
	if len(query) > 0 {
		full += "?" + query.Encode()
	}
	return full
}

func (c *Client) header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := http.Header{"Accept": {"application/json"}}
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	return h
}

func decode(response *http.Response, out any) error {
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return problem(response)
	}
	if out == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(out); err != nil {
		return sdp.Errorf(sdp.Internal, "bad-answer", "the server's answer cannot be read: %w", err).
			WithRemedy("check that the address is that of an sdp server, of the same version as this program")
	}
	return nil
}

// problem reads an error as the server meant it.
func problem(response *http.Response) error {
	var p rest.Problem
	raw, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // what cannot be read is no problem+json
	if json.Unmarshal(raw, &p) == nil && p.Code != "" && p.Kind != "" {
		return &sdp.Error{Kind: sdp.Kind(p.Kind), Code: p.Code, Detail: p.Detail, Remedy: p.Remedy, Command: p.Command}
	}
	if response.StatusCode >= 500 {
		return sdp.Errorf(sdp.Unavailable, "server-unreachable", "the server answers %s", response.Status).
			WithRemedy("try again in a moment")
	}
	return sdp.Errorf(sdp.Internal, "bad-answer", "the answer is %s and not from an sdp server", response.Status).
		WithRemedy("check the server's address")
}

// unreachable says that the server does not answer. The text of the cause has no URL in it.
func (c *Client) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return sdp.Errorf(sdp.Unavailable, "server-unreachable", "the server at %s does not answer: %w", c.base.Host, err).
		WithRemedy("check that it runs (`sdp up` or `sdp server`), or name another with --server")
}

// all reads page after page until there is no more or limit items are there; 0 = all.
func all[T any](ctx context.Context, c *Client, path string, query url.Values, limit int) ([]T, error) {
	items := []T{}
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "200")
	if limit > 0 && limit < 200 {
		query.Set("limit", itoa(limit))
	}
	for {
		var page rest.Page[T]
		if err := c.call(ctx, get(path, query, &page)); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if limit > 0 && len(items) >= limit {
			return items[:limit], nil
		}
		if page.Next == "" {
			return items, nil
		}
		query.Set("cursor", page.Next)
	}
}

// list reads a list that has no pages.
func list[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	var page rest.Page[T]
	err := c.call(ctx, get(path, nil, &page))
	return page.Items, err
}
