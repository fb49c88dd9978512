package sdp

import (
	"fmt"
	"strings"
)

// SandboxHealth says in one word how a sandbox is.
type SandboxHealth string

const (
	SandboxOK       SandboxHealth = "ok"       // what it should run answers
	SandboxDegraded SandboxHealth = "degraded" // some of it does not, or nobody knows
	SandboxDown     SandboxHealth = "down"     // its URL does not answer, or nothing of its own does
	SandboxIdle     SandboxHealth = "idle"     // nothing of its own runs, and nothing is wrong with that
)

// ServiceHealth says in one word how a service of a sandbox is.
type ServiceHealth string

const (
	ServiceHealthy  ServiceHealth = "healthy"  // its container answers
	ServiceDegraded ServiceHealth = "degraded" // it answers, but the newest deployment failed
	ServiceDown     ServiceHealth = "down"     // it should answer and does not
	ServiceStarting ServiceHealth = "starting" // nothing answers yet: its first container is on the way
	ServiceStopped  ServiceHealth = "stopped"  // nothing answers, and nothing was asked to
	ServiceExternal ServiceHealth = "external" // the shared environment or a URL serves it
	ServiceUnknown  ServiceHealth = "unknown"  // its node does not report, so nobody knows
)

// NodeTrouble is what is wrong with a node, for people; "" where nothing is.
type NodeTrouble struct {
	Worker string // no heartbeat arrives: what its containers do is not known
	Docker string
	Router string
	// Removed: it is no node any more, Worker says since when.
	Removed bool
}

// Judged is a judgement and the sentences it rests on.
type Judged[H ~string] struct {
	Health  H
	Reasons []string
}

// Judge says how the sandbox and each of its services are. traffic is TrafficOf of the sandbox, nodes the nodes with
// trouble. It knows what was reported: a node that fell silent is unknown, not down, because its router and containers
// go on without the worker.
func (s Sandbox) Judge(traffic SandboxTraffic, nodes map[string]NodeTrouble) (Judged[SandboxHealth], map[string]Judged[ServiceHealth]) {
	services := map[string]Judged[ServiceHealth]{}
	for _, v := range s.Services {
		health, reason := s.judgeService(v, traffic.Services[v.Name].troubleOf(v.Serving), nodes)
		judged := Judged[ServiceHealth]{Health: health}
		if reason != "" {
			judged.Reasons = []string{reason}
		}
		services[v.Name] = judged
	}
	return s.judge(services, nodes[s.GatewayNode]), services
}

func (s Sandbox) judgeService(v Service, trouble string, nodes map[string]NodeTrouble) (ServiceHealth, string) {
	switch {
	case s.State != Active:
		return ServiceStopped, ""
	case v.Source != SourceSandbox && trouble != "":
		return ServiceDown, fmt.Sprintf("%s does not answer: %s", v.servedBy(), trouble)
	case v.Source != SourceSandbox:
		return ServiceExternal, ""
	case v.Serving == nil:
		return v.withoutContainer(nodes)
	}
	node := nodes[v.Serving.Node]
	switch {
	case node.Router != "":
		return ServiceDown, fmt.Sprintf("the router of node %s does not answer: %s", v.Serving.Node, node.Router)
	case node.Worker != "":
		return ServiceUnknown, fmt.Sprintf("node %s: %s; the container of %s may still answer", v.Serving.Node, node.Worker, v.Name)
	case trouble != "":
		return ServiceDown, fmt.Sprintf("the container of %s does not answer: %s", v.Name, trouble)
	case node.Docker != "":
		return ServiceUnknown, fmt.Sprintf("Docker on node %s does not answer: %s", v.Serving.Node, node.Docker)
	case v.Latest != nil && v.Latest.State == DeployFailed:
		return ServiceDegraded, fmt.Sprintf("the newest deployment of %s, %s, failed; what served before still does", v.Name, v.Latest.ID)
	}
	return ServiceHealthy, ""
}

// JudgeShared is Judge for a service of the routing table that is none of the sandbox's own.
func JudgeShared(r Upstream, trouble string) Judged[ServiceHealth] {
	v := Service{Name: r.Service, Source: r.Source}
	switch {
	case r.URL == "":
		return Judged[ServiceHealth]{ServiceStopped, []string{r.Reason}}
	case trouble != "":
		return Judged[ServiceHealth]{ServiceDown, []string{fmt.Sprintf("%s does not answer: %s", v.servedBy(), trouble)}}
	}
	return Judged[ServiceHealth]{Health: ServiceExternal}
}

func (v Service) servedBy() string {
	if v.Source == SourceURL {
		return "the URL " + v.Name + " is routed to"
	}
	return "the shared environment's " + v.Name
}

func (v Service) withoutContainer(nodes map[string]NodeTrouble) (ServiceHealth, string) {
	switch d := v.Latest; {
	case d == nil:
		return ServiceStopped, v.Name + " was not deployed"
	case !d.State.Settled():
		return ServiceStarting, v.Name + " is being deployed"
	case d.State == DeployFailed:
		return ServiceDown, fmt.Sprintf("the deployment %s of %s failed, and nothing served before", d.ID, v.Name)
	case d.State == DeployCancelled:
		return ServiceStopped, fmt.Sprintf("the deployment %s of %s was cancelled", d.ID, v.Name)
	case d.State == Running:
		return ServiceDown, "the container of " + v.Name + " is gone"
	case nodes[d.Node].Removed:
		return ServiceStopped, fmt.Sprintf("node %s, where %s ran, %s", d.Node, v.Name, nodes[d.Node].Worker)
	}
	return ServiceStopped, v.Name + " is stopped"
}

func (s Sandbox) judge(services map[string]Judged[ServiceHealth], entry NodeTrouble) Judged[SandboxHealth] {
	switch {
	case s.Deleting:
		return Judged[SandboxHealth]{SandboxIdle, []string{"it is being deleted"}}
	case s.State != Active:
		return Judged[SandboxHealth]{SandboxIdle, []string{"it is " + strings.ToLower(string(s.State))}}
	}
	out := Judged[SandboxHealth]{Health: SandboxOK}
	count := map[ServiceHealth]int{}
	for _, v := range s.Services {
		judged := services[v.Name]
		count[judged.Health]++
		out.Reasons = append(out.Reasons, judged.Reasons...)
	}
	answering := count[ServiceHealthy] + count[ServiceDegraded] + count[ServiceUnknown]
	bad := count[ServiceDown] + count[ServiceDegraded] + count[ServiceUnknown] + count[ServiceStopped] + count[ServiceStarting]
	gateway := services[s.Gateway].Health
	switch {
	case entry.Router != "":
		out.Health = SandboxDown
		out.Reasons = append([]string{fmt.Sprintf("the router of node %s, which holds its port, does not answer: %s", s.GatewayNode, entry.Router)},
			out.Reasons...)
	case gateway == ServiceDown, gateway == ServiceStopped && answering > 0, answering == 0 && count[ServiceDown] > 0:
		out.Health = SandboxDown
	case answering == 0:
		out.Health = SandboxIdle
		if len(out.Reasons) == 0 {
			out.Reasons = []string{"nothing of its own runs; the shared environment answers"}
		}
	case bad > 0 || entry.Worker != "":
		out.Health = SandboxDegraded
		if entry.Worker != "" && len(out.Reasons) == 0 {
			out.Reasons = []string{fmt.Sprintf("node %s, which holds its port: %s", s.GatewayNode, entry.Worker)}
		}
	}
	return out
}
