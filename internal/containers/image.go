package containers

import (
	"strings"
	"time"

	"sdp/internal/sdp"
)

// Image is an image of the runtime.
type Image struct {
	ID      string
	Refs    []string // names it goes by; none if another image took its name
	User    string   // whom it runs as; "" = root
	Command []string // what it runs: its entry point and arguments
	Ports   []int    // TCP ports it says it listens on, ascending
	Labels  map[string]string
	Size    int64 // bytes, what it shares with other images included
}

// StoredImage is an image of the runtime, whoever made it, with what a clean-up must know.
type StoredImage struct {
	Image
	Ours    bool // this node of this instance made it
	Created time.Time
	Layers  []Layer  // from the base up
	UsedBy  []string // names of containers, anybody's, running or not
}

// Layer is a layer of an image. Equal IDs mean the same layer on top of the same layers, which is stored once.
type Layer struct {
	ID   string
	Size int64 // bytes
}

// GoImage says how a Go service's binary becomes an image.
type GoImage struct {
	Ref    string // name the image gets
	Base   string // image the binary is put on; "" = SDP's own
	Binary string // path of the binary on this machine
	Name   string // what it is called in the image: /app/<Name>
	Labels map[string]string
	Port   int // TCP port the service listens on
}

// DockerfileBuild says how a repository with a Dockerfile becomes an image.
type DockerfileBuild struct {
	Ref         string // name the image gets
	Dir         string // build context
	Dockerfile  string // path below Dir; "" = "Dockerfile"
	Labels      map[string]string
	MemoryBytes int64 // limit of each RUN step; 0 = none
	Online      bool  // RUN steps may use the network
}

// Freed is how many bytes go when images are removed and the others stay: the layers no other image has.
func Freed(removed, others []StoredImage) int64 {
	stays := map[string]bool{}
	for _, i := range others {
		for _, l := range i.Layers {
			stays[l.ID] = true
		}
	}
	var sum int64
	for _, i := range removed {
		for _, l := range i.Layers {
			if !stays[l.ID] {
				stays[l.ID] = true
				sum += l.Size
			}
		}
	}
	return sum
}

// NamedByUs reports whether a name is the one SDP gave the image with these labels: an image that somebody built from one
// of ours inherits the labels, and one of ours may get further names.
func NamedByUs(name string, labels map[string]string) bool {
	own := sdp.ImageName(labels[sdp.LabelRepository], labels[sdp.LabelSHA], "")
	return labels[sdp.LabelRepository] != "" && labels[sdp.LabelSHA] != "" && strings.HasPrefix(name, own)
}
