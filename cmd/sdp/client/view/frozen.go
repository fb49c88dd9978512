package view

import (
	"cmp"
	"maps"
	"sdp/internal/sdp"
	"slices"
)

// FrozenService is a service of a definition that says all, such as a snapshot.
type FrozenService struct{ Name, By, Branch, Commit string }

// Frozen lists the services of a definition, the gateway first.
func Frozen(spec sdp.SandboxSpec) []FrozenService {
	var list []FrozenService
	if g := spec.Gateway; g != nil {
		list = append(list, FrozenService{cmp.Or(g.Repository, "(gateway)"), "sandbox", g.Branch, g.Commit})
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		v := spec.Services[name]
		by := "sandbox"
		if v.UseOCP {
			by = "ocp"
		} else if v.URL != "" {
			by = v.URL
		}
		list = append(list, FrozenService{name, by, v.Branch, v.Commit})
	}
	return list
}
