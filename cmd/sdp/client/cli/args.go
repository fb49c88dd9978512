package cli

import (
	"io"
	"os"
	"regexp"
	"strings"

	"sdp/api/rest"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// ParseServices reads SERVICE@BRANCH and SERVICE@COMMIT arguments; a service may be named once.
func ParseServices(args []string) ([]rest.DeployService, error) {
	seen := map[string]bool{}
	out := make([]rest.DeployService, 0, len(args))
	for _, arg := range args {
		s, err := ParseService(arg)
		if err != nil {
			return nil, err
		}
		if seen[s.Service] {
			return nil, usage.Errorf("name it once, with the branch you want", "service %q is named twice", s.Service)
		}
		seen[s.Service] = true
		out = append(out, s)
	}
	return out, nil
}

// ParseService reads SERVICE@BRANCH or SERVICE@COMMIT.
func ParseService(arg string) (rest.DeployService, error) {
	service, rev, found := strings.Cut(arg, "@")
	if !found || service == "" || rev == "" {
		return rest.DeployService{}, usage.Errorf("write it as account@feature/login; `sdp branches account` lists its branches",
			"%q is not SERVICE@BRANCH", arg)
	}
	if err := sdp.CheckServiceName(service); err != nil {
		return rest.DeployService{}, usage.Wrap(err)
	}
	if sdp.IsSHA(rev) {
		return rest.DeployService{Service: service, Commit: rev}, nil
	}
	if err := sdp.CheckBranch(rev); err != nil {
		return rest.DeployService{}, usage.Wrap(err)
	}
	return rest.DeployService{Service: service, Branch: rev}, nil
}

// ParseEnv reads KEY=VALUE arguments.
func ParseEnv(args []string) (map[string]string, error) {
	return parsePairs("env", args, func(_, value string) (string, error) { return value, nil })
}

// maxSecret bounds a secret read from a file or standard input, in bytes.
const maxSecret = 64 << 10

// ParseSecrets reads KEY=VALUE, KEY=- (standard input) and KEY=@FILE arguments. Of what is read, one trailing line
// break is dropped: editors and `echo` add it.
func ParseSecrets(args []string, stdin io.Reader) (map[string]string, error) {
	stdinFor := ""
	return parsePairs("secret", args, func(key, value string) (string, error) {
		switch {
		case value == "-" && stdinFor != "":
			return "", usage.Errorf("read the other from a file: --secret "+key+"=@FILE",
				"both %s and %s want standard input", stdinFor, key)
		case value == "-":
			stdinFor = key
			return readSecret(key, "standard input", stdin)
		case strings.HasPrefix(value, "@"):
			return secretFile(key, value[1:])
		default:
			return value, nil
		}
	})
}

func secretFile(key, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", usage.Errorf("check the path after the @", "--secret %s: %w", key, err)
	}
	defer f.Close()
	return readSecret(key, path, f)
}

func readSecret(key, from string, r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return "", usage.Errorf("check that it can be read", "--secret %s: reading %s: %w", key, from, err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case value == "":
		return "", usage.Errorf("a secret has 1 byte to 64 KiB", "--secret %s: %s is empty", key, from)
	case len(data) > maxSecret: // how much more was not read
		return "", usage.Errorf("a secret has 1 byte to 64 KiB", "--secret %s: %s holds more than %d bytes", key, from, maxSecret)
	}
	return value, nil
}

// parsePairs reads KEY=VALUE arguments. Errors never repeat a value.
func parsePairs(flag string, args []string, read func(key, value string) (string, error)) (map[string]string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(args))
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		if !found {
			return nil, usage.Errorf("write --"+flag+" KEY=VALUE", "a value of --%s has no \"=\"", flag)
		}
		if err := sdp.CheckEnvKey(key); err != nil {
			return nil, usage.Wrap(err)
		}
		if _, twice := out[key]; twice {
			return nil, usage.Errorf("set it once", "--%s %s is given twice", flag, key)
		}
		value, err := read(key, value)
		if err != nil {
			return nil, err
		}
		out[key] = value
	}
	return out, nil
}

var idPattern = regexp.MustCompile(`^[a-z]+-?[a-z0-9-]{4,40}$`)

// IsID reports whether a text may be the ID of something.
func IsID(text string) bool { return idPattern.MatchString(text) }

// CheckID refuses what cannot be the ID of a deployment or an operation.
func CheckID(id string) error {
	if IsID(id) {
		return nil
	}
	return usage.Errorf("`sdp history` lists deployments with their IDs", "%q is not the ID of a deployment or an operation", id)
}
