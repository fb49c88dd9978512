package rest

import (
	"fmt"
	"time"

	"sdp/internal/sdp"
)

// Node is a machine that runs a worker and a router.
type Node struct {
	Name          string    `json:"name"`
	Type          string    `json:"type" enum:"MICRO,GATEWAY,INFRA"`
	Address       string    `json:"address"`
	Alive         bool      `json:"alive" doc:"whether its worker was heard of lately"`
	Problems      []string  `json:"problems" doc:"why deploys to it would fail now, for people; empty when all is well"`
	PortFirst     int       `json:"portFirst,omitempty"`
	PortLast      int       `json:"portLast,omitempty"`
	Builds        int       `json:"builds" doc:"how many builds may run at once"`
	RunningBuilds int       `json:"runningBuilds"`
	Version       string    `json:"version,omitempty"`
	DockerVersion string    `json:"dockerVersion,omitempty"`
	DiskFree      int64     `json:"diskFree" doc:"bytes"`
	DiskTotal     int64     `json:"diskTotal" doc:"bytes"`
	ImagesUsed    int       `json:"imagesUsed,omitempty" doc:"percent of the disk that is used where Docker keeps its images"`
	Watermark     int       `json:"watermark,omitempty" doc:"percent of that above which the node removes images nothing needs; absent = never"`
	MemoryFree    int64     `json:"memoryFree" doc:"bytes"`
	MemoryTotal   int64     `json:"memoryTotal" doc:"bytes"`
	CPUs          int       `json:"cpus"`
	Load1         float64   `json:"load1"`
	RegisteredAt  time.Time `json:"registeredAt,omitzero"`
	LastSeen      time.Time `json:"lastSeen,omitzero"`
	CordonedBy    string    `json:"cordonedBy,omitempty" doc:"who has nothing new placed on it; absent = it takes work"`
	CordonedAt    time.Time `json:"cordonedAt,omitzero"`
}

// NodeDrain is how far a drain of a node is.
type NodeDrain struct {
	Node       string      `json:"node"`
	Operations []Operation `json:"operations" doc:"the stops that were begun"`
	Cancelled  []string    `json:"cancelled" doc:"deployments under way on the node that were cancelled"`
	Refused    []string    `json:"refused" doc:"what cannot be stopped now, and why, for people"`
	Left       NodeWork    `json:"left"`
}

// NodeWork is what a node has to do with.
type NodeWork struct {
	Containers  []NodeContainer `json:"containers"`
	Deployments []NodeContainer `json:"deployments" doc:"under way"`
	Ports       []NodePort      `json:"ports" doc:"sandboxes whose public port it has: they cannot be moved"`
}

// NodeContainer is a container of a service on a node, or one that is to be.
type NodeContainer struct {
	Sandbox    string `json:"sandbox"`
	Service    string `json:"service"`
	Deployment string `json:"deployment"`
}

// NodePort is a public port of a sandbox.
type NodePort struct {
	Sandbox string `json:"sandbox"`
	Owner   string `json:"owner"`
	Port    int    `json:"port"`
}

// Repository is a git clone configured on a node; its name is also the name of the service it provides.
type Repository struct {
	Name      string `json:"name"`
	Node      string `json:"node"`
	NodeType  string `json:"nodeType" enum:"MICRO,GATEWAY,INFRA"`
	Kind      string `json:"kind" enum:"go,dockerfile"`
	RemoteURL string `json:"remoteURL"`
	Port      int    `json:"port"`
	Health    string `json:"health,omitempty"`
	OCP       string `json:"ocp,omitempty" doc:"where the shared environment serves it"`
	Gateway   bool   `json:"gateway"`
	Problem   string `json:"problem,omitempty" doc:"why the node cannot use it; empty: it can"`
}

// Branch is a branch as the git server has it now.
type Branch struct {
	Name        string    `json:"name"`
	SHA         string    `json:"sha"`
	Subject     string    `json:"subject,omitempty"`
	Author      string    `json:"author,omitempty"`
	CommittedAt time.Time `json:"committedAt,omitzero"`
}

// NodePorts are the public ports of a node's range and who has them.
type NodePorts struct {
	Node    string        `json:"node"`
	First   int           `json:"first,omitempty"`
	Last    int           `json:"last,omitempty"`
	Free    int           `json:"free" doc:"how many can be given out"`
	Taken   []TakenPort   `json:"taken"`
	Foreign []ForeignPort `json:"foreign"`
}

// TakenPort is a public port of a sandbox.
type TakenPort struct {
	Port    int    `json:"port"`
	Sandbox string `json:"sandbox"`
	Owner   string `json:"owner"`
	State   string `json:"state" enum:"ACTIVE,SUSPENDED,EXPIRED"`
	URL     string `json:"url"`
}

// ForeignPort is a port that some other program was found to hold.
type ForeignPort struct {
	Port   int       `json:"port"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until" doc:"it is not given out before"`
}

// Nodes is what the view of a sandbox needs to know of the nodes.
type Nodes struct {
	Hosts   map[string]string // addresses by name
	Trouble map[string]sdp.NodeTrouble
	Now     time.Time
	Runs    Runs
}

// URL is where a port of a node is reached, "" while there is none.
func (n Nodes) URL(node string, port int) string {
	host := n.Hosts[node]
	if host == "" || port == 0 {
		return ""
	}
	return fmt.Sprintf("http://%s:%d", host, port)
}

// FromNode is the view of a node, whose life and problems are for the caller to judge.
func FromNode(n sdp.Node, alive bool, problems []string) Node {
	return Node{
		Name: n.Name, Type: string(n.Type), Address: n.Address, Alive: alive, Problems: problems,
		PortFirst: n.PortFirst, PortLast: n.PortLast, Builds: n.Builds, RunningBuilds: n.Health.RunningBuilds,
		Version: n.Version, DockerVersion: n.DockerVersion, DiskFree: n.Health.DiskFree, DiskTotal: n.Health.DiskTotal,
		ImagesUsed: n.Health.ImagesUsed, Watermark: n.Health.Watermark,
		MemoryFree: n.Health.MemoryFree, MemoryTotal: n.Health.MemoryTotal, CPUs: n.Health.CPUs, Load1: n.Health.Load1,
		RegisteredAt: utc(n.RegisteredAt), LastSeen: utc(n.LastSeen),
		CordonedBy: n.Cordoned.By, CordonedAt: utc(n.Cordoned.At),
	}
}

// FromWork is the view of what a node has to do with.
func FromWork(w sdp.NodeWork) NodeWork {
	return NodeWork{
		Containers: List(w.Containers, func(c sdp.Container) NodeContainer {
			return NodeContainer{Sandbox: c.Sandbox, Service: c.Service, Deployment: c.Deployment}
		}),
		Deployments: List(w.Deployments, func(r sdp.OperationRef) NodeContainer {
			return NodeContainer{Sandbox: r.Sandbox, Service: r.Service, Deployment: r.ID}
		}),
		Ports: List(w.Ports, func(p sdp.TakenPort) NodePort { return NodePort{Sandbox: p.Sandbox, Owner: p.Owner, Port: p.Port} }),
	}
}

// FromRepository is the view of a repository.
func FromRepository(r sdp.Repository) Repository {
	return Repository{
		Name: r.Name, Node: r.Node, NodeType: string(r.NodeType), Kind: string(r.Kind), RemoteURL: r.RemoteURL,
		Port: r.Port, Health: r.HealthPath, OCP: r.OCP, Gateway: r.IsGateway(),
		Problem: r.Problem,
	}
}

// FromBranch is the view of a branch.
func FromBranch(b sdp.Branch) Branch {
	return Branch{Name: b.Name, SHA: b.SHA, Subject: b.Subject, Author: b.Author, CommittedAt: utc(b.CommittedAt)}
}

// FromPorts is the view of a node's ports.
func FromPorts(p sdp.NodePorts, nodes Nodes) NodePorts {
	return NodePorts{
		Node: p.Node, First: p.First, Last: p.Last, Free: p.Free(),
		Taken: List(p.Taken, func(t sdp.TakenPort) TakenPort {
			return TakenPort{Port: t.Port, Sandbox: t.Sandbox, Owner: t.Owner, State: string(t.State),
				URL: nodes.URL(p.Node, t.Port)}
		}),
		Foreign: List(p.Foreign, func(f sdp.ForeignPort) ForeignPort {
			return ForeignPort{Port: f.Port, Reason: f.Why, Until: utc(f.Until)}
		}),
	}
}
