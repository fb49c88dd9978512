package devstack

import (
	"cmp"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"sdp/internal/devstack/supervise"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Names of the two nodes of a stack.
const (
	MicroNode   = "micro-1"
	GatewayNode = "gateway-1"
)

// Config says what to run. Only the functions have no default.
type Config struct {
	// Data is the data directory; "" = DefaultData(). Everything of the stack is below it.
	Data string
	// Listen is the address of the API and dashboard; "" = 127.0.0.1:7700, or a free port if that is taken.
	Listen string
	// Address is where browsers and other machines reach this one, a host name or IP; "" = 127.0.0.1.
	Address string
	// PublicPorts is the range of sandbox ports, "8080-8119"; "" = that for the default data directory and a range
	// of the instance's own for others.
	PublicPorts string
	// Demo adds the demo's git server and shared environment, and calls Seed.
	Demo bool
	// Binary is the path of sdp itself; "" = the running program.
	Binary string
	// Temporald is the path of temporald; "" = "temporald" beside Binary, else in PATH.
	Temporald string
	// Docker is the address of the Docker daemon; "" = $DOCKER_HOST, else unix:///var/run/docker.sock.
	Docker string

	Hooks
}

// Hooks are what a stack needs of the packages that know Docker, the database, the keys and the demo. All but
// NodeToken may be nil.
type Hooks struct {
	// NodeToken returns the token a node shows to the server: the one it has, if that is good, else one derived from the
	// master key in the file masterKey, which is made if it does not exist.
	NodeToken func(masterKey, node, has string) (string, error)
	// Seed prepares the demo's repositories and clones once the git server answers and before anything reads the
	// configuration files, and returns what to put into those.
	Seed func(ctx context.Context, s Stack) (Content, error)
	// NodeReady returns no error once the server knows the node as alive, or will not have it, and then why not; it is polled.
	NodeReady func(ctx context.Context, s Stack, node string) (out string, err error)
	// Ready is called once everything runs; an error it returns ends Run.
	Ready func(ctx context.Context, s Stack, p Progress) error
	// StopContainers stops, and does not remove, the containers of an instance at a graceful stop.
	StopContainers func(ctx context.Context, s Stack) error
	// RemoveContainers removes the containers, networks and images of an instance, for Down.
	RemoveContainers func(ctx context.Context, s Stack) error
}

// Content is what Seed puts into the configuration files.
type Content struct {
	Repositories map[string][]wire.RepositoryConfig // by node
	Shared       map[string]SharedService           // services only the shared environment has
	Login        string                             // repository that sign-in is proven against
}

// SharedService is one entry under ocp: in the server's configuration file.
type SharedService struct {
	URL  string `yaml:"url"`
	Port int    `yaml:"port"`
}

// DefaultData is /var/lib/sdp for root and $XDG_DATA_HOME/sdp (default ~/.local/share/sdp) for anybody else.
func DefaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/sdp"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sdp")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "sdp-"+strconv.Itoa(os.Geteuid()))
	}
	return filepath.Join(home, ".local", "share", "sdp")
}

// DockerAddress is address, else $DOCKER_HOST, else Docker's usual socket.
func DockerAddress(address string) string {
	return cmp.Or(address, os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock")
}

// checkDocker returns an error if nobody listens where the Docker daemon should; only for local sockets.
func checkDocker(ctx context.Context, address string) error {
	path, local := strings.CutPrefix(address, "unix://")
	if !local {
		return nil
	}
	err := supervise.Accepts("unix", path)(ctx)
	switch {
	case err == nil:
		return nil
	case os.IsPermission(err):
		return sdp.Errorf(sdp.Forbidden, "docker-forbidden", "no access to the Docker daemon: %w", err).
			WithRemedy("become a member of the group docker (`sudo usermod -aG docker $USER`, then sign in again), or run as root")
	}
	return sdp.Errorf(sdp.Unavailable, "docker-down", "the Docker daemon does not answer: %w", err).
		WithRemedy("start it: deploy/setup.sh up")
}

// withDefaults fills in what was left out and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if c.Data == "" {
		c.Data = DefaultData()
	}
	data, err := realPath(c.Data)
	if err != nil {
		return c, sdp.Errorf(sdp.Invalid, "bad-data-directory", "data directory %s: %w", c.Data, err)
	}
	c.Data = data
	if c.Address == "" {
		c.Address = "127.0.0.1"
	}
	c.Docker = DockerAddress(c.Docker)
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			return c, sdp.Errorf(sdp.Invalid, "bad-listen", "%q is not an address to listen on", c.Listen).
				WithRemedy("write host:port, such as 127.0.0.1:7700 or 0.0.0.0:7700")
		}
	}
	return c, nil
}

// withBinaries finds the programs to run.
func (c Config) withBinaries() (Config, error) {
	if c.Binary == "" {
		self, err := os.Executable()
		if err != nil {
			return c, err
		}
		c.Binary = self
	}
	if c.Temporald == "" {
		c.Temporald = filepath.Join(filepath.Dir(c.Binary), "temporald")
		if _, err := os.Stat(c.Temporald); err != nil {
			if found, err := exec.LookPath("temporald"); err == nil {
				c.Temporald = found
			}
		}
	}
	if info, err := os.Stat(c.Temporald); err != nil || info.Mode()&0o111 == 0 {
		return c, sdp.Errorf(sdp.Invalid, "no-temporald", "there is no program %s", c.Temporald).
			WithRemedy("build it with `make build`; the first time takes 5 to 10 minutes")
	}
	return c, nil
}

// realPath makes a path absolute and resolves symbolic links in the part of it that exists, so that two spellings of
// one directory are one instance.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		resolved, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.Join(resolved, rest), nil
		}
		if !os.IsNotExist(err) || dir == filepath.Dir(dir) {
			return "", err
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}
