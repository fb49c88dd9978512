package sdp

import "time"

// ImageKind says what an image on a node is to SDP.
type ImageKind string

const (
	ServiceImage  ImageKind = "service"  // SDP made it of a commit
	LeftoverImage ImageKind = "leftover" // SDP made it and another image took its name
	SharedImage   ImageKind = "shared"   // another installation on this Docker daemon made it and this one uses it; only that one removes it
	BaseImage     ImageKind = "base"     // somebody brought it here, and images are made from it; SDP never removes it
)

// NodeImage is an image on a node that SDP has to do with.
type NodeImage struct {
	Node       string
	ID         string
	Name       string // "" for a leftover
	Kind       ImageKind
	Repository string
	SHA        string
	Size       int64 // bytes, what it shares with other images included
	CreatedAt  time.Time
	// NeededBy says for people what keeps it; an image that SDP made and nothing needs is removed by a prune.
	NeededBy []string
}

// NeededImages says which of a node's images the control plane needs.
type NeededImages struct {
	Images map[string][]string // by name: what needs it, for people
	// Repositories have a deployment under way whose image is not known yet, so all of their images count as needed:
	// it may be any of them. The value says which deployment.
	Repositories map[string]string
}

// PruneReport says what a prune removed, or would remove.
type PruneReport struct {
	Node      string
	DryRun    bool // nothing was removed: Removed is what would be
	Removed   []NodeImage
	Kept      []NodeImage // images SDP made; NeededBy says why
	Freed     int64       // bytes of Removed that no other image shares
	DiskFree  int64       // bytes, afterwards, where Docker keeps its images
	DiskTotal int64
}

// ImageHistory is how many different images of each service of a live sandbox are kept to go back to, the newest ones.
const ImageHistory = 3

// WatermarkPrune is a prune a node did by itself because its disk was fuller than its configuration allows.
type WatermarkPrune struct {
	Used      int // percent of the disk, before
	Watermark int // percent
	Report    PruneReport
	Problem   string // why it did not go well, or not far enough; "" = it did
}
