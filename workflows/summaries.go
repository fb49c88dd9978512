package workflows

import (
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// summaries say, by the activity's name, what each does: the line that the Temporal UI shows of it.
var summaries = map[string]string{
	// on a node
	"Fetch":       "fetch: the branch's commit into the clone",
	"Checkout":    "checkout: the commit into a directory of its own",
	"Build":       "build: go build",
	"Image":       "image: of the binary, or by the Dockerfile",
	"Start":       "start: a new container, until it is healthy",
	"Route":       "route: the router gets a table",
	"Retire":      "retire: a replaced container finishes its requests and goes",
	"Discard":     "undo: remove what is left of a deployment",
	"StopTraffic": "delete: the router refuses requests",
	"Teardown":    "delete: remove containers and network",
	"VerifyLogin": "prove credentials at the git server",
	"Branches":    "list branches at the git server",
	"SendTrace":   "send a tagged request",
	"Hops":        "what the router saw of a tagged request",
	"Preflight":   "look whether a plan can be carried out",
	"Watch":       "look where branches are",
	"Look":        "ask git servers where branches are",
	"Images":      "list images",
	"PruneImages": "remove images nothing needs",
	// in the database
	"BeginDeploy":      "read what is to be deployed, and say that it begins",
	"BeginStart":       "read the routing table, and say that it starts",
	"BeginRoute":       "commit that the new container serves, and say so",
	"LoadJob":          "read what is to be deployed",
	"Publish":          "say how far it is",
	"SettleDeployment": "say how the deployment ended",
	"Serve":            "commit that the new container serves",
	"Unserve":          "commit that the former container serves again",
	"Serves":           "look whether it serves",
	"ContainerRemoved": "record that the container is gone",
	"NodeAlive":        "look whether the node is heard of",
	"NodeStatus":       "ask since when the node is silent",
	"Left":             "look whether what a terminated operation has started goes on",
	"Wait":             "say what it waits behind",
	"Settle":           "say how the operation stands",
	"CurrentTable":     "read the routing table",
	"ReassignPort":     "take another public port",
	"SetRoute":         "commit the route",
	"StopService":      "commit that the service is stopped",
	"NewRestart":       "record the restart's deployment",
	"Touch":            "mark the sandbox as used",
	"BeginTeardown":    "ask which nodes have something of the sandbox",
	"FinishDelete":     "release port, names and rows",
	"BeginChange":      "write the change's settings",
	"CommitChange":     "commit the switch",
	"RevertChange":     "commit that the switch is taken back",
	"AbandonChange":    "ask which nodes have something of the new sandbox",
	"ReportTeardown":   "report that it could not be taken down yet",
	"NeededImages":     "ask which images are needed",
	"BeginTracking":    "read which branches are watched",
	"FinishTracking":   "deploy what has moved",
	"PlanLook":         "begin a look at the watched branches",
	"MissLook":         "note why a node did not ask",
}

// Summaries gives each activity its line in the Temporal UI.
func Summaries() interceptor.WorkerInterceptor {
	return &outbound{wrap: func(next interceptor.WorkflowOutboundInterceptor) interceptor.WorkflowOutboundInterceptor {
		out := &summarizingOutbound{}
		out.Next = next
		return out
	}}
}

// outbound puts what wrap makes between workflows and what they ask for.
type outbound struct {
	interceptor.WorkerInterceptorBase
	wrap func(next interceptor.WorkflowOutboundInterceptor) interceptor.WorkflowOutboundInterceptor
}

func (o *outbound) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	in := &outboundInit{wrap: o.wrap}
	in.Next = next
	return in
}

type outboundInit struct {
	interceptor.WorkflowInboundInterceptorBase
	wrap func(next interceptor.WorkflowOutboundInterceptor) interceptor.WorkflowOutboundInterceptor
}

func (i *outboundInit) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(i.wrap(next))
}

type summarizingOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (s *summarizingOutbound) ExecuteActivity(ctx workflow.Context, activity string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	options.Summary = summaries[activity]
	if node, on := ctx.Value(nodeKey{}).(string); on && node != "" {
		options.Summary += ", on " + node
	}
	return s.Next.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activity, args...)
}

func (s *summarizingOutbound) ExecuteLocalActivity(ctx workflow.Context, activity string, args ...any) workflow.Future {
	options := workflow.GetLocalActivityOptions(ctx)
	options.Summary = summaries[activity]
	return s.Next.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, options), activity, args...)
}
