package gobuild

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/scanner"

	"sdp/internal/sdp"
)

// checkAssembly refuses a commit whose assembler files may include a file from outside their package. All else that
// `go build` reads is the commit's, a module or Go's own; the assembler opens whatever path a branch names, and prints
// what it does not understand of it: the node's token, say.
func checkAssembly(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("looking through the checkout: %w", err)
	}
	defer root.Close()
	files, err := assemblyFiles(dir)
	for _, name := range files {
		err = errors.Join(err, checkIncludes(root, path.Dir(name), name, map[string]bool{}))
	}
	return err
}

// assemblyFiles lists the assembler files of Go packages below dir.
func assemblyFiles(dir string) ([]string, error) {
	var files []string
	packages := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(name) {
		case ".go":
			packages[filepath.Dir(name)] = true
		case ".s":
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking through the checkout: %w", err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return !packages[filepath.Dir(name)] })
	for i, name := range files {
		if files[i], err = filepath.Rel(dir, name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// checkIncludes looks at a file of a package and at all it includes. What is not there is Go's own, such as textflag.h.
func checkIncludes(root *os.Root, pkg, name string, seen map[string]bool) error {
	if seen[name] {
		return nil
	}
	seen[name] = true
	f, err := root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	included, ok := includes(f)
	f.Close()
	for _, file := range included {
		ok = ok && !path.IsAbs(file) && !slices.Contains(strings.Split(file, "/"), "..")
	}
	if !ok {
		return sdp.Errorf(sdp.Failed, "unsafe-commit", "the assembler file %s includes, or may include, a file outside its package", name).
			WithRemedy("move that file into the package, and write its name after #include as it is")
	}
	for _, file := range included {
		err = errors.Join(err, checkIncludes(root, pkg, path.Join(pkg, file), seen))
	}
	return err
}

// includes lists the files that an assembler file names, as cmd/asm/internal/lex reads it. ok is false if a directive
// could become one by way of a macro.
func includes(f *os.File) (names []string, ok bool) {
	var s scanner.Scanner
	s.Init(f)
	s.Mode = scanner.ScanChars | scanner.ScanFloats | scanner.ScanIdents | scanner.ScanInts | scanner.ScanStrings |
		scanner.ScanComments | scanner.SkipComments
	s.Error = func(*scanner.Scanner, string) {} // for the assembler to report
	for tok := s.Scan(); tok != scanner.EOF; tok = s.Scan() {
		if tok != '#' {
			continue
		}
		s.Scan()
		switch s.TokenText() {
		case "define", "undef", "ifdef", "ifndef", "else", "endif", "line":
		case "include":
			if s.Scan() != scanner.String {
				return names, false
			}
			name, err := strconv.Unquote(s.TokenText())
			if err != nil {
				return names, false
			}
			names = append(names, name)
		default:
			return names, false
		}
	}
	return names, true
}
