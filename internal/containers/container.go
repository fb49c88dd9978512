package containers

import (
	"time"

	"sdp/internal/sdp"
)

// Spec says what container to start.
type Spec struct {
	Name       string
	Sandbox    string
	Service    string
	Deployment string
	SHA        string // commit the image must carry in its label sdp.sha
	Image      string
	Repository string
	Env        []string          // "KEY=value"
	SecretKeys []string          // those of Env whose values are secret
	Hosts      map[string]string // further names the container knows, with their addresses
	Network    string
	User       string  // "" = the image's, but an unprivileged one in place of root
	Port       int     // TCP port the service listens on
	Memory     int64   // bytes; 0 = no limit
	CPUs       float64 // 0 = no limit
	PIDs       int64   // 0 = no limit
	Files      []File  // sorted by path
}

// File is a file a container is given before it starts. It belongs to root and is read-only; so is, for anybody but
// root, every directory on the way to it. It lives in the container's own layer: it goes with the container, stays when
// that is started again, and is nowhere else on the machine.
type File struct {
	Path    string // absolute and clean
	Content []byte
}

// Container is a container this node made.
type Container struct {
	ID         string
	Name       string
	Sandbox    string
	Service    string
	Deployment string
	SHA        string
	Image      string
	Address    string   // "ip:port"; "" while it does not run
	State      string   // "created", "running", "exited", ...
	SecretKeys []string // names of the variables whose values are secret
	Env        []string // from Start, StartExisting and Inspect only
	Files      []string // paths of the files it was given
}

// Whereabouts is whether and where a container runs, and if not, why.
type Whereabouts struct {
	Name        string
	Deployment  string
	Address     string // "ip:port"; "" while it does not run
	State       string // "created", "running", "paused", "restarting", "exited", ...
	ExitCode    int    // of its last end
	OutOfMemory bool   // what ended it
	Ended       time.Time
	Restarts    int // how often the runtime has started it again since it was started by somebody
}

// Event is something that happened to a container of this node.
type Event struct {
	Action     string // "start", "die", "oom", "destroy", "rename", ...; or Resync
	ID         string
	Name       string
	Sandbox    string
	Service    string
	Deployment string
	ExitCode   int // for "die"
	At         time.Time
}

// Resync is the action of an event that says: some may have been missed, look at everything.
const Resync = "resync"

// ExitError is why a container did not become healthy, with the end of its output. It is an *sdp.Error too
// (errors.As): "container-exited", "never-healthy", or "container-start-failed" if its program cannot be run.
type ExitError struct {
	ExitCode int    // -1 if it still runs
	Output   string // its last lines; what is secret in them is not masked
	Reason   *sdp.Error
}

func (e *ExitError) Error() string { return e.Reason.Error() }

// Unwrap returns the *sdp.Error.
func (e *ExitError) Unwrap() error { return e.Reason }

// Network is the network of a sandbox on this node.
type Network struct {
	Name    string
	Sandbox string
	Gateway string // address of this machine on it
	Subnet  string // CIDR
}

// CodeMiscounted is the code of RemoveNetwork's error about an empty network that the runtime takes for one in use.
const CodeMiscounted = "network-miscounted"

// UnlessMiscounted forgives that an empty network stays because the runtime is wrong about it: Docker 20.10 may lose count
// where containers of one network start or stop at the same moment, and counts anew only when it starts ("Fixing
// inconsistent endpoint_cnt"). The network does no harm, and the reconciler removes it then.
func UnlessMiscounted(err error) error {
	if err != nil && sdp.AsError(err).Code == CodeMiscounted {
		return nil
	}
	return err
}
