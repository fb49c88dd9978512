package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// build builds a revision of a Go service and returns the binary.
func build(t *testing.T, name, revision string) (string, error) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	return binary, buildGo(t.Context(), export(t, name, revision), "./cmd/"+name, binary)
}

// running is a service started by a test.
type running struct {
	cmd    *exec.Cmd
	url    string
	output *lockedBuffer
}

// start starts a revision of a Go service on a free port. It is killed when the test ends.
func start(t *testing.T, name, revision string, env ...string) *running {
	t.Helper()
	binary, err := build(t, name, revision)
	if err != nil {
		t.Fatal(err)
	}
	port := freePorts(t, 1)
	r := &running{cmd: exec.Command(binary), url: fmt.Sprintf("http://127.0.0.1:%d", port), output: &lockedBuffer{}}
	r.cmd.Env = append(env, "HOST=127.0.0.1", fmt.Sprint("PORT=", port))
	r.cmd.Stdout, r.cmd.Stderr = r.output, r.output
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() })
	return r
}

// answering is start, and waits until the service answers with something.
func answering(t *testing.T, name, revision string, env ...string) *running {
	t.Helper()
	r := start(t, name, revision, env...)
	eventually(t, func() error {
		resp, err := http.Get(r.url + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	return r
}

// freePorts returns the first of n ports in a row that nobody listens on. They are below those the kernel gives to
// outgoing connections (32768 and up), which could take them meanwhile.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 100 {
		if base := 20_000 + rand.IntN(12_000); allFree(base, n) {
			return base
		}
	}
	t.Fatal("there are no free ports in a row")
	return 0
}

func allFree(base, n int) bool {
	for p := base; p < base+n; p++ {
		l, err := net.Listen("tcp", fmt.Sprint("0.0.0.0:", p))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// get asks for JSON and returns status, headers and the decoded answer.
func get(t *testing.T, url string, headers ...string) (int, http.Header, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s answered %s: %q", url, resp.Status, body)
	}
	return resp.StatusCode, resp.Header, answer
}

func TestEveryCommitOfMainBuilds(t *testing.T) {
	for _, name := range []string{"account", "payment", "user"} {
		commits, err := runGit(t.Context(), clonePath(t, name), "rev-list", "origin/main")
		if err != nil {
			t.Fatal(err)
		}
		for _, sha := range strings.Fields(commits) {
			if _, err := build(t, name, sha); err != nil {
				t.Errorf("%s %s: %v", name, sha, err)
			}
		}
	}
}

func TestTemplatesAreTidy(t *testing.T) {
	for name, commits := range histories {
		for _, c := range commits {
			if name == "gateway" || c.layer == "broken-build" {
				continue
			}
			dir := export(t, name, "origin/"+c.branch)
			if out, err := exec.Command("gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("gofmt of %s %s: %s %v", name, c.branch, out, err)
			}
			vet := exec.Command("go", "vet", "./...")
			vet.Dir = dir
			if out, err := vet.CombinedOutput(); err != nil {
				t.Errorf("go vet of %s %s: %s", name, c.branch, out)
			}
		}
	}
}

func TestFeatureBranches(t *testing.T) {
	tests := []struct{ service, branch, path, want string }{
		{"account", "main", "/", `"feature":"main"`},
		{"account", "main", "/accounts/1", `"balance":125000`},
		{"account", "feature/loyalty-points", "/", `"feature":"loyalty points`},
		{"account", "feature/loyalty-points", "/accounts/1", `"points":1250`},
		{"payment", "main", "/payments?account=2", `"id":"p-102"`},
		{"payment", "feature/instant-refunds", "/", `"feature":"instant refunds`},
		{"user", "main", "/users/ada", `"full":"Ada Lovelace"`},
		{"user", "feature/profile-v2", "/users/ada", `"initials":"AL"`},
	}
	for _, tt := range tests {
		t.Run(tt.service+" "+tt.branch+" "+tt.path, func(t *testing.T) {
			r := answering(t, tt.service, "origin/"+tt.branch, "SDP_SHA=0123abc")
			status, _, answer := get(t, r.url+tt.path)
			text, _ := json.Marshal(answer)
			if status != 200 || !bytes.Contains(text, []byte(tt.want)) || answer["commit"] != "0123abc" ||
				answer["service"] != tt.service || answer["environment"] != "sandbox" {
				t.Errorf("answer = %d %s", status, text)
			}
		})
	}
}

func TestBrokenBuildDoesNotCompile(t *testing.T) {
	_, err := build(t, "account", "origin/feature/broken-build")
	if err == nil || !strings.Contains(err.Error(), "points.go:6:12: undefined: ledger") {
		t.Errorf("error = %v", err)
	}
}

func TestCrashAtStartExits(t *testing.T) {
	r := start(t, "account", "origin/feature/crash-at-start")
	var exit *exec.ExitError
	if err := r.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("exit = %v", err)
	}
	if !strings.Contains(r.output.String(), "LEDGER_DSN is not set") {
		t.Errorf("output = %q", r.output)
	}
}

func TestNeverHealthyAnswers503(t *testing.T) {
	r := answering(t, "account", "origin/feature/never-healthy")
	status, _, answer := get(t, r.url+"/healthz")
	if status != 503 || !strings.Contains(fmt.Sprint(answer["reason"]), "replaying the ledger") {
		t.Errorf("answer = %d %v", status, answer)
	}
}

func TestSummaryAsksWithTheTrace(t *testing.T) {
	seen := make(chan http.Header, 2)
	others := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		fmt.Fprintf(w, `{"asked":%q}`, r.URL)
	}))
	defer others.Close()
	r := answering(t, "account", "origin/main", "PAYMENT_URL="+others.URL+"/", "USER_URL="+others.URL)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	status, _, answer := get(t, r.url+"/accounts/2/summary", "X-SDP-Trace", "t-1", "traceparent", parent)
	if status != 200 || fmt.Sprint(answer["payment"]) != "map[asked:/payments?account=2]" ||
		fmt.Sprint(answer["user"]) != "map[asked:/users/grace]" {
		t.Errorf("answer = %d %v", status, answer)
	}
	for range 2 {
		if h := <-seen; h.Get("X-SDP-Trace") != "t-1" || h.Get("Traceparent") != parent {
			t.Errorf("headers = %v", h)
		}
	}

	others.Close()
	status, _, answer = get(t, r.url+"/summary")
	if status != 502 || !strings.Contains(fmt.Sprint(answer["payment"]), "error") {
		t.Errorf("without the others: %d %v", status, answer)
	}
}

func TestWebSocketEchoes(t *testing.T) {
	r := answering(t, "account", "origin/main")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, r.url+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if resp.Header.Get("X-Served-By") != "local" {
		t.Errorf("headers = %v", resp.Header)
	}
	conn.SetReadLimit(1 << 20)
	for _, size := range []int{0, 5, 125, 126, 65535, 65536, 300_000} {
		sent := strings.Repeat("x", size)
		if err := conn.Write(ctx, websocket.MessageText, []byte(sent)); err != nil {
			t.Fatal(err)
		}
		kind, got, err := conn.Read(ctx)
		if err != nil || kind != websocket.MessageText || string(got) != sent {
			t.Fatalf("%d bytes came back as %d (%v, %v)", size, len(got), kind, err)
		}
	}
	reading := conn.CloseRead(ctx)
	if err := conn.Ping(ctx); err != nil {
		t.Error(err)
	}
	if err := conn.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Error(err)
	}
	<-reading.Done()

	resp, err = http.Get(r.url + "/ws")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("without an upgrade: %s", resp.Status)
	}
}

func TestStreamComesLineByLine(t *testing.T) {
	r := answering(t, "account", "origin/main")
	began := time.Now()
	resp, err := http.Get(r.url + "/stream?lines=2&every=2m") // the second line is for nobody
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil || line != "line 1 of 2 from account unknown\n" {
		t.Errorf("line = %q, %v", line, err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the first line came after %v", took)
	}
}

func TestServicesSpeakHTTP2(t *testing.T) {
	r := answering(t, "account", "origin/main")
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	client := http.Client{Transport: transport}
	resp, err := client.Post(r.url+"/echo", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "hello" || resp.ProtoMajor != 2 {
		t.Errorf("answer = %s %q, %v", resp.Proto, body, err)
	}
}

func TestSIGTERMLetsRequestsFinish(t *testing.T) {
	r := answering(t, "account", "origin/main")
	resp, err := http.Get(r.url + "/stream?lines=3&every=300ms") // its head has come: it is in flight
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || strings.Count(string(body), "\n") != 3 {
		t.Errorf("body = %q, %v", body, err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("exit = %v", err)
	}
}
