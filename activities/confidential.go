package activities

// Confidential is what a deployment's sealed box holds, as JSON: everything of its settings that only its node may see.
type Confidential struct {
	Vars  map[string]string  `json:"vars,omitempty"`  // secrets by variable name
	Files []ConfidentialFile `json:"files,omitempty"` // sorted by path
}

// ConfidentialFile is a file the container finds at Path, read-only.
type ConfidentialFile struct {
	Path    string `json:"path"`
	Content []byte `json:"content"`
}
