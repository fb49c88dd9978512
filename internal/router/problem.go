package router

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"sdp/internal/wire"
)

// unreadTimeout is how long net/http may wait for the rest of a body that the router's own answer leaves unread.
const unreadTimeout = 3 * time.Second

// problem answers with an RFC 9457 problem document.
func (x *exchange) problem(status int, code, detail, remedy string) {
	p := problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code,
		Remedy: remedy, Service: strings.ToValidUTF8(x.service, "?")}
	h := x.w.Header()
	if x.sb != nil {
		p.Sandbox = x.sb.name
		h[wire.SandboxHeader] = x.sb.header
	}
	if x.trace != "" {
		h[wire.TraceHeader] = []string{x.trace}
	}
	body, _ := json.Marshal(p) // strings and a number: cannot fail
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	x.status = status
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(unreadTimeout)) // a stream of HTTP/2 may have ended
	x.w.WriteHeader(status)
	x.w.Write(append(body, '\n'))
}

type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Remedy  string `json:"remedy,omitempty"`
	Sandbox string `json:"sandbox,omitempty"`
	Service string `json:"service,omitempty"`
}
