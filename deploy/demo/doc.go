// Package demo is the company the demo plays in: a "Bitbucket" stand-in with password-protected repositories, the
// repositories themselves (three Go services and a PHP API gateway, with the branches people want to try), clones of
// them where developers keep theirs, and the shared environment ("OCP") that serves every service from main.
//
// All of it is real: git's own http-backend, real histories, `go build`, child processes, PHP. SDP knows nothing of
// this package; it meets the demo through URLs, clones and an image, as it meets a customer's parts.
package demo

// Ports and names of the demo. Every service listens on ServicePort inside its container, so that "http://payment:8080"
// means the payment service wherever a request is sent from.
const (
	ServicePort = 8080
	Project     = "demo" // of the demo's repositories: <git URL>/scm/demo/account.git
)

// User is somebody who may fetch and push.
type User struct {
	Name     string
	Password string
}

// Users returns the demo's own users: alice and bob. Their passwords are public, which is why the demo's git server
// listens on loopback unless told otherwise.
func Users() []User {
	return []User{{Name: "alice", Password: "alice-demo"}, {Name: "bob", Password: "bob-demo"}}
}
