package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sdp/internal/sdp"
)

// places is where a stack may keep, show or pass on a secret.
type places struct {
	site     *site
	hay      *haystack
	server   serverFile
	postgres string // password of its superuser
	since    time.Time
}

// serverFile is what the test must know of the server's configuration.
type serverFile struct {
	Instance string
	Database struct{ URL string }
	Temporal struct{ Address, Namespace string }
}

// newPlaces are those of a site; since is when what is searched for was made up.
func newPlaces(s *site, hay *haystack, since time.Time) (*places, error) {
	p := &places{site: s, hay: hay, since: since}
	raw, err := os.ReadFile(filepath.Join(s.data, "config", "server.yaml"))
	if err != nil {
		return nil, err
	}
	password, err := os.ReadFile(filepath.Join(s.data, "keys", "postgres.password"))
	p.postgres = strings.TrimSpace(string(password))
	return p, errors.Join(err, yaml.Unmarshal(raw, &p.server))
}

// search looks everywhere but at processes, which come and go: see watchProcesses.
func (p *places) search(ctx context.Context) error {
	root := filepath.Dir(p.site.data)
	return errors.Join(
		p.hay.searchFiles("data", p.site.data), // logs, spools, checkouts, router state, and what PostgreSQL and its WAL hold
		p.hay.searchFiles("home", p.site.home),
		p.hay.searchFiles("clones", filepath.Join(root, "clones")), p.temporary(),
		p.databases(ctx), p.activity(ctx), p.histories(ctx), p.images(), p.containers())
}

// temporary searches what was written beside the installation since the test began: a file on its way into a container
// must not rest there. Directories of installations and the test's own are not meant.
func (p *places) temporary() error {
	entries, err := os.ReadDir(os.TempDir())
	for _, e := range entries {
		info, e1 := e.Info() // fails for what is gone by now
		if e1 != nil || info.ModTime().Before(p.since) || strings.HasPrefix(e.Name(), "sdp-") || strings.HasPrefix(e.Name(), "Test") {
			continue
		}
		if at := filepath.Join(os.TempDir(), e.Name()); e.IsDir() || e.Type().IsRegular() {
			err = errors.Join(err, p.hay.searchFiles("temporary/"+e.Name(), at))
		}
	}
	return err
}

// databases searches every row of every database, Temporal's among them.
func (p *places) databases(ctx context.Context) error {
	at, err := p.database()
	if err != nil {
		return err
	}
	pass := filepath.Join(filepath.Dir(p.site.data), "pgpass") // not where it searches
	if err := os.WriteFile(pass, []byte("*:*:*:*:"+p.postgres+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(pass)
	program, err := postgresProgram("pg_dumpall")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "-h", at.Hostname(), "-p", at.Port(), "-U", "postgres", "-w")
	cmd.Env = append(os.Environ(), "PGPASSFILE="+pass)
	dump, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("pg_dumpall: %w", err)
	}
	for _, must := range []string{`\connect sdp`, `\connect temporal`, `\connect temporal_visibility`} {
		if !strings.Contains(string(dump), must) {
			return fmt.Errorf("the dump lacks %q", must)
		}
	}
	p.hay.search("databases", dump)
	return nil
}

func (p *places) database() (*url.URL, error) { return url.Parse(p.server.Database.URL) }

func postgresProgram(name string) (path string, err error) {
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(programs) == 0 {
		return "", errors.Join(err, errors.New("there is no "+name))
	}
	return programs[len(programs)-1], nil
}

// activity searches what PostgreSQL shows of its clients' statements.
func (p *places) activity(ctx context.Context) error {
	conn, err := p.connect(ctx, "sdp")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var text string
	err = conn.QueryRow(ctx, "SELECT string_agg(a::text, E'\\n') FROM pg_stat_activity a").Scan(&text)
	p.hay.search("statements", []byte(text))
	return err
}

func (p *places) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(p.server.Database.URL)
	if err != nil {
		return nil, err
	}
	config.User, config.Password, config.Database = "postgres", p.postgres, database
	return pgx.ConnectConfig(ctx, config)
}

// temporal connects without the codec: what anybody sees who can reach Temporal or its Web UI.
func (p *places) temporal() (client.Client, error) {
	return client.Dial(client.Options{HostPort: p.server.Temporal.Address, Namespace: p.server.Temporal.Namespace})
}

// histories searches all workflows: IDs, search attributes, memos, failures, every event.
func (p *places) histories(ctx context.Context) error {
	c, err := p.temporal()
	if err != nil {
		return err
	}
	defer c.Close()
	list := &workflowservice.ListWorkflowExecutionsRequest{Namespace: p.server.Temporal.Namespace}
	workflows := 0
	for {
		page, err := c.ListWorkflow(ctx, list)
		if err != nil {
			return err
		}
		for _, e := range page.Executions {
			workflows++
			id, run := e.Execution.WorkflowId, e.Execution.RunId
			p.message("Temporal", e)
			described, err := c.DescribeWorkflowExecution(ctx, id, run)
			if err != nil {
				return err
			}
			p.message("Temporal", described)
			for events := c.GetWorkflowHistory(ctx, id, run, false, 0); events.HasNext(); {
				event, err := events.Next()
				if err != nil {
					return err
				}
				p.message("Temporal", event)
			}
		}
		if list.NextPageToken = page.NextPageToken; len(list.NextPageToken) == 0 {
			break
		}
	}
	if workflows < 5 {
		return fmt.Errorf("Temporal lists only %d workflows", workflows)
	}
	return nil
}

func (p *places) message(place string, m proto.Message) {
	raw, _ := proto.Marshal(m) // of a message that was just received
	text, _ := protojson.Marshal(m)
	p.hay.search(place, raw)
	p.hay.search(place, text)
}

// images searches the images of the stack: how they were made, their configuration, and every layer.
func (p *places) images() error {
	ids, err := p.docker("images", "-aq", "--no-trunc", "--filter", "label="+sdp.LabelInstance+"="+p.server.Instance)
	if err != nil {
		return err
	}
	for _, id := range strings.Fields(string(ids)) {
		for _, args := range [][]string{{"history", "--no-trunc", id}, {"inspect", id}, {"save", id}} {
			out, err := p.docker(args...)
			if err != nil {
				return err
			}
			p.hay.search("docker image "+args[0], out)
		}
	}
	return nil
}

// containers searches what Docker says of the stack's containers. Their environment is where secrets are meant to be.
func (p *places) containers() error {
	ids, err := p.docker("ps", "-aq", "--filter", "label="+sdp.LabelInstance+"="+p.server.Instance)
	if err != nil || len(strings.Fields(string(ids))) == 0 {
		return err
	}
	out, err := p.docker(append([]string{"container", "inspect"}, strings.Fields(string(ids))...)...)
	if err != nil {
		return err
	}
	var all []map[string]any
	if err := json.Unmarshal(out, &all); err != nil {
		return err
	}
	for _, c := range all {
		delete(c["Config"].(map[string]any), "Env")
	}
	text, err := json.Marshal(all)
	p.hay.search("docker container inspect", text)
	return err
}

func (p *places) docker(args ...string) ([]byte, error) {
	out, err := exec.Command("docker", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("docker %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}
