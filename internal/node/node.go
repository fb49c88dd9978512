// Package node is what a node can do with its clones, its toolchain, its container runtime and its router. It knows neither
// Temporal nor the control plane: the activities of package activities and the reconciler of package worker call it.
//
// Each capability is a type that has no more than it needs:
//
//	Sources     the configured clones, and the checkouts made of them
//	Resolver    which commit and which image a deployment runs, and what making that image would need
//	Builder     `go build` in a checkout (package gobuild)
//	Slots       which builds run when
//	Images      making, claiming, listing and pruning images
//	Containers  starting a generation beside the old one, keeping, retiring and removing it
//	Routes      the tables of the node's router, and traces through it
//	Targets     where the node's router finds containers
//	Boxes       what the server sealed to this node
//	Logs        the log of each deployment
//	Output      what containers print, copied into log streams
//
// There is a file for each type, and one for each of the larger things that a type does.
//
// The container runtime is an interface (Runtime), and Docker one implementation of it.
//
// Every capability can be called again: what is there already is taken as done, what is gone already as removed. What goes
// wrong is an *sdp.Error; a failure of the user's own code is an *OutputError with the last of what it printed.
package node

import (
	"cmp"
	"log/slog"
	"time"

	"sdp/internal/logs"
	"sdp/internal/node/gobuild"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// Repository is a configured clone on this node.
type Repository struct {
	sdp.Repository
	Path       string // of the clone
	Build      string // go: package to build
	Dockerfile string
	BaseImage  string // go: "" = SDP's own
	User       string // inside the container; "" = the image's
}

func (r Repository) dockerfile() string { return cmp.Or(r.Dockerfile, "Dockerfile") }

// Config is what a node is made of.
type Config struct {
	Name          string
	Instance      string
	Data          string // directory for checkouts
	Repositories  map[string]Repository
	Toolchain     gobuild.Toolchain
	Builds        int           // at once
	Pressure      Pressure      // under which no further build begins
	StepMemory    int64         // bytes each RUN step of a Dockerfile may use
	Limits        sdp.Limits    // of a container whose deployment says nothing
	Drain         time.Duration // how long a replaced container may finish its requests
	HealthTimeout time.Duration
	Runtime       Runtime
	Router        *socket.Client
	Keys          *secret.NodeKeys
	Token         secret.Value // the server and this node know it: proves who says something
	Spool         *logs.Spool
	Log           *slog.Logger
}

// Node is a node with all its capabilities.
type Node struct {
	Name       string
	Sources    *Sources
	Resolver   *Resolver
	Builder    *Builder
	Slots      *Slots
	Images     *Images
	Containers *Containers
	Routes     *Routes
	Targets    *Targets
	Boxes      *Boxes
	Logs       *Logs
	Output     *Output
}

// New returns a node. Nothing needs to be up yet.
func New(c Config) *Node {
	c.Toolchain.Home = c.Data
	sources := &Sources{node: c.Name, data: c.Data, repositories: c.Repositories}
	builder := &Builder{node: c.Name, sources: sources, toolchain: c.Toolchain}
	slots := newSlots(c.Builds, func() string { return c.Pressure.over("/proc") })
	images := &Images{node: c.Name, instance: c.Instance, runtime: c.Runtime, sources: sources, builder: builder, slots: slots,
		stepMemory: c.StepMemory, online: c.Toolchain.Online}
	routes := &Routes{router: c.Router}
	targets := &Targets{node: c.Name, runtime: c.Runtime, router: c.Router}
	output := newOutput(c.Runtime, c.Spool, c.Log)
	return &Node{
		Name: c.Name, Sources: sources, Builder: builder, Slots: slots, Images: images, Routes: routes, Targets: targets,
		Output:   output,
		Resolver: &Resolver{node: c.Name, runtime: c.Runtime, sources: sources, images: images},
		Containers: &Containers{node: c.Name, runtime: c.Runtime, sources: sources, images: images, routes: routes, targets: targets,
			output: output, limits: c.Limits, drain: c.Drain, healthTimeout: c.HealthTimeout},
		Boxes: &Boxes{node: c.Name, keys: c.Keys, token: c.Token},
		Logs:  &Logs{node: c.Name, spool: c.Spool},
	}
}
