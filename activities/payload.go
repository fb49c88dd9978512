package activities

import (
	"encoding/json"

	"sdp/internal/sdp"
	"sdp/internal/secret/payload"
)

// payloadOverhead is what encryption and Temporal add to a value, in bytes.
const payloadOverhead = 1 << 10

// payloadSize is how many bytes a value has when it is given to Temporal; more than payload.MaxSize are refused.
func payloadSize(v any) (int, error) {
	raw, err := json.Marshal(v)
	return len(raw) + payloadOverhead, err
}

// affordable leaves out what describes branches where there are so many that it would not fit into one answer.
func affordable(branches []sdp.Branch) []sdp.Branch {
	if size, err := payloadSize(branches); err != nil || size <= payload.MaxSize {
		return branches
	}
	var bare []sdp.Branch
	for _, b := range branches {
		bare = append(bare, sdp.Branch{Name: b.Name, SHA: b.SHA})
	}
	return bare
}
