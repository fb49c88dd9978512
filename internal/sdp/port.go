package sdp

import "time"

// NodePorts are the public ports of a node's range and who has them.
type NodePorts struct {
	Node    string
	First   int // of the range; 0 = the node has none any more
	Last    int // inclusive
	Taken   []TakenPort
	Foreign []ForeignPort
}

// TakenPort is a public port of a sandbox. It may lie outside the range if that was changed since.
type TakenPort struct {
	Port    int
	Sandbox string
	Owner   string
	State   SandboxState
}

// ForeignPort is a port that some other program was found to hold. It is not given out until Until.
type ForeignPort struct {
	Port  int
	Why   string
	Until time.Time
}

// ActionPortReassigned is the audit's name for a sandbox getting another public port because something foreign holds the
// one it was given.
const ActionPortReassigned = "port.reassign"

// Free is how many ports of the range can be given out.
func (p NodePorts) Free() int {
	if p.First == 0 {
		return 0
	}
	used := map[int]bool{}
	for _, t := range p.Taken {
		used[t.Port] = true
	}
	for _, f := range p.Foreign {
		used[f.Port] = true
	}
	free := p.Last - p.First + 1
	for port := range used {
		if port >= p.First && port <= p.Last {
			free--
		}
	}
	return free
}
