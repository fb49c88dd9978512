package settings

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sdp/internal/sdp"
)

// MaxFilePath bounds the path of an environment's file, in bytes.
const MaxFilePath = 200

// kernelTrees belong to the kernel: nothing can be copied into them.
var kernelTrees = []string{"/proc", "/sys", "/dev"}

// guardedFiles decide who a process in the container is, or are mounted by Docker over whatever the container has there.
var guardedFiles = []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
	"/etc/sudoers", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/etc/ld.so.preload", "/.dockerenv"}

// guardedTrees are directories of which the same is true of every file.
var guardedTrees = []string{"/etc/pam.d", "/etc/sudoers.d"}

// CheckFilePath returns an Invalid error unless p can be the path of an environment's file in a container: absolute,
// clean, and none of those that the kernel, Docker or the container's user database need.
func CheckFilePath(p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return badPath(p, "is not absolute")
	case len(p) > MaxFilePath:
		return badPath(p, "is too long")
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return badPath(p, "has characters in it that cannot be shown")
	case slices.Contains(strings.Split(p, "/"), ".."):
		return badPath(p, "leaves its directory")
	case p == "/" || path.Clean(p) != p:
		return badPath(p, "is not a plain path of a file")
	case below(p, kernelTrees):
		return badPath(p, "belongs to the kernel")
	case slices.Contains(guardedFiles, p) || below(p, guardedTrees) || below(p, guardedFiles):
		return badPath(p, "is kept for the container's own")
	}
	return nil
}

// CheckFilePaths is CheckFilePath for all files of an environment, which also must not be in each other's way: none can
// be a file and a directory at once.
func CheckFilePaths(paths []string) error {
	for _, p := range paths {
		if err := CheckFilePath(p); err != nil {
			return err
		}
		for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
			if slices.Contains(paths, dir) {
				return badPath(p, "lies below another file, "+dir)
			}
		}
	}
	return nil
}

// below reports whether p is one of the trees' roots or below one.
func below(p string, trees []string) bool {
	return slices.ContainsFunc(trees, func(root string) bool { return p == root || strings.HasPrefix(p, root+"/") })
}

func badPath(p, why string) error {
	if len(p) > 80 {
		p = p[:80] + "..."
	}
	return sdp.Errorf(sdp.Invalid, "bad-file-path", "the file path %q %s", p, why).
		WithRemedy("use an absolute path of up to %d bytes without \"..\", such as /etc/app/settings.json", MaxFilePath)
}
