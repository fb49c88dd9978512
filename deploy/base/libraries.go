package base

import (
	"context"
	"os/exec"
	"regexp"

	"sdp/internal/sdp"
)

// lddLine is a line of ldd(1): "libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x...)" or the loader's own
// "/lib64/ld-linux-x86-64.so.2 (0x...)". The kernel's vdso has no path.
var lddLine = regexp.MustCompile(`(?m)^\s+(?:\S+ => )?(/\S+|not found)`)

// addLibraries adds every library the executables and modules are linked to, under the path the loader looks it up at.
func (l layer) addLibraries(ctx context.Context, files ...string) error {
	for _, file := range files {
		out, err := exec.CommandContext(ctx, "ldd", file).Output()
		if err != nil {
			return sdp.Errorf(sdp.Internal, "ldd-failed", "ldd %s: %w", file, err)
		}
		for _, m := range lddLine.FindAllStringSubmatch(string(out), -1) {
			if m[1] == "not found" {
				return sdp.Errorf(sdp.Unavailable, "library-missing", "%s is linked to a library that is not installed", file).
					WithRemedy("`ldd %s` names it", file)
			}
			l[m[1]] = entry{from: m[1], mode: 0o755}
		}
	}
	return nil
}
