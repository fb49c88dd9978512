// Package rest is the contract of the REST API: what requests and responses look like as JSON. The handlers (sdp/api), the
// OpenAPI document and the client (sdp/api/apiclient) use the same types, so the three cannot differ. The names of the
// types are those of the document's schemas.
//
// A type and the function that makes it of the domain's (FromSandbox, ...) are in one file, by subject: it is one contract
// and has as many files as the API has subjects. Deployment and Operation say the same of some things in words of their own,
// which are the document's, so they share no fields. Nothing secret is in a value of the domain, so nothing has to be left
// out here. Times are RFC 3339 in UTC and left out while they have no value. The package knows the domain and the wire
// formats; it knows nothing of use cases, HTTP and the database.
package rest

import "time"

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

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status  string            `json:"status" enum:"ok,unavailable"`
	Version string            `json:"version"`
	Checks  map[string]string `json:"checks,omitempty" doc:"each part the server depends on: ok, or what is wrong"`
}

// About describes the installation.
type About struct {
	Version      string   `json:"version"`
	TemporalUI   string   `json:"temporalUI,omitempty" doc:"URL of the Temporal Web UI"`
	Environments []string `json:"environments" doc:"names a sandbox's environment may have"`
}

// List converts a list. One without items is [] in JSON, not null.
func List[D, V any](items []D, from func(D) V) []V {
	out := make([]V, 0, len(items))
	for _, item := range items {
		out = append(out, from(item))
	}
	return out
}

// utc keeps the zero time zero, so that it is left out.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// millis is a duration as answers give it, in milliseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
