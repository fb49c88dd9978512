package wire

import (
	"errors"
	"strconv"
	"time"

	"sdp/internal/sdp"
)

// What worker and router of a node say to each other over the router's socket. They are updated one after the other, so
// each must understand what the other said before; TestRouterReadsYesterday holds on to that.

// RouterAPI is the version of the socket's requests and replies, and RouterAPIHeader where both sides say theirs; without
// it, it is 1. It is raised where a reader that knows no better would do the wrong thing, not for a field more.
const (
	RouterAPI       = 1
	RouterAPIHeader = "X-Sdp-Router-Api"
)

// CheckRouterAPI returns an error unless this program understands what says so in its RouterAPIHeader.
func CheckRouterAPI(header string) error {
	if header == "" {
		return nil
	}
	version, err := strconv.Atoi(header)
	if err != nil {
		return sdp.Errorf(sdp.Invalid, "bad-format", "%q is not a version of the router's socket", header)
	}
	if version > RouterAPI {
		return tooNew("what came over the router's socket", version, RouterAPI)
	}
	return nil
}

// RouterHealth is how a router is.
type RouterHealth struct {
	Node      string    `json:"node"`
	Instance  string    `json:"instance"`
	StartedAt time.Time `json:"startedAt"`
	MeshAddr  string    `json:"meshAddr"` // actual address of the mesh listener; "" while it is not open
	Sandboxes int       `json:"sandboxes"`
	Problems  []string  `json:"problems"`       // what it could not open and goes on trying; empty when all is well
	Held      []string  `json:"held,omitempty"` // the sandboxes whose public port is among that
}

// Network is where the containers of one sandbox on a node are.
type Network struct {
	Gateway string `json:"gateway"` // IP of the host's side of the bridge; the router listens on it
	Subnet  string `json:"subnet"`  // "10.213.0.0/26"; requests from elsewhere are refused
}

// TargetState is where the container of a deployment is, or why it is nowhere, as the worker of the node has it from
// Docker. It counts for more than the address in a routing table: that is as old as the container's last start the server
// knows of, and an address that is free is given to the next container.
type TargetState struct {
	Deployment string    `json:"deployment"`
	Address    string    `json:"address"` // "ip:port"; "" = it does not run
	Down       string    `json:"down"`    // why, for people, as what its service did: "exited with code 1"; "" = it runs
	Since      time.Time `json:"since"`   // since when it is down; zero = since this is first told
	Next       string    `json:"next"`    // what will happen or is to be done about it, for people
}

// RouterTraffic counts requests. A request counts in the router where it enters, not again in one it is handed to.
type RouterTraffic struct {
	Requests int64         `json:"requests"`
	Errors   int64         `json:"errors"`   // answered with 5xx, or cut by the target
	InFlight int64         `json:"inFlight"` // upgraded connections included
	P50      time.Duration `json:"p50"`      // until the response's end, over the last one to two minutes, upgraded connections excluded
	P95      time.Duration `json:"p95"`
}

// RouterServiceTraffic counts the requests for one service.
type RouterServiceTraffic struct {
	RouterTraffic
	// Unanswered is why its present target did not answer the last request, for people; "" = it did, or was not asked.
	Unanswered string `json:"unanswered"`
	// Down is why its container, that of Deployment, does not run, for people: "exited with code 1"; "" = it does.
	Down       string          `json:"down"`
	Deployment string          `json:"deployment"`
	Targets    []TargetTraffic `json:"targets,omitempty"` // in the order of the route
}

// TargetTraffic counts what was sent to one target of a service since the table names it. A request that is sent to a
// second target after the first did not answer counts at both.
type TargetTraffic struct {
	RouterTraffic
	Target     string `json:"target"`     // container address, or URL
	Deployment string `json:"deployment"` // "" for URLs and the shared environment
	Weight     int    `json:"weight"`
}

// RouterStats is what a router counted for one sandbox since it started.
type RouterStats struct {
	Sandbox       string                          `json:"sandbox"`
	Since         time.Time                       `json:"since"`        // when counting began: the router's start or the sandbox's first table
	LastActivity  time.Time                       `json:"lastActivity"` // start or end of the last request, of those from other routers too; zero if there was none
	Entered       RouterTraffic                   `json:"entered"`      // requests that came through the public port
	RouterTraffic                                 // all requests
	Services      map[string]RouterServiceTraffic `json:"services"`
}

// StatsSettle is how long after its last request, or change of its table, what a router counted for a sandbox may still change by
// itself: percentiles are of the last two minutes at most.
const StatsSettle = 3 * time.Minute

// MeshToken is the secret that routers show each other.
type MeshToken struct {
	Token string `json:"token"`
}

// DrainRequest asks a router to let a container finish what it has.
type DrainRequest struct {
	Deployment string        `json:"deployment"`
	Timeout    time.Duration `json:"timeout"`
}

// DrainReply says how many connections were closed in the end.
type DrainReply struct {
	Cut int `json:"cut"`
}

// RouterFailure is how an *sdp.Error travels over the socket.
type RouterFailure struct {
	Kind   sdp.Kind `json:"kind"`
	Code   string   `json:"code"`
	Detail string   `json:"detail"`
	Remedy string   `json:"remedy"`
}

// RouterStateFormat is the newest format of a router's state file that this program understands: 1 was one RouterState, 2 is a
// RouterChange a line.
const RouterStateFormat = 2

// RouterState is what a router needs to serve after a restart.
type RouterState struct {
	Format   int                     `json:"format"`
	Node     string                  `json:"node"`
	Tokens   MeshTokens              `json:"tokens"`
	Tables   map[string]RoutingTable `json:"tables"`   // by sandbox
	Networks map[string]Network      `json:"networks"` // by sandbox
	Targets  map[string]TargetState  `json:"targets,omitempty"`
}

// RouterChange says what of a router's state is now otherwise. A null takes something away.
type RouterChange struct {
	Format   int                      `json:"format,omitempty"` // RouterStateFormat, in the first one of a file
	Tokens   *MeshTokens              `json:"tokens,omitempty"`
	Tables   map[string]*RoutingTable `json:"tables,omitempty"`
	Networks map[string]*Network      `json:"networks,omitempty"`
	Targets  map[string]*TargetState  `json:"targets,omitempty"`
}

// Change makes the change.
func (s *RouterState) Change(c RouterChange) {
	if c.Tokens != nil {
		s.Tokens = *c.Tokens
	}
	change(&s.Tables, c.Tables)
	change(&s.Networks, c.Networks)
	change(&s.Targets, c.Targets)
}

func change[V any](all *map[string]V, changes map[string]*V) {
	for key, v := range changes {
		if v == nil {
			delete(*all, key)
			continue
		}
		if *all == nil {
			*all = map[string]V{}
		}
		(*all)[key] = *v
	}
}

// MeshTokens is the mesh token sent and the one sent before, which is still accepted because nodes learn of a new one at
// different times.
type MeshTokens struct {
	Current  string `json:"current"`
	Previous string `json:"previous"`
}

// CheckRouterState returns an error unless this program understands a state file of the format.
func CheckRouterState(format int) error {
	if format < 1 {
		return errors.New("the state file does not say its format")
	}
	if format > RouterStateFormat {
		return tooNew("the router's state file", format, RouterStateFormat)
	}
	return nil
}
