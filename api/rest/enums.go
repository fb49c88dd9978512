package rest

import (
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"sdp/internal/sdp"
)

// enums are the values that the OpenAPI document lists, and that a request may have, for types whose values are tables of
// the domain: a new row of a table is in the document by itself. Other enums are tags, which a test compares with the
// domain's constants.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[sdp.OperationKind](): values(slices.DeleteFunc(sdp.OperationKinds(), func(k sdp.OperationKind) bool {
		return k == sdp.OpDeploy // its record is a deployment
	})),
	reflect.TypeFor[sdp.OperationState]():  values(sdp.OperationStates()),
	reflect.TypeFor[sdp.DeploymentState](): values(sdp.DeploymentStates()),
	reflect.TypeFor[sdp.SandboxState]():    values(sdp.SandboxStates()),
	reflect.TypeFor[sdp.StepName]():        values(sdp.Steps),
	reflect.TypeFor[sdp.EventType]():       values(sdp.EventTypes()),
}

func values[T ~string](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// listed stands for a type of the domain in the document.
type listed[T ~string] string

// Schema implements huma.SchemaProvider.
func (listed[T]) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: enums[reflect.TypeFor[T]()]}
}

// ListEnums has a registry describe the domain's types with the values of its tables.
func ListEnums(r huma.Registry) {
	r.RegisterTypeAlias(reflect.TypeFor[sdp.OperationKind](), reflect.TypeFor[listed[sdp.OperationKind]]())
	r.RegisterTypeAlias(reflect.TypeFor[sdp.OperationState](), reflect.TypeFor[listed[sdp.OperationState]]())
	r.RegisterTypeAlias(reflect.TypeFor[sdp.DeploymentState](), reflect.TypeFor[listed[sdp.DeploymentState]]())
	r.RegisterTypeAlias(reflect.TypeFor[sdp.SandboxState](), reflect.TypeFor[listed[sdp.SandboxState]]())
	r.RegisterTypeAlias(reflect.TypeFor[sdp.EventType](), reflect.TypeFor[listed[sdp.EventType]]())
	r.RegisterTypeAlias(reflect.TypeFor[sdp.StepName](), reflect.TypeFor[listed[sdp.StepName]]())
}
