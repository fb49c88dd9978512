package screen

import (
	"strings"

	"sdp/internal/sdp"
)

// Problem is an error as programs read it: an *sdp.Error, with what the failed step printed last.
type Problem struct {
	Kind    string `json:"kind" doc:"what the caller can do about it: invalid, conflict, unavailable, ..."`
	Code    string `json:"code" doc:"stable name of the problem; sdp explain CODE says what it means" example:"branch-not-found"`
	Detail  string `json:"detail" doc:"what went wrong, in one sentence with the facts"`
	Remedy  string `json:"remedy,omitempty" doc:"what to do next"`
	Command string `json:"command,omitempty" doc:"the command line of the remedy, to be run as it is"`
}

// ProblemOf is err as programs read it.
func ProblemOf(err error) Problem {
	e := sdp.AsError(err)
	return Problem{Kind: string(e.Kind), Code: e.Code, Detail: strings.TrimRight(e.Detail, "\n"), Remedy: e.Remedy, Command: e.Command}
}

// Outcome is how a verb ended.
type Outcome string

const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Detached  Outcome = "detached" // Ctrl-C ended the watching; what was watched goes on
)

// End is the last line of -o ndjson. Result is what -o json would have printed, where the verb came that far.
type End struct {
	Type     string   `json:"type" enum:"end"`
	Outcome  Outcome  `json:"outcome" enum:"succeeded,failed,detached"`
	ExitCode int      `json:"exitCode"`
	Problem  *Problem `json:"problem,omitempty" doc:"why it failed"`
	Result   any      `json:"result,omitempty" doc:"what -o json prints"`
}

// Machine reports whether results are for a program.
func (s *Screen) Machine() bool { return s.Format == JSON || s.Format == YAML || s.Format == NDJSON }

// Line writes v as a line of -o ndjson; in other formats it does nothing.
func (s *Screen) Line(v any) error {
	if s.Format != NDJSON {
		return nil
	}
	return s.JSONLine(v)
}

// End writes the last line of -o ndjson; in other formats it does nothing.
func (s *Screen) End(outcome Outcome, exitCode int, err error) error {
	end := End{Type: "end", Outcome: outcome, ExitCode: exitCode, Result: s.result}
	if err != nil {
		p := ProblemOf(err)
		end.Problem = &p
	}
	return s.Line(end)
}
