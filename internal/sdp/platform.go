package sdp

import (
	"fmt"
	"strconv"
	"strings"
)

// PlatformVariables is the lowest layer of what a service finds in its environment: who it is, and where the sandbox's
// other services are.
func PlatformVariables(repo Repository, table RoutingTable, d Deployment) map[string]string {
	env := map[string]string{"PORT": strconv.Itoa(repo.Port), "SDP_SANDBOX": d.Sandbox, "SDP_SERVICE": d.Service,
		"SDP_BRANCH": d.Branch, "SDP_SHA": d.SHA, "SDP_DEPLOYMENT": d.ID}
	if repo.UpstreamEnv == "" {
		return env
	}
	for _, s := range table.Services {
		if s.Service != d.Service {
			name := strings.ToUpper(strings.ReplaceAll(s.Service, "-", "_"))
			env[strings.ReplaceAll(repo.UpstreamEnv, "{{SERVICE}}", name)] = fmt.Sprintf("http://%s:%d", s.Service, s.Port)
		}
	}
	return env
}
