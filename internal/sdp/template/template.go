// Package template makes definitions of sandboxes from templates. A template's Spec is the JSON of a definition whose texts
// may hold ${parameter}; Render puts values in, Parameterize makes a template of a definition.
package template

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sdp/internal/sdp"
)

// Bounds of templates.
const (
	MaxParameters     = 50
	MaxParameterValue = 1000 // bytes
)

// SandboxParameter is the parameter every template has without declaring it: the name of the sandbox that is made.
const SandboxParameter = "sandbox"

var parameterPattern = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,38}[a-z0-9])?$`)

// Template is a reusable sandbox definition. Strings of its Spec may hold ${parameter}; $${ stands for ${.
type Template struct {
	Name        string
	Description string
	Owner       string
	Parameters  []Parameter
	Spec        []byte // a Document, with placeholders
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Parameter is a value given when a sandbox is made from a template.
type Parameter struct {
	Name        string
	Description string
	Default     *string // nil = it must be given
	Pattern     string  // regular expression (RE2) the whole value must match; "" = any
	Choices     []string
}

// Check returns an Invalid error unless the template's parameters are well formed and its specification uses each of
// them and no other.
func (t Template) Check() error {
	if len(t.Parameters) > MaxParameters {
		return sdp.Errorf(sdp.Invalid, "too-many-parameters", "a template has at most %d parameters, this one has %d",
			MaxParameters, len(t.Parameters)).WithRemedy("write fixed values for those that hardly ever change")
	}
	declared := map[string]bool{}
	for _, p := range t.Parameters {
		if declared[p.Name] {
			return sdp.Errorf(sdp.Invalid, "parameter-twice", "parameter %s is declared twice", p.Name).WithRemedy("declare it once")
		}
		if err := p.check(); err != nil {
			return err
		}
		declared[p.Name] = true
	}
	return t.checkUse(declared)
}

// checkUse compares the declared parameters with the placeholders there are.
func (t Template) checkUse(declared map[string]bool) error {
	used := map[string]bool{}
	_, err := renderJSON(t.Spec, func(name string) (string, error) {
		if !declared[name] && name != SandboxParameter {
			return "", undeclared(name, slices.Sorted(maps.Keys(declared)))
		}
		used[name] = true
		return "", nil
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if !used[name] {
			return sdp.Errorf(sdp.Invalid, "unused-parameter", "parameter %s is declared but used nowhere", name).
				WithRemedy("write ${%s} where its value belongs, or take the parameter out", name)
		}
	}
	return nil
}

func undeclared(name string, declared []string) error {
	remedy := "declare it below parameters; write $${ for a literal ${"
	if near := sdp.Nearest(name, declared); len(near) > 0 {
		remedy = "did you mean ${" + near[0] + "}? Else " + remedy
	}
	return sdp.Errorf(sdp.Invalid, "undeclared-parameter", "the template uses ${%s}, which is none of its parameters", name).
		WithRemedy("%s", remedy)
}

func (p Parameter) check() error {
	if !parameterPattern.MatchString(p.Name) {
		return sdp.Errorf(sdp.Invalid, "bad-parameter", "%s cannot name a parameter", quoted(p.Name)).
			WithRemedy("use up to 40 lower-case letters, digits, dashes and underscores, starting with a letter, such as account-branch")
	}
	if p.Name == SandboxParameter {
		return sdp.Errorf(sdp.Invalid, "bad-parameter", "a parameter cannot be called %s", SandboxParameter).
			WithRemedy("${sandbox} is always there: the name of the sandbox that is made; call yours something else")
	}
	if _, err := p.pattern(); err != nil {
		return err
	}
	for i, choice := range p.Choices {
		if slices.Contains(p.Choices[:i], choice) {
			return sdp.Errorf(sdp.Invalid, "choice-twice", "parameter %s lists the choice %s twice", p.Name, quoted(choice)).
				WithRemedy("list it once")
		}
		if err := p.accepts("the choice", choice); err != nil {
			return err
		}
	}
	if p.Default == nil {
		return nil
	}
	return p.accepts("the default", *p.Default)
}

// pattern returns the expression the whole value must match, nil for any value.
func (p Parameter) pattern() (*regexp.Regexp, error) {
	if p.Pattern == "" {
		return nil, nil
	}
	if _, err := regexp.Compile(p.Pattern); err != nil || len(p.Pattern) > 500 {
		return nil, sdp.Errorf(sdp.Invalid, "bad-pattern", "the pattern of parameter %s is not a regular expression", p.Name).
			WithRemedy("use the syntax of https://github.com/google/re2/wiki/Syntax, up to 500 bytes; it must match the whole value")
	}
	return regexp.MustCompile(`\A(?:` + p.Pattern + `)\z`), nil
}

// accepts returns an Invalid error unless value is one the parameter may have; what says where it is from.
func (p Parameter) accepts(what, value string) error {
	if len(value) > MaxParameterValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return sdp.Errorf(sdp.Invalid, "bad-parameter-value", "%s of parameter %s is not a text of up to %d bytes", what, p.Name,
			MaxParameterValue).WithRemedy("shorten it")
	}
	if len(p.Choices) > 0 && !slices.Contains(p.Choices, value) {
		return sdp.Errorf(sdp.Invalid, "not-a-choice", "%s %s of parameter %s is none of its choices", what, quoted(value), p.Name).
			WithRemedy("choose one of %s", strings.Join(p.Choices, ", "))
	}
	expression, err := p.pattern()
	if err != nil || expression == nil || expression.MatchString(value) {
		return err
	}
	return sdp.Errorf(sdp.Invalid, "pattern-mismatch", "%s %s of parameter %s does not match its pattern %s", what,
		quoted(value), p.Name, p.Pattern).WithRemedy("%s", p.hint())
}

func (p Parameter) hint() string {
	if p.Description != "" {
		return p.Name + ": " + p.Description
	}
	return "give a value that matches the pattern as a whole"
}

// quoted shows what somebody wrote, shortened.
func quoted(text string) string {
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "..."
	}
	return strconv.Quote(text)
}
