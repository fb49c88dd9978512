// Package codes is the list of the codes of all errors: what each means and what to do about it. An error carries its code
// in problem+json, in a deployment's failure and in what the command line prints as JSON; a code keeps its meaning once it
// is here. docs/errors.md is this list for people, and `sdp explain CODE` prints an entry. A test fails when a code is used
// that is not here, or is here and not used.
package codes

import (
	"slices"
	"strings"

	"sdp/internal/sdp"
)

// Code is an entry of the list. An error's own remedy is more exact: it knows the names.
type Code struct {
	Code    string
	Kinds   []sdp.Kind // the usual one first
	Meaning string
	Remedy  string
}

func in(kinds ...sdp.Kind) []sdp.Kind { return kinds }

// Section is a part of the list.
type Section struct {
	Title string
	Codes []Code
}

// Sections are the whole list, by what the errors are about.
func Sections() []Section {
	return []Section{
		{"Requests, definitions and templates", request},
		{"Who asks", session},
		{"The state of things", object},
		{"Deployments", deploy},
		{"Nodes", node},
		{"Routers", router},
		{"The server", server},
		{"The command line", command},
		{"sdp up and its demo", stack},
	}
}

// All is the list in the order of the codes.
func All() []Code {
	var list []Code
	for _, s := range Sections() {
		list = append(list, s.Codes...)
	}
	slices.SortFunc(list, func(a, b Code) int { return strings.Compare(a.Code, b.Code) })
	return list
}

// Find returns the entry of a code.
func Find(code string) (Code, bool) {
	list := All()
	i, found := slices.BinarySearchFunc(list, code, func(c Code, code string) int { return strings.Compare(c.Code, code) })
	if !found {
		return Code{}, false
	}
	return list[i], true
}

// Command is the command line that the remedy names, with words in capitals to fill in; "" where it names none.
func (c Code) Command() string {
	for i, text := range strings.Split(c.Remedy, "`") {
		if i%2 == 1 && strings.HasPrefix(text, "sdp ") {
			return text
		}
	}
	return ""
}
