package api

import (
	"cmp"

	"sdp/internal/sdp"
)

func viewPlan(p sdp.Plan) Plan {
	return Plan{
		Sandbox: p.Sandbox, New: p.New, Hash: p.Hash, Changes: p.Changes(), Services: views(p.Services, viewPlannedService),
		Settings: views(p.Settings, viewDifference), Environment: views(p.Environment, viewDifference),
		Port: PlannedPort(p.Port), Nodes: views(p.Nodes, viewPlannedNode), Problems: views(p.Problems, viewProblem),
	}
}

func viewPlannedService(v sdp.PlannedService) PlannedService {
	out := PlannedService{
		Service: v.Service, Action: cmp.Or(string(v.Action), "none"), Why: views(v.Why, func(s string) string { return s }),
		Node: v.Node, Branch: v.Branch, FromSHA: v.FromSHA, SHA: v.SHA, FromRoute: v.FromRoute, Route: v.Route, Image: v.Image,
		Cached: v.Cached, Vanished: v.Vanished, Limits: viewLimits(v.Limits),
	}
	if len(v.Settings) > 0 {
		out.Settings = views(v.Settings, viewDifference)
	}
	return out
}

func viewDifference(d sdp.Difference) Difference {
	return Difference{What: d.What, Key: d.Key, Kind: string(d.Kind), Before: d.Before, After: d.After}
}

func viewPlannedNode(n sdp.PlannedNode) PlannedNode {
	return PlannedNode{Node: n.Node, Alive: n.Alive, DiskNeeded: n.DiskNeeded, DiskFree: n.DiskFree,
		GitMillis: millis(n.Asked),
		Images: views(n.Images, func(i sdp.RequiredImage) RequiredImage {
			return RequiredImage{Ref: i.Ref, Present: i.Present, Unknown: i.Unknown, Remedy: i.Remedy}
		})}
}

func viewProblem(p sdp.PlanProblem) PlanProblem {
	return PlanProblem{Service: p.Service, Kind: string(p.Kind), Code: p.Code, Detail: p.Detail, Remedy: p.Remedy}
}
