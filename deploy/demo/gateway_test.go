package demo

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// docker runs the docker client and returns what it prints.
func docker(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s (is it installed and running? apt-get install docker.io)", args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

var loadBase = sync.OnceValue(func() error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(PHPBaseTar(context.Background(), w)) }()
	load := exec.Command("docker", "load")
	load.Stdin = r
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("docker load: %w: %s (is it installed and running? apt-get install docker.io)", err, out)
	}
	return nil
})

// hardened are the options SDP's containers run with.
var hardened = []string{
	"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "256", "--memory", "256m",
}

// gateway is a container of the gateway.
type gateway struct{ container, url string }

// startGateway builds a branch of the gateway and runs it with the services of cfg as its upstreams.
func startGateway(t *testing.T, branch string, cfg OCPConfig) gateway {
	t.Helper()
	if err := loadBase(); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("sdp-demo-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	docker(t, nil, "build", "--quiet", "--tag", name, export(t, "gateway", "origin/"+branch))
	t.Cleanup(func() { docker(t, nil, "rmi", "--force", name) })

	args := append([]string{"run", "--detach", "--name", name, "--env", "SDP_SHA=0123abc"}, hardened...)
	host := docker(t, nil, "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
	for _, s := range []string{"account", "payment", "user"} {
		url := fmt.Sprintf("http://%s:%d", s, cfg.port(s))
		args = append(args, "--env", strings.ToUpper(s)+"_URL="+url, "--add-host", s+":"+firstAddress(t, host))
	}
	docker(t, nil, append(args, name)...)
	t.Cleanup(func() { docker(t, nil, "rm", "--force", name) })
	address := docker(t, nil, "inspect", name, "--format", "{{.NetworkSettings.IPAddress}}")
	g := gateway{name, "http://" + net.JoinHostPort(address, fmt.Sprint(ServicePort))}
	eventually(t, func() error { return probe(t.Context(), g.url) })
	return g
}

// firstAddress is the host's own address in a bridge network.
func firstAddress(t *testing.T, subnet string) string {
	t.Helper()
	ip, _, err := net.ParseCIDR(subnet)
	if err != nil {
		t.Fatal(err)
	}
	ip = ip.To4()
	return net.IPv4(ip[0], ip[1], ip[2], ip[3]+1).String()
}

func TestPHPBaseIsReproducible(t *testing.T) {
	var sums [2][32]byte
	var size int64
	for i := range sums {
		h := sha256.New()
		r, w := io.Pipe()
		go func() { w.CloseWithError(PHPBaseTar(t.Context(), w)) }()
		n, err := io.Copy(h, r)
		if err != nil {
			t.Fatal(err)
		}
		sums[i], size = [32]byte(h.Sum(nil)), n
	}
	if sums[0] != sums[1] {
		t.Error("two images of one host differ")
	}
	if size > 80<<20 {
		t.Errorf("the image has %d bytes", size)
	}
}

func TestPHPBaseRunsPHPAsNobody(t *testing.T) {
	if err := loadBase(); err != nil {
		t.Fatal(err)
	}
	run := append([]string{"run", "--rm"}, hardened...)
	if got := docker(t, nil, append(run, PHPBase, "php", "-v")...); !strings.HasPrefix(got, "PHP 8.") {
		t.Errorf("php -v = %q", got)
	}
	const code = `echo posix_getuid(), " ",
		(new DateTime("2025-01-01 UTC"))->setTimezone(new DateTimeZone("Asia/Tokyo"))->format("H"), " ",
		count(openssl_x509_parse(file_get_contents(ini_get("openssl.cafile")))) > 0 ? "tls" : "", " ",
		opcache_get_status(false) === false ? "" : "cached";`
	got := docker(t, nil, append(run, PHPBase, "php", "-d", "opcache.enable_cli=1", "-r", code)...)
	if got != "65532 09 tls cached" {
		t.Errorf("php said %q", got)
	}
	labels := docker(t, nil, "inspect", "--format", `{{index .Config.Labels "sdp.base"}}`, PHPBase)
	if labels != PHPBase {
		t.Errorf("label = %q", labels)
	}
}

func TestGatewayContainer(t *testing.T) {
	cfg, _ := startOCP(t, "0.0.0.0")
	g := startGateway(t, "main", cfg)
	t.Run("overview", func(t *testing.T) { testOverview(t, g) })
	t.Run("page", func(t *testing.T) { testPage(t, g) })
	t.Run("forward", func(t *testing.T) { testForward(t, g) })
	t.Run("bodies", func(t *testing.T) { testBodies(t, g) })
	t.Run("stream", func(t *testing.T) { testGatewayStreams(t, g) })
	t.Run("load", func(t *testing.T) { testLoad(t, g) })
	t.Run("user", func(t *testing.T) {
		top := docker(t, nil, "top", g.container, "-o", "pid,uid")
		if strings.Contains(top+"\n", " 0\n") || !strings.Contains(top, "65532") {
			t.Errorf("processes:\n%s", top)
		}
	})
	t.Run("stop", func(t *testing.T) {
		began := time.Now()
		docker(t, nil, "stop", "--time", "30", g.container)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func testOverview(t *testing.T, g gateway) {
	for _, path := range []string{"/", "/overview"} {
		status, headers, answer := get(t, g.url+path)
		services, _ := answer["services"].(map[string]any)
		if status != 200 || len(services) != 3 || answer["commit"] != "0123abc" || headers.Get("X-Served-By") != "sandbox" {
			t.Errorf("%s: %d %v", path, status, answer)
		}
		for name, s := range services {
			if said := s.(map[string]any); said["status"] != 200.0 || said["environment"] != "ocp" || said["service"] != name {
				t.Errorf("%s said %v", name, said)
			}
		}
	}
}

func testPage(t *testing.T, g gateway) {
	req, err := http.NewRequest(http.MethodGet, g.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	page := string(body)
	if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Errorf("page: %v %v", resp.Header, err)
	}
	for _, want := range []string{"Welcome to the company", "width=device-width", "<h2>payment", "0123abc"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q: %s", want, page)
		}
	}
}

func testForward(t *testing.T, g gateway) {
	status, headers, answer := get(t, g.url+"/account/accounts/2", "X-SDP-Trace", "t-2")
	if status != 200 || headers.Get("X-Served-By") != "ocp" || answer["service"] != "account" {
		t.Errorf("account: %d %v %v", status, headers, answer)
	}
	for _, h := range []string{"Date", "Content-Type", "X-Served-By"} {
		if len(headers.Values(h)) != 1 {
			t.Errorf("%s: %q", h, headers.Values(h))
		}
	}
	status, _, answer = get(t, g.url+"/payment/payments?account=2")
	if payments, _ := answer["payments"].([]any); status != 200 || len(payments) != 1 {
		t.Errorf("payment: %d %v", status, answer)
	}
	for _, path := range []string{"/user/users/nobody", "/nothing", "/accounts"} {
		if status, _, answer := get(t, g.url+path); status != 404 {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
}

func testBodies(t *testing.T, g gateway) {
	form := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n" +
		strings.Repeat("data", 50_000) + "\r\n--b--\r\n"
	bodies := map[string]string{"multipart/form-data; boundary=b": form, "application/json": `{"a":1}`, "text/plain": ""}
	for kind, sent := range bodies {
		resp, err := http.Post(g.url+"/account/echo", kind, strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != sent || resp.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d bytes came back as %d (%v, %v)", kind, len(sent), len(got), resp.Header, err)
		}
	}
}

func testGatewayStreams(t *testing.T, g gateway) {
	began := time.Now()
	resp, err := http.Get(g.url + "/account/stream?lines=2&every=2m") // the second line is for nobody
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line := make([]byte, len("line 1 of 2"))
	if _, err := io.ReadFull(resp.Body, line); err != nil || string(line) != "line 1 of 2" {
		t.Errorf("line = %q, %v", line, err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the first line came after %v", took)
	}
}

func testLoad(t *testing.T, g gateway) {
	const clients, each = 16, 100
	began := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				resp, err := http.Get(g.url + "/account/")
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("answer = %s, %v", resp.Status, err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d requests in %v", clients*each, time.Since(began))
}

func TestGatewayWithoutServices(t *testing.T) {
	g := startGateway(t, "feature/new-greeting", OCPConfig{BasePort: 1}) // nobody listens on ports 2 to 4
	status, _, answer := get(t, g.url+"/")
	if status != 200 || answer["greeting"] != "Good to see you again" ||
		!strings.Contains(fmt.Sprint(answer["services"]), "does not answer") {
		t.Errorf("answer = %d %v", status, answer)
	}
	if status, _, answer := get(t, g.url+"/account/"); status != 502 {
		t.Errorf("forwarded: %d %v", status, answer)
	}
}
