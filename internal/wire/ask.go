package wire

import (
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// LoginInput asks a node to prove a user's credentials against a repository. ID must be the operation the box is bound to.
type LoginInput struct {
	ID          string        `json:"id"`
	User        string        `json:"user"`
	Node        string        `json:"node"`
	Repository  string        `json:"repository"`
	Credentials sdp.SealedBox `json:"credentials"`
}

// Claim is what a node's proof of a login says: this one and no other.
func (in LoginInput) Claim() []string {
	return []string{"login", in.ID, in.User, in.Node, in.Repository}
}

// BranchesInput asks the node that owns a repository for its branches.
type BranchesInput struct {
	ID          string        `json:"id"`
	Node        string        `json:"node"`
	Repository  string        `json:"repository"`
	Credentials sdp.SealedBox `json:"credentials"`
}

// PlanInput asks several nodes about the services of a plan.
type PlanInput struct {
	ID    string           `json:"id"`
	Nodes []PreflightInput `json:"nodes"`
}

// PreflightInput asks a node about the services of a plan. ID must be the operation the box is bound to.
type PreflightInput struct {
	ID          string                   `json:"id"`
	Node        string                   `json:"node"`
	Items       []planning.PreflightItem `json:"items"`
	Credentials sdp.SealedBox            `json:"credentials"`
}

// PlanAnswer is what the nodes said about a plan.
type PlanAnswer struct {
	Reports []planning.PreflightReport `json:"reports"`
	// Failures are of the nodes that did not answer.
	Failures map[string]sdp.Failure `json:"failures"`
}

// InventoryInput asks nodes for the images SDP has to do with.
type InventoryInput struct {
	ID    string   `json:"id"`
	Nodes []string `json:"nodes"`
}

// ImagesInput asks a node for the images SDP has to do with.
type ImagesInput struct {
	Needed sdp.NeededImages `json:"needed"`
}

// Inventory is what the nodes said of their images.
type Inventory struct {
	Images []sdp.NodeImage `json:"images"`
	// Failures are of the nodes that did not answer.
	Failures map[string]sdp.Failure `json:"failures"`
}

// PruneRequest has a node remove the images SDP made and nothing needs.
type PruneRequest struct {
	ID     string `json:"id"`
	Node   string `json:"node"`
	DryRun bool   `json:"dryRun"`
}

// PruneInput asks a node to remove the images SDP made and that are not needed.
type PruneInput struct {
	Needed sdp.NeededImages `json:"needed"`
	DryRun bool             `json:"dryRun"`
}
