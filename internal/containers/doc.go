// Package containers is the vocabulary in which a node and its container runtime speak: what a container, an image, a network
// and an event are to SDP. Package node declares the verbs it needs (node.Runtime) in these words, package docker
// implements them, and another runtime would be one more package that imports this one and not Docker's.
package containers
