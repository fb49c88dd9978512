package sdp

import (
	"fmt"
	"strconv"
	"strings"
)

// PlatformVariables is the lowest layer of what a service finds in its environment: who it is, and where the sandbox's
// other services are.
func PlatformVariables(repo Repository, upstreams []Upstream, d Deployment) map[string]string {
	env := map[string]string{"PORT": strconv.Itoa(repo.Port), "SDP_SANDBOX": d.Sandbox, "SDP_SERVICE": d.Service,
		"SDP_BRANCH": d.Branch, "SDP_SHA": d.SHA, "SDP_DEPLOYMENT": d.ID}
	if repo.UpstreamEnv == "" {
		return env
	}
	for _, s := range upstreams {
		if s.Service != d.Service {
			name := strings.ToUpper(strings.ReplaceAll(s.Service, "-", "_"))
			env[strings.ReplaceAll(repo.UpstreamEnv, "{{SERVICE}}", name)] = fmt.Sprintf("http://%s:%d", s.Service, s.Port)
		}
	}
	return env
}

// Upstream is a service of a sandbox as the others see it.
type Upstream struct {
	Service string
	Port    int // they reach it at http://<service>:<port>/
	Source  Source
	// URL answers where no container of the sandbox does; "" = nobody does, for Reason.
	URL    string
	Reason string
}
