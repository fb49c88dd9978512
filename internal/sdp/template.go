package sdp

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of templates.
const (
	MaxTemplateParameters = 50
	MaxParameterValue     = 1000 // bytes
)

// SandboxParameter is the parameter every template has without declaring it: the name of the sandbox that is made.
const SandboxParameter = "sandbox"

// CheckTemplateName is CheckSandboxName for templates, up to MaxEnvironmentName.
func CheckTemplateName(name string) error { return checkName("template", name, MaxEnvironmentName) }

var parameterPattern = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,38}[a-z0-9])?$`)

// Check returns an Invalid error unless the template's parameters are well formed and its specification uses each of
// them and no other.
func (t Template) Check() error {
	if len(t.Parameters) > MaxTemplateParameters {
		return Errorf(Invalid, "too-many-parameters", "a template has at most %d parameters, this one has %d",
			MaxTemplateParameters, len(t.Parameters)).WithRemedy("write fixed values for those that hardly ever change")
	}
	declared := map[string]bool{}
	for _, p := range t.Parameters {
		if declared[p.Name] {
			return Errorf(Invalid, "parameter-twice", "parameter %s is declared twice", p.Name).WithRemedy("declare it once")
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
			return Errorf(Invalid, "unused-parameter", "parameter %s is declared but used nowhere", name).
				WithRemedy("write ${%s} where its value belongs, or take the parameter out", name)
		}
	}
	return nil
}

func undeclared(name string, declared []string) error {
	remedy := "declare it below parameters; write $${ for a literal ${"
	if near := Nearest(name, declared); len(near) > 0 {
		remedy = "did you mean ${" + near[0] + "}? Else " + remedy
	}
	return Errorf(Invalid, "undeclared-parameter", "the template uses ${%s}, which is none of its parameters", name).
		WithRemedy("%s", remedy)
}

func (p TemplateParameter) check() error {
	if !parameterPattern.MatchString(p.Name) {
		return Errorf(Invalid, "bad-parameter", "%s cannot name a parameter", quoted(p.Name)).
			WithRemedy("use up to 40 lower-case letters, digits, dashes and underscores, starting with a letter, such as account-branch")
	}
	if p.Name == SandboxParameter {
		return Errorf(Invalid, "bad-parameter", "a parameter cannot be called %s", SandboxParameter).
			WithRemedy("${sandbox} is always there: the name of the sandbox that is made; call yours something else")
	}
	if _, err := p.pattern(); err != nil {
		return err
	}
	for i, choice := range p.Choices {
		if slices.Contains(p.Choices[:i], choice) {
			return Errorf(Invalid, "choice-twice", "parameter %s lists the choice %s twice", p.Name, quoted(choice)).
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
func (p TemplateParameter) pattern() (*regexp.Regexp, error) {
	if p.Pattern == "" {
		return nil, nil
	}
	if _, err := regexp.Compile(p.Pattern); err != nil || len(p.Pattern) > 500 {
		return nil, Errorf(Invalid, "bad-pattern", "the pattern of parameter %s is no regular expression", p.Name).
			WithRemedy("use the syntax of https://github.com/google/re2/wiki/Syntax, up to 500 bytes; it must match the whole value")
	}
	return regexp.MustCompile(`\A(?:` + p.Pattern + `)\z`), nil
}

// accepts returns an Invalid error unless value is one the parameter may have; what says where it is from.
func (p TemplateParameter) accepts(what, value string) error {
	if len(value) > MaxParameterValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return Errorf(Invalid, "bad-parameter-value", "%s of parameter %s is no text of up to %d bytes", what, p.Name,
			MaxParameterValue).WithRemedy("shorten it")
	}
	if len(p.Choices) > 0 && !slices.Contains(p.Choices, value) {
		return Errorf(Invalid, "not-a-choice", "%s %s of parameter %s is none of its choices", what, quoted(value), p.Name).
			WithRemedy("choose one of %s", strings.Join(p.Choices, ", "))
	}
	expression, err := p.pattern()
	if err != nil || expression == nil || expression.MatchString(value) {
		return err
	}
	return Errorf(Invalid, "pattern-mismatch", "%s %s of parameter %s does not match its pattern %s", what, quoted(value), p.Name,
		p.Pattern).WithRemedy("%s", p.hint())
}

func (p TemplateParameter) hint() string {
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
