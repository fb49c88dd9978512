package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// TestHostsNodesCutOffFromEachOther: each serves what it has, requests for the other one fail fast and say so, deployments
// go on, and all is as before within seconds of the link's return.
func TestHostsNodesCutOffFromEachOther(t *testing.T) {
	h := onHosts(t)
	whole := h.newSandbox(t, "gateway: {branch: main}\nservices:\n  account: {branch: main}\n")
	box := h.newSandbox(t, "services:\n  relay: {branch: main}\n  account: {branch: main}\n")
	slow := newStuck(t)
	underWay := make(chan string, 1)
	go func() {
		a, err := get(box.URL + "/relay/ask?url=" + slow.url)
		underWay <- fmt.Sprint(a.status, err)
	}()
	slow.arrived(t)
	wantAnswer(t, box.URL+"/relay/version", 200, "relay=sandbox@") // leaves an idle connection

	mend := cutLink(t, h.gateway, h.micro)
	h.unreachable(t, box)
	began := time.Now()
	for range 20 {
		h.unreachable(t, box)
	}
	if took := time.Since(began); took > 20*time.Second { // a dial of its own would take each 2 s
		t.Errorf("20 requests to a node known to be cut off took %v: they did not fail at once", took)
	}
	if how := <-underWay; how != "502 <nil>" {
		t.Errorf("the request that was under way ended with %s", how)
	}
	wantAnswer(t, whole.URL+"/healthz", 200, "gateway=sandbox@")           // on gateway-1
	h.asks(t, h.micro, serviceOf(t, box, "relay").Serving.Name, "account") // on micro-1
	h.ok(t, "deploy", box.Name, "relay@feature/other", "--wait")           // the server reaches both
	h.unreachable(t, box)

	mend()
	eventually(t, time.Minute, func() error {
		a, err := get(box.URL + "/relay/version")
		if err == nil && a.status != 200 {
			err = errorf("%d %s", a.status, a.body)
		}
		return err
	})
	h.sound(t, box.Name)
	h.sound(t, whole.Name)
}

// unreachable wants an answer that says that micro-1 cannot be reached and since when.
func (h *hosts) unreachable(t *testing.T, box rest.Sandbox) {
	t.Helper()
	wantAnswer(t, box.URL+"/relay/version", 502, "relay=sandbox@", `"code":"node-unreachable"`,
		"node micro-1 at 10.20.0.12:7711 cannot be reached from node gateway-1 since 20")
}

// asks has the relay in a container of a machine ask a service of its sandbox.
func (h *hosts) asks(t *testing.T, m *machine, relay, service string) {
	t.Helper()
	at := strings.TrimSpace(command(t, "", "docker", "-H", m.dockerHost(), "inspect", "-f",
		"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", relay))
	out, err := m.output("curl -sS 'http://" + at + ":8080/ask?url=http://" + service + ":8080/healthz'")
	if err != nil || !strings.Contains(out, "["+service+"=sandbox@") {
		t.Errorf("on %s relay has of %s: %v, %s", m.name, service, err, out)
	}
}

// TestHostsControlCutOff: a node does not reach the server and Temporal while a deployment is in one of its steps.
func TestHostsControlCutOff(t *testing.T) {
	h := onHosts(t)
	g := newGate(t)
	t.Run("from the service's node, for a moment", func(t *testing.T) { h.cutSteps(t, g, false) })
	t.Run("from the service's node, for long", func(t *testing.T) { h.cutSteps(t, g, true) })
	t.Run("from the gateway's node, in the route step", func(t *testing.T) { h.cutRoute(t, g) })
}

// held is a deployment that is held in a step.
type held struct {
	step   sdp.StepName
	box    rest.Sandbox
	before string // commit that serves
	id     string
}

// cutSteps cuts the link between control and micro-1 while deployments are in the steps fetch, build and start.
func (h *hosts) cutSteps(t *testing.T, g *gate, long bool) {
	boxes := map[sdp.StepName]*held{}
	for _, step := range []sdp.StepName{sdp.StepFetch, sdp.StepBuild, sdp.StepStart} {
		box := h.newSandbox(t, "variables: {GATE: '"+g.url+"'}\nservices:\n  relay: {branch: main}\n")
		boxes[step] = &held{step: step, box: box, before: serviceOf(t, box, "relay").Serving.SHA}
	}
	g.close(boxes[sdp.StepStart].box.Name)
	boxes[sdp.StepStart].id = h.deployInBackground(t, boxes[sdp.StepStart].box.Name, "relay@feature/other").ID
	g.arrived(t, boxes[sdp.StepStart].box.Name)
	boxes[sdp.StepBuild].id = h.deployInBackground(t, boxes[sdp.StepBuild].box.Name, "relay@"+h.slowBranch(t, "relay")).ID
	h.waitState(t, boxes[sdp.StepBuild].box.Name, boxes[sdp.StepBuild].id, time.Minute, sdp.Building)
	reachGit := h.micro.ignore(t, peopleAddress)
	boxes[sdp.StepFetch].id = h.deployInBackground(t, boxes[sdp.StepFetch].box.Name, "relay@feature/other").ID
	h.waitState(t, boxes[sdp.StepFetch].box.Name, boxes[sdp.StepFetch].id, time.Minute, sdp.Fetching)

	mend := cutLink(t, h.control, h.micro)
	reachGit()
	g.open(boxes[sdp.StepStart].box.Name)
	want := sdp.Running
	if long {
		want = sdp.DeployFailed
		h.awaitDown(t, "micro-1")
		for _, b := range boxes {
			wantAnswer(t, b.box.URL+"/relay/version", 200, "relay=sandbox@"+sdp.ShortSHA(b.before))
			f := h.waitState(t, b.box.Name, b.id, 2*time.Minute, want).Failure
			if f == nil || f.Code != "no-worker" || f.Step != b.step {
				t.Errorf("%s: the deployment to a node that is cut off failed with %+v", b.step, f)
			}
		}
	}
	mend()
	for _, b := range boxes {
		b.settled(t, h, h.waitState(t, b.box.Name, b.id, time.Minute, want))
	}
}

// settled wants the sandbox in order, with what the deployment came to serving, and able to take the next one.
func (b held) settled(t *testing.T, h *hosts, d rest.Deployment) {
	t.Helper()
	serving := serviceOf(t, h.sound(t, b.box.Name), "relay").Serving
	switch {
	case serving == nil:
		t.Errorf("%s: nothing serves after the cut", b.step)
	case d.State == sdp.Running && serving.SHA != d.SHA, d.State != sdp.Running && serving.SHA != b.before:
		t.Errorf("%s: the deployment is %s, and %s serves, which is not %s or %s", b.step, d.State, serving.SHA, b.before, d.SHA)
	}
	if d.State != sdp.Running {
		h.ok(t, "deploy", b.box.Name, "relay@feature/other", "--wait")
		h.sound(t, b.box.Name)
	}
}

// cutRoute cuts the link between control and gateway-1 once a deployment has only its route to switch.
func (h *hosts) cutRoute(t *testing.T, g *gate) {
	box := h.newSandbox(t, "variables: {GATE: '"+g.url+"'}\nservices:\n  relay: {branch: main}\n")
	b := held{step: sdp.StepRoute, box: box, before: serviceOf(t, box, "relay").Serving.SHA}
	g.close(box.Name)
	b.id = h.deployInBackground(t, box.Name, "relay@feature/other").ID
	g.arrived(t, box.Name)
	mend := cutLink(t, h.control, h.gateway)
	g.open(box.Name)
	h.awaitDown(t, "gateway-1")
	wantAnswer(t, box.URL+"/relay/version", 200, "relay=sandbox@") // which of the two, says the router of micro-1
	mend()
	d := h.waitState(t, box.Name, b.id, 2*time.Minute, sdp.Running, sdp.DeployFailed)
	b.settled(t, h, d)
}

// awaitDown waits until the server has not heard of a node for too long.
func (h *hosts) awaitDown(t *testing.T, node string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		for _, n := range askJSON[[]rest.Node](t, h.installation, "nodes") {
			if n.Name == node && n.Alive {
				return errorf("node %s was heard of at %v", node, n.LastSeen)
			}
		}
		return nil
	})
}

// stuck is a server that answers when the test is over.
type stuck struct {
	url  string
	come chan struct{}
}

func newStuck(t *testing.T) stuck {
	t.Helper()
	s, over := stuck{come: make(chan struct{}, 1)}, make(chan struct{})
	l, err := net.Listen("tcp", peopleAddress+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		s.come <- struct{}{}
		<-over
	}))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	s.url = server.URL
	return s
}

func (s stuck) arrived(t *testing.T) {
	t.Helper()
	select {
	case <-s.come:
	case <-time.After(time.Minute):
		t.Fatal("nobody has come")
	}
}
