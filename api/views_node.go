package api

import "time"

// Image is an image on a node that SDP has to do with.
type Image struct {
	Node       string    `json:"node"`
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty" doc:"absent for a leftover"`
	Kind       string    `json:"kind" enum:"service,leftover,shared,base" doc:"service: SDP made it of a commit; leftover: another image took its name; shared: another installation made it and removes it; base: images are made from it, SDP never removes it"`
	Repository string    `json:"repository,omitempty"`
	SHA        string    `json:"sha,omitempty"`
	Size       int64     `json:"size" doc:"bytes, what it shares with other images included"`
	CreatedAt  time.Time `json:"createdAt,omitzero"`
	NeededBy   []string  `json:"neededBy" doc:"what keeps it, for people; empty = a prune removes it"`
}

// Images is the answer to GET /images.
type Images struct {
	Items   []Image       `json:"items"`
	Missing []MissingNode `json:"missing,omitempty" doc:"nodes that could not be asked"`
}

// MissingNode is a node that did not answer, and why.
type MissingNode struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
}

// PruneImages is the body of POST /nodes/{node}/images/prune.
type PruneImages struct {
	DryRun bool `json:"dryRun,omitempty" doc:"say what would be removed and remove nothing"`
}

// PruneReport says what a prune removed, or would remove.
type PruneReport struct {
	Node      string  `json:"node"`
	DryRun    bool    `json:"dryRun,omitempty"`
	Removed   []Image `json:"removed"`
	Kept      []Image `json:"kept" doc:"images SDP made that stay; neededBy says why"`
	Freed     int64   `json:"freed" doc:"bytes of what is removed that no other image shares"`
	DiskFree  int64   `json:"diskFree" doc:"bytes, afterwards, where Docker keeps its images"`
	DiskTotal int64   `json:"diskTotal" doc:"bytes"`
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
