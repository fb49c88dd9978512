package docker

import (
	"bufio"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// BaseImages lists the images a Dockerfile starts from or copies from, other than its own stages and "scratch". The
// classic builder would pull those the daemon does not have, so they are looked for first.
func BaseImages(dockerfile string) []string {
	var images []string
	stages := map[string]bool{}
	args := map[string]string{}
	inStage := false
	add := func(image string) {
		if image != "" && image != "scratch" && !stages[strings.ToLower(image)] {
			images = append(images, image)
		}
	}
	for _, words := range instructions(dockerfile) {
		switch strings.ToUpper(words[0]) {
		case "ARG":
			if !inStage {
				for _, arg := range words[1:] {
					if name, value, ok := strings.Cut(arg, "="); ok {
						args[name] = expand(strings.Trim(value, `"'`), args)
					}
				}
			}
		case "FROM":
			inStage = true
			rest := withoutFlags(words[1:], nil)
			if len(rest) == 0 {
				continue
			}
			add(expand(rest[0], args))
			if len(rest) == 3 && strings.EqualFold(rest[1], "AS") {
				stages[strings.ToLower(rest[2])] = true
			}
		case "COPY", "ADD":
			withoutFlags(words[1:], func(flag, value string) {
				if _, err := strconv.Atoi(value); flag == "--from" && err != nil {
					add(value)
				}
			})
		}
	}
	return images
}

// withoutFlags returns the words after the leading --flag=value ones, which it gives to seen.
func withoutFlags(words []string, seen func(flag, value string)) []string {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		flag, value, _ := strings.Cut(words[0], "=")
		if seen != nil {
			seen(flag, value)
		}
		words = words[1:]
	}
	return words
}

var escapeDirective = regexp.MustCompile("(?i)^#\\s*escape\\s*=\\s*([\\\\`])\\s*$")

// instructions splits a Dockerfile into the words of its instructions: comments and empty lines dropped, continued
// lines joined.
func instructions(dockerfile string) [][]string {
	escape := `\`
	var all [][]string
	var line strings.Builder
	for s := bufio.NewScanner(strings.NewReader(dockerfile)); s.Scan(); {
		text := strings.TrimSpace(s.Text())
		if m := escapeDirective.FindStringSubmatch(text); m != nil && len(all) == 0 && line.Len() == 0 {
			escape = m[1]
		}
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if more, continued := strings.CutSuffix(text, escape); continued {
			line.WriteString(more + " ")
			continue
		}
		line.WriteString(text)
		all = append(all, strings.Fields(line.String()))
		line.Reset()
	}
	if words := strings.Fields(line.String()); len(words) > 0 {
		all = append(all, words)
	}
	return all
}

var defaulted = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):([-+])(.*)$`)

// expand replaces $name, ${name}, ${name:-default} and ${name:+alternative}.
func expand(s string, args map[string]string) string {
	return os.Expand(s, func(name string) string {
		m := defaulted.FindStringSubmatch(name)
		if m == nil {
			return args[name]
		}
		value := args[m[1]]
		if (m[2] == "-") == (value == "") {
			return expand(m[3], args)
		}
		return value
	})
}
