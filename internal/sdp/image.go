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
	Node       string    `json:"node"`
	ID         string    `json:"id"`
	Name       string    `json:"name"` // "" for a leftover
	Kind       ImageKind `json:"kind"`
	Repository string    `json:"repository"`
	SHA        string    `json:"sha"`
	Size       int64     `json:"size"` // bytes, what it shares with other images included
	CreatedAt  time.Time `json:"createdAt"`
	// NeededBy says for people what keeps it; an image that SDP made and nothing needs is removed by a prune.
	NeededBy []string `json:"neededBy"`
}

// NeededImages says which of a node's images the control plane needs.
type NeededImages struct {
	Images map[string][]string `json:"images"` // by name: what needs it, for people
	// Repositories have a deployment under way whose image is not known yet, so all of their images count as needed:
	// it may be any of them. The value says which deployment.
	Repositories map[string]string `json:"repositories"`
}

// PruneReport says what a prune removed, or would remove.
type PruneReport struct {
	Node      string      `json:"node"`
	DryRun    bool        `json:"dryRun"` // nothing was removed: Removed is what would be
	Removed   []NodeImage `json:"removed"`
	Kept      []NodeImage `json:"kept"`     // images SDP made, shared ones too; NeededBy says why
	Freed     int64       `json:"freed"`    // bytes of Removed that no other image shares
	DiskFree  int64       `json:"diskFree"` // bytes, afterwards, where Docker keeps its images
	DiskTotal int64       `json:"diskTotal"`
}

// ImageHistory is how many different images of each service of a live sandbox are kept to go back to, the newest ones.
const ImageHistory = 3

// WatermarkPrune is a prune a node did by itself because its disk was fuller than its configuration allows.
type WatermarkPrune struct {
	Used      int         `json:"used"`      // percent of the disk, before
	Watermark int         `json:"watermark"` // percent
	Report    PruneReport `json:"report"`
	Problem   string      `json:"problem"` // why it did not go well, or not far enough; "" = it did
}
