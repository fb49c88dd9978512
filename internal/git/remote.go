package git

import (
	"net/url"
	"slices"
	"strings"

	format "github.com/go-git/go-git/v5/plumbing/format/config"

	"sdp/internal/sdp"
)

// remoteURL is where git fetches "origin" from, or else the only remote: its first URL, since others and pushurl are for
// pushing, rewritten by insteadOf (git-config(1)). User information is taken off: credentials come with each call and are
// never read from, or written to, a clone. Only the clone's own configuration counts: what this process has in its home
// or in /etc must not decide where everybody's passwords go.
func remoteURL(path string, cfg *format.Config) (string, error) {
	remotes := cfg.Section("remote")
	name := "origin"
	if !remotes.HasSubsection(name) && len(remotes.Subsections) == 1 {
		name = remotes.Subsections[0].Name
	}
	urls := remotes.Subsection(name).Options.GetAll("url")
	if len(urls) == 0 || slices.Contains(urls, "") { // git 2.46 took to forgetting what is before an empty one
		return "", sdp.Errorf(sdp.Invalid, "no-remote", "clone %s has no remote %q with a URL, or an empty one", path, name).
			WithRemedy("say where to fetch from: `git -C %s config --replace-all remote.%s.url https://HOST/REPOSITORY.git`", path, name)
	}
	raw := insteadOf(urls[0], cfg)
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" {
		return "", notHTTP(path, name, raw != urls[0])
	}
	u.User, u.Fragment = nil, ""
	return strings.TrimRight(u.String(), "/"), nil
}

// insteadOf replaces the longest prefix that a url.<base>.insteadOf names by its base, once; of equal ones the first.
func insteadOf(remote string, cfg *format.Config) string {
	prefix, base := "", ""
	for _, rule := range cfg.Section("url").Subsections {
		for _, p := range rule.Options.GetAll("insteadOf") {
			if len(p) > len(prefix) && strings.HasPrefix(remote, p) {
				prefix, base = p, rule.Name
			}
		}
	}
	if prefix == "" {
		return remote
	}
	return base + remote[len(prefix):]
}

// notHTTP does not show the URL, which may hold a password.
func notHTTP(path, name string, rewritten bool) error {
	how := ""
	if rewritten {
		how = ", as url.<base>.insteadOf of the clone rewrites it,"
	}
	return sdp.Errorf(sdp.Invalid, "remote-not-http",
		"remote %q of clone %s%s is not an http or https URL without a query", name, path, how).
		WithRemedy("SDP signs in with user name and password, and reads no configuration but the clone's own: "+
			"`git -C %s remote set-url %s https://HOST/REPOSITORY.git`", path, name)
}
