package gobuild

import (
	"os"
	"path/filepath"
	"testing"

	"sdp/internal/sdp"
)

func TestAssemblyStaysInItsPackage(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		good   bool
	}{
		"none":           {"TEXT ·f(SB),0,$0\n\tRET\n", true},
		"Go's own":       {"#include \"textflag.h\"\n", true},
		"of the package": {"#include \"good.h\"\n", true},
		"directives":     {"// #\n#ifdef GOARCH_amd64\n#define X(y) y\n#undef X\n#else\n#endif\n#line 3 \"a.go\"\n", true},
		"absolute":       {"#include \"/etc/shadow\"\n", false},
		"above":          {"#include \"../../keys\"\n", false},
		"through a link": {"#include \"l/../../keys\"\n", false},
		"escaped":        {"#include \"\\x2e./keys\"\n", false},
		"after comments": {"/* a\n */ # /* b */ include \"/etc/shadow\"\n", false},
		"indirect":       {"#include \"bad.h\"\n", false},
		"in a macro":     {"#define M #include \"/etc/shadow\"\nM\n", false},
		"macro argument": {"#define M(x) #include x\nM(\"/etc/shadow\")\n", false},
		"macro verb":     {"#define M(x) # x \"/etc/shadow\"\nM(include)\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"pkg/f.s": c.source, "pkg/f.go": "package pkg\n", "pkg/good.h": "#define A 1\n", "pkg/bad.h": "#include \"../x\"\n",
				"firmware/boot.s": "#include \"/usr/include/asm.h\"\n", // no Go package: nobody assembles it
			} {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := checkAssembly(dir)
			if c.good && err != nil || !c.good && sdp.AsError(err).Code != "unsafe-commit" {
				t.Errorf("got %v", err)
			}
		})
	}
}
