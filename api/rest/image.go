package rest

import (
	"time"

	"sdp/internal/sdp"
)

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

// FromImage is the view of an image on a node.
func FromImage(i sdp.NodeImage) Image {
	return Image{Node: i.Node, ID: i.ID, Name: i.Name, Kind: string(i.Kind), Repository: i.Repository, SHA: i.SHA, Size: i.Size,
		CreatedAt: utc(i.CreatedAt), NeededBy: append([]string{}, i.NeededBy...)}
}

// FromPruneReport is the view of what a prune did.
func FromPruneReport(r sdp.PruneReport) PruneReport {
	return PruneReport{Node: r.Node, DryRun: r.DryRun, Removed: List(r.Removed, FromImage), Kept: List(r.Kept, FromImage),
		Freed: r.Freed, DiskFree: r.DiskFree, DiskTotal: r.DiskTotal}
}
