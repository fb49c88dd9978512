package wire

import (
	"fmt"
	"strconv"

	"sdp/internal/sdp"
)

// Oldest and Newest are the versions of the messages between nodes and the server that this program speaks, be it over HTTP
// or through Temporal. Version 1 is what programs speak that say no version; 2 has the messages of this package; at
// 3 a node takes tasks from its work queue; at 4 it asks for the routing tables it has not, and what
// to ask git servers.
const (
	Oldest = 4
	Newest = 4
)

// VersionMismatch is the code of the error where two sides have no version in common.
const VersionMismatch = "version-mismatch"

// NodeRemoved is the code of the error with which a node is refused that was removed.
const NodeRemoved = "node-removed"

// Versions is what a program speaks. Two that have a version in common work together; each says so of itself with all it
// sends and reads what the other says.
type Versions struct {
	Oldest int `json:"oldest"`
	Newest int `json:"newest"`
}

// String is "2", or "2 to 4".
func (v Versions) String() string {
	if v.Oldest == v.Newest {
		return strconv.Itoa(v.Newest)
	}
	return fmt.Sprintf("%d to %d", v.Oldest, v.Newest)
}

// Spoken is what this program speaks.
func Spoken() Versions { return Versions{Oldest: Oldest, Newest: Newest} }

// CheckNode returns an error unless this program, a server, and a node's worker have a version in common.
func CheckNode(node string, worker Versions) error {
	return mismatch("node "+node, worker, "the server", Spoken())
}

// CheckServer returns an error unless this program, the worker of a node, and the server have a version in common.
func CheckServer(node string, server Versions) error {
	return mismatch("the server", server, "node "+node, Spoken())
}

// mismatch says which of two sides is the older one. Who says no version is from before there were any.
func mismatch(peer string, theirs Versions, self string, ours Versions) error {
	if theirs == (Versions{}) {
		theirs = Versions{1, 1}
	}
	if theirs.Newest >= ours.Oldest && ours.Newest >= theirs.Oldest {
		return nil
	}
	older, newer := peer, self
	if theirs.Oldest > ours.Newest {
		older, newer = self, peer
	}
	return sdp.Errorf(sdp.Conflict, VersionMismatch, "%s runs an older sdp than %s and they do not understand each other: "+
		"%s speaks version %s, %s %s", older, newer, peer, theirs, self, ours).
		WithRemedy("an administrator upgrades %s to the sdp of %s", older, newer)
}
