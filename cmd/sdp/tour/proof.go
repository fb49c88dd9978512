package tour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/observe"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// proofPath is a page for which the gateway asks account, and account asks payment and user.
const proofPath = "/account/summary"

// answer is what a service of the demo says of itself in each of its JSON answers.
type answer struct {
	Service     string `json:"service"`
	Commit      string `json:"commit"`
	Environment string `json:"environment"` // sandbox or ocp
	Feature     string `json:"feature"`
}

// prove asks the sandbox's URL and shows who answered.
func (t *tour) prove(ctx context.Context, box rest.Sandbox) error {
	url := strings.TrimRight(box.URL, "/") + proofPath
	var resp response
	err := retry(ctx, func() (err error) {
		resp, err = get(ctx, url)
		if by := resp.header.Get(wire.SandboxHeader); err == nil && by != t.at.Sandbox {
			err = sdp.Errorf(sdp.Unavailable, "port-held", "%s is answered by another program, and not by sandbox %s", url, t.at.Sandbox).
				WithRemedy("`ss -ltnp sport = :%d` shows which; stop it", box.Port)
		}
		return err
	})
	if err != nil {
		return err
	}
	s := t.screen
	s.Printf("")
	s.Printf("%s", s.Paint(screen.Bold, "$ curl -i "+url))
	s.Printf("HTTP/1.1 %s", resp.status)
	for _, name := range []string{wire.SandboxHeader, wire.RouteHeader} {
		for _, value := range resp.header.Values(name) {
			s.Printf("%s: %s", name, s.Paint(screen.Cyan, value))
		}
	}
	s.Printf("")
	table := s.Table("SERVICE", "ANSWERED FROM", "COMMIT", "WHAT IT HAS")
	for _, a := range answers(resp.body) {
		from := screen.Cell{Text: a.Environment}
		if a.Environment == string(sdp.SourceSandbox) {
			from = screen.Cell{Text: "sandbox " + t.at.Sandbox, Style: screen.Green}
		}
		table.Row(a.Service, from, sdp.ShortSHA(a.Commit), a.Feature)
	}
	table.Print("The answer does not say who gave it.")
	s.Printf("")
	return t.trace(ctx)
}

// trace shows the same request hop by hop, as the routers saw it.
func (t *tour) trace(ctx context.Context) error {
	got, err := t.client.Trace(ctx, t.at.Sandbox, rest.TraceRequest{Path: proofPath})
	if err != nil {
		return err
	}
	t.screen.Printf("%s", t.screen.Paint(screen.Bold, "$ sdp trace "+t.at.Sandbox+" "+proofPath))
	observe.ShowHops(t.screen, got)
	t.screen.Printf("")
	return nil
}

type response struct {
	status string
	header http.Header
	body   []byte
}

// get asks once; anything but 200 is Unavailable, because containers may still be coming back after a restart.
func get(ctx context.Context, url string) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return response{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return response{}, sdp.Errorf(sdp.Unavailable, "no-answer", "%s does not answer: %w", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return response{}, sdp.Errorf(sdp.Unavailable, "no-answer", "%s answers %s: %s", url, resp.Status, firstLine(body)).
			WithRemedy("`sdp routes` shows who should answer")
	}
	return response{status: resp.Status, header: resp.Header, body: body}, nil
}

func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	return line
}

// answers finds every service that had a part in a JSON answer, the outermost first.
func answers(body []byte) []answer {
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return nil
	}
	var out []answer
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if a, ok := answerOf(v); ok && !slices.Contains(out, a) {
				out = append(out, a)
			}
			for _, key := range sortedKeys(v) {
				walk(v[key])
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(tree)
	return out
}

func answerOf(v map[string]any) (answer, bool) {
	text := func(key string) string { s, _ := v[key].(string); return s }
	a := answer{Service: text("service"), Commit: text("commit"), Environment: text("environment"), Feature: text("feature")}
	return a, a.Service != "" && a.Environment != ""
}

func sortedKeys(v map[string]any) []string {
	keys := make([]string, 0, len(v))
	for key := range v {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// showPlaces ends the tour with where everything is and what to try next.
func showPlaces(s *screen.Screen, at Place, url string) {
	line := func(what, where string) {
		if where != "" {
			s.Printf("  %s%s", screen.Pad(what, 16), s.Paint(screen.Cyan, where))
		}
	}
	s.Printf("%s Ctrl-C stops it; the next start finds everything as it is.", s.Paint(screen.Green, "SDP is running."))
	line("sandbox", url)
	line("dashboard, API", at.URL)
	line("Temporal", at.TemporalUI)
	line("git server", at.GitURL)
	line("clones", at.Clones)
	line("logs", at.LogDir)
	if url != "" {
		s.Printf("Try, in another terminal:")
		if dir := outsidePath(); dir != "" {
			s.Printf("  export PATH=%s:$PATH", dir)
		}
		for _, command := range []string{
			fmt.Sprintf("sdp login --server %s -u alice        # password: alice-demo", at.URL),
			fmt.Sprintf("sdp trace %s %s", at.Sandbox, proofPath),
			fmt.Sprintf("sdp deploy %s payment@feature/instant-refunds --wait", at.Sandbox),
		} {
			s.Printf("  %s", command)
		}
	} else {
		s.Printf("To deploy your own: add repositories to %s,", at.Config)
		s.Printf("name one of them as login.repository in %s, and start again.", at.ServerConfig)
	}
}

// outsidePath is the directory of this program where typing "sdp" does not find it, else "".
func outsidePath() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if found, err := exec.LookPath("sdp"); err == nil {
		a, err1 := os.Stat(found)
		b, err2 := os.Stat(self)
		if errors.Join(err1, err2) == nil && os.SameFile(a, b) {
			return ""
		}
	}
	return filepath.Dir(self)
}
