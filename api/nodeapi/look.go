package nodeapi

import (
	"context"

	"sdp/internal/control"
	"sdp/internal/wire"
)

// looking is a node that asks git servers.
func looking(node string) *control.Call {
	return &control.Call{Actor: control.System("node " + node + " looks at the branches that are watched")}
}

// Asks answers with questions for git servers. What a node says of itself is not asked: it is who has the token.
func (e *Endpoints) Asks(ctx context.Context, in *Report) (*Raw, error) {
	var asked wire.AsksRequest
	if err := in.decode(&asked); err != nil {
		return nil, err
	}
	asked.Node = in.Node
	page, err := e.Control.Asks(ctx, looking(in.Node), asked)
	if err != nil {
		return nil, err
	}
	page.Speaks = wire.Spoken()
	return rawJSON(page)
}

// TakeAnswers takes the answers.
func (e *Endpoints) TakeAnswers(ctx context.Context, in *Report) (*struct{}, error) {
	var report wire.AnswersReport
	if err := in.decode(&report); err != nil {
		return nil, err
	}
	report.Node = in.Node
	return nil, e.Control.TakeAnswers(ctx, looking(in.Node), report)
}
