package rest

// Problem is an error as every endpoint answers it: RFC 9457 with the extra members code and remedy.
type Problem struct {
	Type     string         `json:"type,omitempty" doc:"URI of the problem type" example:"about:blank"`
	Title    string         `json:"title" doc:"the HTTP status in words"`
	Status   int            `json:"status" doc:"the HTTP status"`
	Detail   string         `json:"detail" doc:"what went wrong, in one sentence with the facts"`
	Code     string         `json:"code" doc:"stable, machine-readable name of the problem" example:"branch-not-found"`
	Kind     string         `json:"kind" doc:"what the caller can do about it: invalid, conflict, unavailable, ..."`
	Remedy   string         `json:"remedy,omitempty" doc:"what to do next"`
	Command  string         `json:"command,omitempty" doc:"the command line of the remedy, to be run as it is"`
	Instance string         `json:"instance,omitempty" doc:"ID of the request; the server's log has it too"`
	Errors   []ProblemField `json:"errors,omitempty" doc:"which members of the request are wrong"`
}

// ProblemField says what is wrong with one member of a request. It never repeats the value, which may be a secret.
type ProblemField struct {
	Location string `json:"location,omitempty" doc:"where, as in body.services[0].branch"`
	Message  string `json:"message"`
}

// GetStatus makes a Problem what huma writes as an error.
func (p *Problem) GetStatus() int { return p.Status }

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }
