package api

import (
	"net/http"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// routes is every route there is, besides /openapi.json and the dashboard's files.
func (s *Server) routes() {
	const ok, created, accepted = http.StatusOK, http.StatusCreated, http.StatusAccepted

	mutate(s, byAnyone, sdp.AuditSessionCreate, "POST /api/v1/session", created, "Log in", s.login)
	mutate(s, byUser, sdp.AuditSessionDelete, "DELETE /api/v1/session", http.StatusNoContent, "Log out", s.logout)
	read(s, byUser, "GET /api/v1/session", "Show the session", s.showSession)

	read(s, byUser, "GET /api/v1/about", "Show the installation", s.about)
	read(s, byUser, "GET /api/v1/nodes", "List nodes", s.listNodes)
	read(s, byUser, "GET /api/v1/ports", "List ports", s.listPorts)
	read(s, byUser, "GET /api/v1/images", "List images", s.listImages)
	mutate(s, byUser, sdp.AuditImagesPrune, "POST /api/v1/nodes/{node}/images/prune", ok, "Prune images", s.pruneImages)
	mutate(s, byUser, sdp.AuditNodeCordon, "POST /api/v1/nodes/{node}/cordon", ok, "Cordon a node", s.cordonNode)
	mutate(s, byUser, sdp.AuditNodeUncordon, "POST /api/v1/nodes/{node}/uncordon", ok, "Uncordon a node", s.uncordonNode)
	mutate(s, byUser, sdp.AuditNodeDrain, "POST /api/v1/nodes/{node}/drain", ok, "Drain a node", s.drainNode)
	read(s, byUser, "GET /api/v1/nodes/{node}/work", "Show what a node has to do with", s.showNodeWork)
	mutate(s, byUser, sdp.AuditNodeRemove, "DELETE /api/v1/nodes/{node}", http.StatusNoContent, "Remove a node", s.removeNode)
	read(s, byUser, "GET /api/v1/repositories", "List repositories", s.listRepositories)
	read(s, byUser, "GET /api/v1/repositories/{repository}/branches", "List branches", s.listBranches)

	mutate(s, byUser, sdp.AuditSandboxCreate, "POST /api/v1/sandboxes", accepted, "Create a sandbox", s.createSandbox)
	read(s, byUser, "GET /api/v1/sandboxes", "List sandboxes", s.listSandboxes)
	read(s, byUser, "GET /api/v1/sandboxes/{name}", "Show a sandbox", s.showSandbox)
	read(s, byUser, "POST /api/v1/plans", "Plan an apply", s.showPlan)
	mutate(s, byUser, sdp.AuditSandboxApply, "PUT /api/v1/sandboxes/{name}", accepted, "Apply a definition", s.apply)
	mutate(s, byUser, sdp.AuditSandboxUpdate, "PATCH /api/v1/sandboxes/{name}", ok, "Change settings", s.updateSandbox)
	read(s, byUser, "GET /api/v1/sandboxes/{name}/definition", "Show a definition", s.showDefinition)
	mutate(s, byUser, sdp.AuditSandboxDelete, "DELETE /api/v1/sandboxes/{name}", accepted, "Delete a sandbox", s.deleteSandbox)
	read(s, byUser, "GET /api/v1/sandboxes/{name}/operations", "List operations", s.listOperations)
	read(s, byUser, "GET /api/v1/operations", "List all operations", s.listAllOperations)
	read(s, byUser, "GET /api/v1/operations/{id}", "Show an operation", s.showOperation)

	read(s, byUser, "GET /api/v1/templates", "List templates", s.listTemplates)
	mutate(s, byUser, sdp.AuditTemplateCreate, "POST /api/v1/templates", created, "Create a template", s.createTemplate)
	read(s, byUser, "GET /api/v1/templates/{template}", "Show a template", s.showTemplate)
	mutate(s, byUser, sdp.AuditTemplateUpdate, "PUT /api/v1/templates/{template}", ok, "Update a template", s.updateTemplate)
	mutate(s, byUser, sdp.AuditTemplateDelete, "DELETE /api/v1/templates/{template}", http.StatusNoContent, "Delete a template", s.deleteTemplate)
	mutate(s, byUser, sdp.AuditSandboxCreate, "POST /api/v1/templates/{template}/sandboxes", accepted, "Create a sandbox from a template", s.useTemplate)
	read(s, byUser, "POST /api/v1/templates/{template}/render", "Render a template", s.renderTemplate)

	read(s, byUser, "GET /api/v1/sandboxes/{name}/clone", "Show a clone contract", s.showContract)
	mutate(s, byUser, sdp.AuditSandboxClone, "POST /api/v1/sandboxes/{name}/clone", accepted, "Clone a sandbox", s.cloneSandbox)
	mutate(s, byUser, sdp.AuditSnapshotCreate, "POST /api/v1/sandboxes/{name}/snapshots", created, "Take a snapshot", s.createSnapshot)
	read(s, byUser, "GET /api/v1/snapshots", "List snapshots", s.listSnapshots)
	read(s, byUser, "GET /api/v1/snapshots/{id}", "Show a snapshot", s.showSnapshot)
	mutate(s, byUser, sdp.AuditSnapshotDelete, "DELETE /api/v1/snapshots/{id}", http.StatusNoContent, "Delete a snapshot", s.deleteSnapshot)
	read(s, byUser, "GET /api/v1/snapshots/{id}/diff", "Compare a snapshot with now", s.diffSnapshot)
	read(s, byUser, "POST /api/v1/snapshots/{id}/plan", "Plan a restore", s.planRestore)
	mutate(s, byUser, sdp.AuditSnapshotRestore, "POST /api/v1/snapshots/{id}/restore", accepted, "Restore a snapshot", s.restoreSnapshot)

	mutate(s, byUser, sdp.AuditDeploymentCreate, "POST /api/v1/sandboxes/{name}/deployments", accepted, "Deploy", s.deploy)
	read(s, byUser, "GET /api/v1/deployments", "List deployments", s.listDeployments)
	read(s, byUser, "GET /api/v1/deployments/{id}", "Show a deployment", s.showDeployment)
	mutate(s, byUser, sdp.AuditOperationCancel, "POST /api/v1/operations/{id}/cancel", accepted, "Cancel an operation", s.cancelOperation)
	mutate(s, byUser, sdp.AuditDeploymentCancel, "POST /api/v1/deployments/{id}/cancel", accepted, "Cancel a deployment", s.cancel)
	read(s, byUser, "GET /api/v1/deployments/{id}/progress", "Show progress", s.progress)

	s.plainOperations()

	read(s, byUser, "GET /api/v1/environments", "List environments", s.listEnvironments)
	mutate(s, byUser, sdp.AuditEnvironmentCreate, "POST /api/v1/environments", created, "Create an environment", s.createEnvironment)
	read(s, byUser, "GET /api/v1/environments/{environment}", "Show an environment", s.showEnvironment)
	mutate(s, byUser, sdp.AuditEnvironmentUpdate, "PUT /api/v1/environments/{environment}", ok, "Change an environment", s.updateEnvironment)
	mutate(s, byUser, sdp.AuditEnvironmentDelete, "DELETE /api/v1/environments/{environment}", http.StatusNoContent,
		"Delete an environment", s.deleteEnvironment)
	read(s, byUser, "GET /api/v1/environments/{environment}/versions", "List versions", s.listEnvironmentVersions)
	read(s, byUser, "GET /api/v1/environments/{environment}/diff", "Compare versions", s.diffEnvironment)
	read(s, byUser, "GET /api/v1/environments/{environment}/usage", "List users of an environment", s.environmentUsage)
	mutate(s, byUser, sdp.AuditEnvironmentRedeploy, "POST /api/v1/environments/{environment}/redeploy", accepted,
		"Restart what is behind", s.redeployEnvironment)
	read(s, byUser, "GET /api/v1/sandboxes/{name}/services/{service}/environment", "Explain an environment", s.explainEnvironment)
	mutate(s, byUser, sdp.AuditServiceTrack, "PUT /api/v1/sandboxes/{name}/services/{service}/track", ok, "Track a branch", s.track)
	read(s, byUser, "GET /api/v1/tracking", "List watched branches", s.listTracked)
	read(s, byUser, "GET /api/v1/tracking/credential", "Show stored credentials", s.showCredential)
	mutate(s, byUser, sdp.AuditTrackingCredentialStore, "PUT /api/v1/tracking/credential", ok, "Store credentials", s.storeCredential)
	mutate(s, byUser, sdp.AuditTrackingCredentialDelete, "DELETE /api/v1/tracking/credential", http.StatusNoContent,
		"Delete stored credentials", s.forgetCredential)

	read(s, byUser, "GET /api/v1/sandboxes/{name}/routes", "List routes", s.listRoutes)
	read(s, byUser, "GET /api/v1/sandboxes/{name}/traffic", "Show traffic", s.showTraffic)
	mutate(s, byUser, sdp.AuditRouteSet, "PUT /api/v1/sandboxes/{name}/routes/{service}", accepted, "Set a route", s.setRoute)
	mutate(s, byUser, sdp.AuditSandboxTrace, "POST /api/v1/sandboxes/{name}/trace", ok, "Trace a request", s.trace)

	download(s, "text/plain", "GET /api/v1/deployments/{id}/logs", "Download a deployment log", s.downloadLog)
	stream[rest.LogFrame](s, "GET /api/v1/deployments/{id}/logs/stream", "Follow a deployment log", s.followLog)
	download(s, "text/plain", "GET /api/v1/sandboxes/{name}/services/{service}/logs", "Download a service log", s.downloadServiceLog)
	stream[rest.LogFrame](s, "GET /api/v1/sandboxes/{name}/services/{service}/logs/stream", "Follow a service log",
		s.followServiceLog)
	stream[rest.Event](s, "GET /api/v1/events", "Follow events", s.followEvents)
	read(s, byUser, "GET /api/v1/events/past", "List what happened", s.listEvents)
	stream[rest.EventFrame](s, "GET /api/v1/events/stream", "Follow what happens", s.streamEvents)
	read(s, byUser, "GET /api/v1/audit", "List audit events", s.listAudit)
	download(s, "text/csv", "GET /api/v1/audit.csv", "Download audit events", s.downloadAudit)

	mutate(s, byNode, sdp.AuditNodeRegister, "POST /node/v1/{node}/register", ok, "Register a node", s.nodeAPI.Register)
	read(s, byNode, "POST /node/v1/{node}/heartbeat", "Report health", s.nodeAPI.Heartbeat)
	read(s, byNode, "GET /node/v1/{node}/desired", "Show desired state", s.nodeAPI.Desired)
	read(s, byNode, "POST /node/v1/{node}/tables", "Show routing tables", s.nodeAPI.Tables)
	read(s, byNode, "POST /node/v1/{node}/look/asks", "Show questions for git servers", s.nodeAPI.Asks)
	read(s, byNode, "POST /node/v1/{node}/look/answers", "Report git servers' answers", s.nodeAPI.TakeAnswers)
	read(s, byNode, "POST /node/v1/{node}/observed", "Report corrections", s.nodeAPI.Observed)
	read(s, byNode, "GET /node/v1/{node}/images/needed", "Show needed images", s.nodeAPI.NeededImages)
	read(s, byNode, "POST /node/v1/{node}/images/pruned", "Report a prune", s.nodeAPI.PrunedImages)
	read(s, byNode, "POST /node/v1/{node}/logs/{stream}", "Append to a log", s.nodeAPI.AppendLog)

	read(s, byAnyone, "GET /healthz", "Tell whether the server runs", s.healthz)
	read(s, byAnyone, "GET /readyz", "Tell whether the server can work", s.readyz)
}
