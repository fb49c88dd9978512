package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"sdp/internal/sdp"
)

// Runs that were begun before messages had a package of their own go on with what was written then. Fields had their Go
// names: reading JSON does not tell upper and lower case apart. What had another shape is read here.

// UnmarshalJSON reads the job of before as well, which held a deployment and a repository as they are.
func (j *Job) UnmarshalJSON(raw []byte) error {
	type job Job
	var names struct {
		Deployment json.RawMessage `json:"deployment"`
	}
	if err := json.Unmarshal(raw, &names); err != nil {
		return err
	}
	if !bytes.HasPrefix(names.Deployment, []byte("{")) {
		return json.Unmarshal(raw, (*job)(j))
	}
	var was struct {
		Deployment  struct{ ID, Sandbox, Service, Branch, SHA, Image string }
		Repository  sdp.Repository
		Credentials sdp.SealedBox
		Env         map[string]string
		Secrets     sdp.SealedBox
		Limits      sdp.Limits
		Table       RoutingTable
	}
	if err := json.Unmarshal(raw, &was); err != nil {
		return err
	}
	d := was.Deployment
	*j = Job{Deployment: d.ID, Sandbox: d.Sandbox, Service: d.Service, Repository: was.Repository.Name,
		Node: was.Repository.Node, Kind: was.Repository.Kind, Branch: d.Branch, SHA: d.SHA, Image: d.Image,
		Credentials: was.Credentials, Env: was.Env, Secrets: was.Secrets, Limits: was.Limits, Table: was.Table}
	return nil
}

// UnmarshalJSON reads the switches of before as well: of one service, with one previous container or none, and of
// several, with the previous ones by service.
func (s *Switch) UnmarshalJSON(raw []byte) error {
	var in struct {
		Table    RoutingTable    `json:"table"`
		Nodes    []string        `json:"nodes"`
		Away     []string        `json:"away"`
		Previous json.RawMessage `json:"previous"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*s = Switch{Table: in.Table, Nodes: in.Nodes, Away: in.Away}
	if !bytes.HasPrefix(in.Previous, []byte("{")) {
		return unmarshalIfAny(in.Previous, &s.Previous)
	}
	var one sdp.Container
	if err := json.Unmarshal(in.Previous, &one); err == nil && one.Deployment != "" {
		s.Previous = []sdp.Container{one}
		return nil
	}
	var several map[string]sdp.Container
	if err := json.Unmarshal(in.Previous, &several); err != nil {
		return err
	}
	for _, service := range slices.Sorted(maps.Keys(several)) {
		s.Previous = append(s.Previous, several[service])
	}
	return nil
}

func unmarshalIfAny(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// UnmarshalJSON reads the input of before as well, which named a first container apart from further ones.
func (in *RouteInput) UnmarshalJSON(raw []byte) error {
	type routeInput RouteInput
	var was struct {
		Container, Deployment string
		More                  []sdp.Container
	}
	err := json.Unmarshal(raw, (*routeInput)(in))
	if err == nil && in.Containers == nil {
		err = json.Unmarshal(raw, &was)
	}
	if was.Container != "" || was.Deployment != "" {
		in.Containers = append([]sdp.Container{{Deployment: was.Deployment, DockerID: was.Container}}, was.More...)
	}
	return err
}
