// Package dockerfile reads from a Dockerfile what must be known before it is built: the images it starts from, and whether
// it does what SDP does not allow. The file is parsed by BuildKit's parser, which Docker's builder has been using since
// 2017, so that both see the same instructions; it costs 10 lines of go.sum and 0.3 MB of the binary (measured).
package dockerfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"sdp/internal/sdp"
)

// file is a parsed Dockerfile.
type file struct {
	instructions []*parser.Node
	lex          *shell.Lex
}

func parse(dockerfile string) (file, error) {
	parsed, err := parser.Parse(strings.NewReader(dockerfile))
	if err != nil {
		return file{}, err
	}
	return file{parsed.AST.Children, shell.NewLex(parsed.EscapeToken)}, nil
}

// BaseImages lists the images a Dockerfile starts from or copies from, other than its own stages and "scratch". The
// classic builder would pull those the daemon does not have, so they are looked for first. What cannot be parsed has none:
// it cannot be built either.
func BaseImages(dockerfile string) []string {
	f, err := parse(dockerfile)
	if err != nil {
		return nil
	}
	var images, args []string
	stages := map[string]bool{}
	inStage := false
	add := func(image string) {
		if image != "" && image != "scratch" && !stages[strings.ToLower(image)] {
			images = append(images, image)
		}
	}
	for _, i := range f.instructions {
		switch strings.ToUpper(i.Value) {
		case "ARG":
			if !inStage {
				args = append(args, f.defaults(words(i.Next), args)...)
			}
		case "FROM":
			inStage = true
			from := words(i.Next)
			if len(from) == 0 {
				continue
			}
			add(f.expand(from[0], args))
			if len(from) == 3 && strings.EqualFold(from[1], "AS") {
				stages[strings.ToLower(from[2])] = true
			}
		case "COPY", "ADD":
			add(copiedFrom(i.Flags))
		}
	}
	return images
}

// words are the values of a list of nodes.
func words(n *parser.Node) (values []string) {
	for ; n != nil; n = n.Next {
		values = append(values, n.Value)
	}
	return values
}

// defaults are the arguments of an ARG that have a value, "NAME=value" each.
func (f file) defaults(declared, args []string) (known []string) {
	for _, word := range declared {
		if arg := f.expand(word, slices.Concat(args, known)); strings.Contains(arg, "=") {
			known = append(known, arg)
		}
	}
	return known
}

// expand replaces variables and takes quotes away.
func (f file) expand(word string, args []string) string {
	expanded, _, err := f.lex.ProcessWord(word, shell.EnvsFromSlice(args))
	if err != nil {
		return word // the build says what is wrong with it
	}
	return expanded
}

// copiedFrom is the image or the stage a COPY takes files from, "" if that is the build context or a stage's number.
func copiedFrom(flags []string) string {
	for _, flag := range flags {
		if from, ok := strings.CutPrefix(flag, "--from="); ok {
			if _, err := strconv.Atoi(from); err != nil {
				return from
			}
		}
	}
	return ""
}

// Check refuses a Dockerfile that cannot be built here, or that sets labels of SDP's. The containers of its steps, and
// whatever is made of its image, would say they are something that they are not. Labels it inherits are not seen here:
// they change nothing, see ownsContainer of package docker.
func Check(dockerfile string) error {
	f, err := parse(dockerfile)
	if err != nil {
		return notBuilt(err.Error(), "mend the Dockerfile")
	}
	for _, i := range f.instructions {
		if err := f.check(i); err != nil {
			return err
		}
	}
	return nil
}

func (f file) check(i *parser.Node) error {
	line := i.StartLine
	if strings.EqualFold(i.Value, "ONBUILD") && i.Next != nil && len(i.Next.Children) > 0 {
		i = i.Next.Children[0]
	}
	if len(i.Heredocs) > 0 { // some versions of the classic builder take its lines for instructions, others drop them
		return notBuilt(fmt.Sprintf("line %d: %s: heredocs need BuildKit, and SDP builds with Docker's classic builder", line, i.Original),
			"put the lines into a script of the repository and RUN that, or write them with `RUN a && b`")
	}
	if !strings.EqualFold(i.Value, "LABEL") {
		return nil
	}
	for key := i.Next; key != nil; key = key.Next.Next.Next { // key, value, separator
		if err := f.checkLabel(line, key.Value); err != nil {
			return err
		}
	}
	return nil
}

func (f file) checkLabel(line int, key string) error {
	name, variables, err := f.lex.ProcessWord(key, shell.EnvsFromSlice(nil))
	switch {
	case err != nil:
		return notBuilt(fmt.Sprintf("line %d: LABEL %s: %v", line, key, err), "mend the Dockerfile")
	case len(variables) > 0: // ENV, ARG and the base image decide what it becomes
		return sdp.Errorf(sdp.Failed, "reserved-label",
			"line %d: LABEL %s: a key with a variable may become one of the labels that begin with sdp., which are SDP's own", line, key).
			WithRemedy("write the key out in the Dockerfile; its value may have variables")
	case strings.HasPrefix(name, "sdp."):
		return sdp.Errorf(sdp.Failed, "reserved-label", "line %d: LABEL %s: labels that begin with sdp. are SDP's own", line, name).
			WithRemedy("take it out of the Dockerfile, or give it another name")
	}
	return nil
}

func notBuilt(why, remedy string) error {
	return sdp.Errorf(sdp.Failed, "image-build-failed", "the Dockerfile does not build: %s", why).WithRemedy("%s", remedy)
}
