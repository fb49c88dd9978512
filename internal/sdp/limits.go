package sdp

// Limits bound one container. A zero member means that the next outer one decides: service, sandbox, node.
type Limits struct {
	CPUs   float64
	Memory int64 // bytes
	PIDs   int64
}

// SandboxLimits bound a sandbox.
type SandboxLimits struct {
	Container Limits // default for each of its containers
	Total     Limits // the sum over all its containers may not exceed it
}

// Or returns l with its zero members taken from outer.
func (l Limits) Or(outer Limits) Limits {
	if l.CPUs == 0 {
		l.CPUs = outer.CPUs
	}
	if l.Memory == 0 {
		l.Memory = outer.Memory
	}
	if l.PIDs == 0 {
		l.PIDs = outer.PIDs
	}
	return l
}
