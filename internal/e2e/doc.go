// Package e2e is the end-to-end suite: it starts the real processes the way a user does (`sdp up`, which runs
// PostgreSQL, temporald, the git server, the server, two workers and two routers, each a process of its own), drives
// them through the CLI, the API and the sandboxes' ports, kills them, and looks at what is left. `make e2e` runs it: three
// processes side by side, each with installations of its own (main_test.go says which tests are whose). With -run it is one.
package e2e
