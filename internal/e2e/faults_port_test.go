package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"sdp/api/rest"
)

// nextPort is the public port the next sandbox gets: the lowest of the gateway node's range that no sandbox has and no
// foreign process was found on.
func (s *site) nextPort(t *testing.T) (port int) {
	t.Helper()
	t.Run("probe", func(t *testing.T) { port = s.newSandbox(t, "").Port }) // deleted at its end
	return port
}

// A sandbox whose port is held by something that is not SDP's gets the next one, and the audit says so.
func TestPublicPortHeldByAForeignProcess(t *testing.T) {
	s := lab(t)
	held := s.nextPort(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", held))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	box := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	if box.Port != held+1 {
		t.Errorf("with port %d held the sandbox got %d, want %d", held, box.Port, held+1)
	}
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@")
	var told bool
	for _, e := range askJSON[[]rest.AuditEvent](t, s.installation, "audit", "--sandbox", box.Name) {
		told = told || e.Action == "port.reassign" && e.Outcome == "succeeded" &&
			strings.Contains(e.Detail, fmt.Sprintf("holds port %d on gateway-1; the sandbox got %d", held, box.Port))
	}
	if !told {
		t.Errorf("the audit does not say that port %d was held:\n%s", held, s.ok(t, "audit", "--sandbox", box.Name))
	}
	note := fmt.Sprintf("holds port %d", held)
	if text := s.ok(t, "sandbox", "show", box.Name); !strings.Contains(box.PortNote, note) || !strings.Contains(text, note) {
		t.Errorf("`sdp sandbox show` does not say why the port is %d: %q\n%s", box.Port, box.PortNote, text)
	}
	if text := s.ok(t, "ports"); !strings.Contains(text, fmt.Sprint(held)) || !strings.Contains(text, "FOREIGN") || !strings.Contains(text, box.Name) {
		t.Errorf("`sdp ports` does not show who has ports %d and %d:\n%s", held, box.Port, text)
	}
	next := s.newSandbox(t, "")
	if next.Port == held {
		t.Errorf("the held port %d was given out again", held)
	}
}
