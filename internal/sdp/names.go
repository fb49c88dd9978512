package sdp

import (
	"crypto/rand"
	"encoding/base32"
	"regexp"
	"strings"
)

// Labels every container, image and network of ours carries. What lacks LabelInstance with our own value is not ours
// and is never stopped or removed.
const (
	LabelInstance   = "sdp.instance"   // which SDP installation
	LabelNode       = "sdp.node"       // which node's worker made it; two nodes may share one Docker daemon
	LabelSandbox    = "sdp.sandbox"    // sandbox name
	LabelService    = "sdp.service"    // service name
	LabelSHA        = "sdp.sha"        // full commit the container or image was built from
	LabelDeployment = "sdp.deployment" // deployment ID; it is the container's generation
	LabelRepository = "sdp.repository" // on images
	LabelSecretKeys = "sdp.secretkeys" // comma-separated names of environment variables whose values are secret
)

// MaxSandboxName and MaxServiceName bound names so that "sandbox-<sandbox>-<service>" stays a valid DNS label
// (63 octets, RFC 1035).
const (
	MaxSandboxName = 30
	MaxServiceName = 24
)

// MaxEnvironmentName bounds an environment's, template's and snapshot's name.
const MaxEnvironmentName = 40

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// CheckSandboxName returns an Invalid error unless name is 1 to MaxSandboxName of [a-z0-9-], not starting or ending
// with a dash.
func CheckSandboxName(name string) error { return checkName("sandbox", name, MaxSandboxName) }

// CheckServiceName is CheckSandboxName for services and repositories, up to MaxServiceName.
func CheckServiceName(name string) error { return checkName("service", name, MaxServiceName) }

// CheckNodeName is CheckSandboxName for nodes and instances, up to MaxServiceName.
func CheckNodeName(name string) error { return checkName("node", name, MaxServiceName) }

// CheckEnvironmentName is CheckSandboxName for environments, up to MaxEnvironmentName.
func CheckEnvironmentName(name string) error {
	return checkName("environment", name, MaxEnvironmentName)
}

// CheckTemplateName is CheckSandboxName for templates, up to MaxEnvironmentName.
func CheckTemplateName(name string) error { return checkName("template", name, MaxEnvironmentName) }

// CheckSnapshotName is CheckSandboxName for snapshots, up to MaxEnvironmentName.
func CheckSnapshotName(name string) error { return checkName("snapshot", name, MaxEnvironmentName) }

func checkName(what, name string, limit int) error {
	if len(name) <= limit && namePattern.MatchString(name) {
		return nil
	}
	shown := name
	if len(shown) > 40 {
		shown = shown[:40] + "..."
	}
	return Errorf(Invalid, "bad-name", "%s name %q is not valid", what, shown).
		WithRemedy("use 1 to %d lower-case letters, digits and dashes, starting and ending with a letter or digit", limit)
}

var branchPattern = regexp.MustCompile(`^[^\x00-\x20\x7f~^:?*\[\\]+$`)

// CheckBranch returns an Invalid error unless name can be a git branch (git-check-ref-format(1), with a length limit
// of 200 octets).
func CheckBranch(name string) error {
	bad := name == "" || len(name) > 200 || !branchPattern.MatchString(name) ||
		strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") ||
		strings.HasSuffix(name, ".") || strings.HasSuffix(name, ".lock") || strings.Contains(name, "..") ||
		strings.Contains(name, "//") || strings.Contains(name, "@{") || strings.Contains(name, "/.") || strings.HasPrefix(name, ".")
	if !bad {
		return nil
	}
	if len(name) > 60 {
		name = name[:60] + "..."
	}
	return Errorf(Invalid, "bad-branch", "%q is not a valid branch name", name).
		WithRemedy("`sdp branches REPOSITORY` lists the branches there are")
}

var shaPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)

// IsSHA reports whether s is a full, lower-case hexadecimal SHA-1 object name.
func IsSHA(s string) bool { return shaPattern.MatchString(s) }

var envKeyPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// CheckEnvKey returns an Invalid error unless key can name an environment variable.
func CheckEnvKey(key string) error {
	if len(key) <= 128 && envKeyPattern.MatchString(key) {
		return nil
	}
	return Errorf(Invalid, "bad-variable", "%q cannot name an environment variable", key).
		WithRemedy("use letters, digits and underscores, not starting with a digit")
}

// NewID returns prefix followed by 10 random characters of [a-z2-7]: 50 bits, enough for the deployments of decades.
func NewID(prefix string) string {
	var raw [7]byte
	rand.Read(raw[:]) // never fails since Go 1.24
	s := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:])
	return prefix + strings.ToLower(s[:10])
}

// RestartDeployment is the ID of the deployment that a restart starts.
func RestartDeployment(operation string) string { return "d" + operation[1:] }

// ContainerName is the name of a service's container in a sandbox. It always means the container itself, never OCP.
func ContainerName(sandbox, service string) string { return "sandbox-" + sandbox + "-" + service }

// GenerationName names a new container while the previous generation still holds ContainerName. The dot cannot occur
// in sandbox or service names, so no other container can want this name.
func GenerationName(sandbox, service, deployment string) string {
	return ContainerName(sandbox, service) + "." + deployment
}

// NetworkName is the name of a sandbox's network on a node. The node is part of it because two nodes may share one
// Docker daemon; the dot keeps sandbox "a-b" apart from sandbox "a" on node "b".
func NetworkName(sandbox, node string) string { return "sandbox-" + sandbox + "." + node }

// ImageName is the content-addressed name of the image of a commit: buildKey covers everything besides the commit that
// decides what is built.
func ImageName(repository, sha, buildKey string) string {
	return "sdp/" + repository + ":" + short(sha, 12) + "-" + short(buildKey, 8)
}

// ShortSHA is the form of a commit shown to people: its first 12 characters.
func ShortSHA(sha string) string { return short(sha, 12) }

func short(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// Task queues. Workflows and database activities run on ControlQueue; a node has one queue for quick operations and
// one for builds, so that a stop never waits behind a build of something else.
const ControlQueue = "control"

// NodeQueue is the queue of what a node does in seconds at most.
func NodeQueue(node string) string { return "node-" + node }

// WorkQueue is the queue of what may take a node minutes and is no build: nothing quick waits behind it.
func WorkQueue(node string) string { return "node-" + node + "-work" }

// BuildQueue is the queue of a node's builds.
func BuildQueue(node string) string { return "node-" + node + "-build" }

// SandboxWorkflowID is the ID of a sandbox's entity workflow.
func SandboxWorkflowID(sandbox string) string { return "sandbox/" + sandbox }

// OperationWorkflowID is the ID of one operation's workflow: "deploy/<id>", "delete/<id>", ...
func OperationWorkflowID(kind OperationKind, id string) string { return string(kind) + "/" + id }

// RetireWorkflowID identifies the workflow that lets the container of a deployment finish and removes it.
func RetireWorkflowID(deployment string) string { return "retire/" + deployment }

// SessionCookie is the name of the cookie that holds a browser's session.
const SessionCookie = "sdp_session"

// SecretPurpose is what secrets of services are encrypted for at rest.
const SecretPurpose = "environment"

// SecretContext binds a secret at rest to where it belongs, so that a copied row cannot be opened elsewhere.
func SecretContext(sandbox, service, key string) string { return sandbox + "/" + service + "/" + key }

// Log streams. A stream is an append-only sequence of bytes, named once and never reused.

// DeploymentStream is the log stream of a deployment's pipeline.
func DeploymentStream(deployment string) string { return "deploy-" + deployment }

// ContainerStream is the log stream of what the container made by a deployment prints.
func ContainerStream(deployment string) string { return "container-" + deployment }
