package api

import "time"

// The types of this file and of views_*.go are what requests and responses look like. They are used by the handlers,
// by the OpenAPI document and by the client (sdp/api/apiclient), so the three cannot differ. Times are RFC 3339 in
// UTC and left out while they have no value.

// Problem is an error as every endpoint answers it: RFC 9457 with the extra members code and remedy.
type Problem struct {
	Type     string         `json:"type,omitempty" doc:"URI of the problem type" example:"about:blank"`
	Title    string         `json:"title" doc:"the HTTP status in words"`
	Status   int            `json:"status" doc:"the HTTP status"`
	Detail   string         `json:"detail" doc:"what went wrong, in one sentence with the facts"`
	Code     string         `json:"code" doc:"stable, machine-readable name of the problem" example:"branch-not-found"`
	Kind     string         `json:"kind" doc:"what the caller can do about it: invalid, conflict, unavailable, ..."`
	Remedy   string         `json:"remedy,omitempty" doc:"what to do next"`
	Instance string         `json:"instance,omitempty" doc:"ID of the request; the server's log has it too"`
	Errors   []ProblemField `json:"errors,omitempty" doc:"which members of the request are wrong"`
}

// ProblemField says what is wrong with one member of a request. It never repeats the value, which may be a secret.
type ProblemField struct {
	Location string `json:"location,omitempty" doc:"where, as in body.services[0].branch"`
	Message  string `json:"message"`
}

// Page is one page of a list. Next is the cursor of the following page, "" on the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"pass it as ?cursor= to get the next page; absent on the last page"`
}

// Login is the body of POST /session.
type Login struct {
	User     string `json:"user" minLength:"1" maxLength:"200" doc:"Bitbucket user name"`
	Password string `json:"password" minLength:"1" maxLength:"1000" format:"password" doc:"Bitbucket password"`
}

// Session is the caller's session. Token is present only in the answer to a login.
type Session struct {
	User      string    `json:"user"`
	ExpiresAt time.Time `json:"expiresAt"`
	Token     string    `json:"token,omitempty" doc:"send it as Authorization: Bearer; absent for pages, which have the cookie instead"`
}

// Node is a machine that runs a worker and a router.
type Node struct {
	Name          string    `json:"name"`
	Type          string    `json:"type" enum:"MICRO,GATEWAY,INFRA"`
	Address       string    `json:"address"`
	Alive         bool      `json:"alive" doc:"whether its worker was heard of lately"`
	Problems      []string  `json:"problems" doc:"why deploys to it would fail now, for people; empty when all is well"`
	PortFirst     int       `json:"portFirst,omitempty"`
	PortLast      int       `json:"portLast,omitempty"`
	Builds        int       `json:"builds" doc:"how many builds may run at once"`
	RunningBuilds int       `json:"runningBuilds"`
	Version       string    `json:"version,omitempty"`
	DockerVersion string    `json:"dockerVersion,omitempty"`
	DiskFree      int64     `json:"diskFree" doc:"bytes"`
	DiskTotal     int64     `json:"diskTotal" doc:"bytes"`
	ImagesUsed    int       `json:"imagesUsed,omitempty" doc:"percent of the disk that is used where Docker keeps its images"`
	Watermark     int       `json:"watermark,omitempty" doc:"percent of that above which the node removes images nothing needs; absent = never"`
	MemoryFree    int64     `json:"memoryFree" doc:"bytes"`
	MemoryTotal   int64     `json:"memoryTotal" doc:"bytes"`
	CPUs          int       `json:"cpus"`
	Load1         float64   `json:"load1"`
	RegisteredAt  time.Time `json:"registeredAt,omitzero"`
	LastSeen      time.Time `json:"lastSeen,omitzero"`
}

// Repository is a git clone configured on a node; its name is also the name of the service it provides.
type Repository struct {
	Name      string `json:"name"`
	Node      string `json:"node"`
	NodeType  string `json:"nodeType" enum:"MICRO,GATEWAY,INFRA"`
	Kind      string `json:"kind" enum:"go,dockerfile"`
	RemoteURL string `json:"remoteURL"`
	Port      int    `json:"port"`
	Health    string `json:"health,omitempty"`
	OCP       string `json:"ocp,omitempty" doc:"where the shared environment serves it"`
	Gateway   bool   `json:"gateway"`
}

// Branch is a branch as the git server has it now.
type Branch struct {
	Name        string    `json:"name"`
	SHA         string    `json:"sha"`
	Subject     string    `json:"subject,omitempty"`
	Author      string    `json:"author,omitempty"`
	CommittedAt time.Time `json:"committedAt,omitzero"`
}

// AuditEvent says who did what, when, and how it ended.
type AuditEvent struct {
	ID          int64     `json:"id"`
	At          time.Time `json:"at"`
	User        string    `json:"user"`
	Action      string    `json:"action"`
	Sandbox     string    `json:"sandbox,omitempty"`
	Service     string    `json:"service,omitempty"`
	Repository  string    `json:"repository,omitempty"`
	Branch      string    `json:"branch,omitempty"`
	SHA         string    `json:"sha,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Outcome     string    `json:"outcome" enum:"accepted,succeeded,refused,failed,cancelled"`
	Detail      string    `json:"detail,omitempty"`
}

// LogFrame is one message of a log stream over WebSocket. Offset is that of Data's first byte; a client that lost its
// connection resumes with ?offset= the offset after the last byte it has. The last frame has Final set and no data.
type LogFrame struct {
	Offset int64  `json:"offset"`
	Next   int64  `json:"next" doc:"offset after the last byte of data"`
	Data   string `json:"data,omitempty" doc:"UTF-8; invalid bytes replaced"`
	Final  bool   `json:"final,omitempty" doc:"the stream has ended at offset"`
}

// Event is one message of the event stream: something changed, ask the API what it is now. Topic "resync" means that
// events may have been missed.
type Event struct {
	Topic   string `json:"topic" example:"deployment/d-abcdefghij" doc:"deployment/<id>, sandbox/<name> (its routes, containers, health and operations too), environment/<name>, audit, nodes, resync, and, for who follows one sandbox, traffic/<name> every two seconds at most"`
	ID      string `json:"id,omitempty"`
	Sandbox string `json:"sandbox,omitempty"`
}
