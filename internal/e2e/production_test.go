package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/deploy/base"
	"sdp/deploy/demo"
)

// manual is docs/production.md: by section, what is to be typed and which files are to be written.
type manual map[string][]instruction

type instruction struct {
	file string // which the text is the content of; "" = commands
	text string
}

var fileLine = regexp.MustCompile("^`(/[^`]+)`:$")

func readManual() (manual, error) {
	raw, err := os.ReadFile("../../docs/production.md")
	m := manual{}
	var section, before, block string
	var fenced bool
	end := func() {
		if text := strings.TrimRight(block, "\n"); text != "" {
			file := ""
			if found := fileLine.FindStringSubmatch(before); found != nil {
				file = found[1]
			}
			m[section] = append(m[section], instruction{file, text + "\n"})
			block, before = "", ""
		}
	}
	for line := range strings.Lines(string(raw)) {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; !fenced {
				end()
			}
		case fenced:
			block += line
		case indented && (block != "" || !strings.HasPrefix(before, "-")):
			block += code
		case line == "\n" && block != "":
			block += line
		default:
			end()
			if title, found := strings.CutPrefix(line, "## "); found {
				section = strings.TrimSpace(title)
			}
			if line != "\n" {
				before = strings.TrimSpace(line)
			}
		}
	}
	return m, err
}

// commands returns the one block of commands of a section that contains a text.
func (m manual) commands(section, containing string) (string, error) {
	var found []string
	for _, in := range m[section] {
		if in.file == "" && strings.Contains(in.text, containing) {
			found = append(found, in.text)
		}
	}
	if len(found) != 1 {
		return "", errorf("docs/production.md has %d blocks with %q in section %q", len(found), containing, section)
	}
	return found[0], nil
}

// file returns the content the manual gives a file.
func (m manual) file(name string) (string, error) {
	for _, section := range m {
		for _, in := range section {
			if in.file == name {
				return in.text, nil
			}
		}
	}
	return "", errorf("docs/production.md does not say what is in %s", name)
}

// relayRepository is a service that asks others.
var relayRepository = repository{
	name:   "relay",
	config: "kind: go, port: 8080, health: /healthz",
	main: files{"go.mod": "module relay\n\ngo 1.21\n", "gate.go": gateSource, "main.go": `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, os.Getenv("SDP_SHA")) })
	http.HandleFunc("/ask", func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(r.FormValue("url"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		fmt.Fprintln(w, resp.Header["X-Sdp-Route"])
		io.Copy(w, resp.Body)
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
`},
	branches: map[string]files{"feature/other": {"note.go": "package main\n\nvar _ = 1\n"}},
}

// hosts is an installation on three machines, made as docs/production.md says. What differs from the words there: the git
// server is this test's, by http; systemd and Debian's way to start PostgreSQL and Docker at boot are replaced by
// testdata/systemctl.sh and lines below; the image for PHP is made here, where `docker save` would be run elsewhere; and
// intervals are shorter.
type hosts struct {
	*site
	manual                  manual
	control, gateway, micro *machine
}

func installHosts() (*hosts, error) {
	text, err := readManual()
	if err != nil {
		return nil, err
	}
	i, err := prepare()
	if err != nil {
		return nil, err
	}
	h := &hosts{manual: text, site: &site{installation: i, clones: filepath.Join(i.home, "clones"),
		git: &gitServer{root: filepath.Join(i.home, "git"), address: peopleAddress + ":80"}}}
	err = inTurn(h.serveRepositories, h.startMachines, h.installControl, h.giveSecrets, h.installNodes, h.importImages)
	if err != nil {
		return h, err
	}
	i.url = "http://10.20.0.10:7700"
	i.machines = map[string]*machine{"control": h.control, "gateway-1": h.gateway, "micro-1": h.micro}
	return h, until(time.Minute, func() error { return i.login("alice", "alice-demo") }) // once micro-1 proves logins
}

// inTurn does one after the other until one fails.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (h *hosts) serveRepositories() error {
	if err := h.git.serve(demo.Users()...); err != nil {
		return err
	}
	h.git.url = "http://" + peopleAddress
	return errors.Join(demo.Seed(context.Background(), h.clones, h.git.url, demo.Users()), h.seed(relayRepository))
}

// startMachines makes the machines as they are before anything of SDP is on them.
func (h *hosts) startMachines() error {
	var group errgroup.Group
	for m, at := range map[**machine][2]string{&h.control: {"control", "10.20.0.10"}, &h.gateway: {"gateway-1", "10.20.0.11"},
		&h.micro: {"micro-1", "10.20.0.12"}} {
		group.Go(func() (err error) {
			if *m, err = startMachine(at[0], at[1]); err == nil {
				err = furnish(*m)
			}
			if err == nil && m != &h.control {
				err = (*m).startDocker()
			}
			return err
		})
	}
	return group.Wait()
}

// furnish gives a machine its names, the units and what stands in for systemd.
func furnish(m *machine) error {
	units, err := filepath.Glob("../../deploy/systemd/*")
	files := map[string]string{"testdata/systemctl.sh": "/usr/local/bin/systemctl"}
	for _, unit := range units {
		files[unit] = "/etc/systemd/system/" + filepath.Base(unit)
	}
	for from, to := range files {
		raw, e := os.ReadFile(from)
		err = errors.Join(err, e, os.WriteFile(m.path(to), raw, 0o755))
	}
	names := "127.0.0.1 localhost " + m.name + "\n" + peopleAddress + " bitbucket.example.com\n"
	return errors.Join(err, os.WriteFile(m.path("/etc/hosts"), []byte(names), 0o644),
		os.WriteFile(m.path("/etc/resolv.conf"), []byte("nameserver 127.0.0.1\n"), 0o644),
		m.run("ln -s systemctl /usr/local/bin/journalctl"))
}

// follow runs the block of commands of a section that has a text in it on a machine.
func (h *hosts) follow(m *machine, section, containing string) func() error {
	return func() error {
		script, err := h.manual.commands(section, containing)
		if err != nil {
			return err
		}
		return m.run(h.ours(m, script))
	}
}

// ours makes of commands for node micro-1 those for another node, and has them use this test's git server.
func (h *hosts) ours(m *machine, script string) string {
	script = strings.ReplaceAll(script, "https://bitbucket.example.com/scm/shop/", "http://bitbucket.example.com/scm/demo/")
	if m == h.gateway {
		script = strings.NewReplacer("micro-1", m.name, "account.git", "gateway.git", "/AppGolang/account", "/SDP").Replace(script)
	}
	return script
}

// write writes a file as the manual says, with more at its end.
func (h *hosts) write(m *machine, name, more string) func() error {
	return func() error {
		text, err := h.manual.file(name)
		if err != nil {
			return err
		}
		return os.WriteFile(m.path(name), []byte(text+more), 0o644)
	}
}

func (h *hosts) installControl() error {
	return inTurn(
		func() error { // as the installation of Debian's package does
			return h.control.run(`pg_createcluster "$(ls /usr/lib/postgresql | tail -n 1)" main --start -- --no-sync >/dev/null`)
		},
		h.follow(h.control, "control", "useradd"),
		h.follow(h.control, "control", "openssl"),
		h.follow(h.control, "control", "CREATE ROLE"),
		h.write(h.control, "/etc/temporald/temporald.env", ""),
		h.write(h.control, "/etc/sdp/server.yaml", soon),
		h.follow(h.control, "control", "systemctl"))
}

// handOver matches a line whose output goes to the nodes: "COMMAND  # -> FILE there", or "on both".
var handOver = regexp.MustCompile(`(?m)^(.*\S) +# -> (\S+) (there|on both)$`)

// giveSecrets takes what the nodes need from control to them.
func (h *hosts) giveSecrets() error {
	lines, err := h.manual.commands("control", "node token")
	if err != nil {
		return err
	}
	for _, found := range handOver.FindAllStringSubmatch(lines, -1) {
		secret, err := h.control.output(found[1])
		if err != nil {
			return err
		}
		for _, m := range []*machine{h.gateway, h.micro} {
			if found[3] != "on both" && !strings.Contains(found[2], m.name) {
				continue
			}
			if err := put(m.path(found[2]), secret); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *hosts) installNodes() error {
	relay := "  - {name: relay, path: /var/lib/sdp/AppGolang/relay, " + relayRepository.config + "}\n"
	for m, more := range map[*machine]string{h.gateway: "", h.micro: relay} {
		const netrc = "/var/lib/sdp/.netrc" // the password is not typed: git finds it in a file that goes again
		if err := inTurn(
			h.follow(m, "A node", "useradd"),
			m.warmCache,
			func() error {
				return os.WriteFile(m.path(netrc), []byte("machine bitbucket.example.com login alice password alice-demo\n"), 0o644)
			},
			h.follow(m, "A node", "git clone"),
			func() error {
				return m.run("sudo -u sdp git clone -q http://bitbucket.example.com/scm/demo/relay.git /var/lib/sdp/AppGolang/relay")
			},
			func() error { return os.Remove(m.path(netrc)) },
			h.write(m, "/etc/sdp/"+m.name+".yaml", more+"healthTimeout: 30s\n"+often),
			h.follow(m, "A node", "daemon-reload")); err != nil {
			return err
		}
	}
	return nil
}

func (h *hosts) importImages() error {
	file, err := os.Create(h.gateway.path("/root/php.tar"))
	if err != nil {
		return err
	}
	if err := errors.Join(base.PHP(context.Background(), file), file.Close()); err != nil {
		return err
	}
	script, err := h.manual.commands("Base images and modules, offline", "docker save")
	save, script, found := strings.Cut(script, "\n")
	if !found || !strings.HasPrefix(save, "docker save -o php.tar ") {
		return errorf("the first line to bring an image to a node is %q: %w", save, err)
	}
	return h.gateway.run(script)
}

// logs are the last lines of all processes of all machines.
func (h *hosts) logs() string {
	var all strings.Builder
	for _, m := range []*machine{h.control, h.gateway, h.micro} {
		if m != nil {
			out, err := m.output(`cd /run/log; for log in *; do echo "$log:"; grep -v '"level":"INFO"' "$log" | tail -n 20; done || true`)
			fmt.Fprintln(&all, "===", m.name, err, "\n"+out)
		}
	}
	return all.String()
}
