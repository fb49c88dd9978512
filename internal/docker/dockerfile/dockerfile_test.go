package dockerfile

import (
	"strings"
	"testing"

	"sdp/internal/sdp"
)

func TestBaseImages(t *testing.T) {
	for text, want := range map[string]string{
		"FROM a":                              "a",
		"from --platform=linux/amd64 a AS b":  "a",
		"FROM a AS b\nFROM b\nFROM scratch":   "a",
		"ARG V=1\nARG W=x$V\nFROM a:${W}-$V":  "a:x1-1",
		"ARG V\nFROM a:${V:-2}":               "a:2",
		"ARG V=1\nFROM a${V:+:tag}":           "a:tag",
		"ARG \"V=1\"\nFROM a":                 "a",
		"# FROM x\n\nFROM \\\n # no\n a\nRUN": "a",
		"# escape=`\nFROM `\n a":              "a",
		"FROM a AS b\nCOPY --from=b /x /\nCOPY --from=0 /x /\nCOPY --chown=1 --from=c /x /": "a c",
		"FROM a AS B\nFROM b":                                       "a",
		"ARG V='q'\nFROM $V":                                        "q",
		"ARG R=registry/a N=base\nARG I=${R}/${N}\nFROM $I":         "registry/a/base",
		"ARG V=1\nFROM a:$V\nARG V=2\nFROM b:$V":                    "a:1 b:1", // those of a stage end with it
		"FROM a\nRUN <<EOF\nFROM b\nCOPY --from=c / /\nEOF\nFROM d": "a d",
		"FROM a\nRUN x \\\n  # a comment\n\n  FROM b\nFROM c":       "a c",
		"# syntax=x\n# escape=`\nFROM a\nRUN dir C:\\\nFROM `\n  b": "a b",
		"\ufeffFROM a\r\nFROM \\\r\n b\r\n":                         "a b",
		"":                                                          "",
	} {
		if got := strings.Join(BaseImages(text), " "); got != want {
			t.Errorf("BaseImages(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"FROM scratch\nLABEL sdp.deployment=d1\n":                         "reserved-label line 2:",
		"FROM scratch\nLABEL a=b \\\n  # no\n\n 'sdp.node'=\"x\"\n":       "reserved-label line 2:",
		"# escape=`\nFROM scratch\nLABEL a=b `\n sdp.node=x\n":            "reserved-label line 3:",
		"FROM scratch\nONBUILD LABEL \"sdp.service\"=x\n":                 "reserved-label line 2:",
		"FROM scratch\nLABEL sdp.sandbox shop\n":                          "reserved-label line 2:",
		"FROM scratch\nLABEL s\\dp.sandbox=shop\n":                        "reserved-label line 2:",
		"FROM scratch\nENV K=sdp.node\nLABEL $K=x\n":                      "reserved-label line 3: LABEL $K:",
		"FROM scratch\nARG K\nLABEL a=b \"${K:-sdp}.node\"=x\n":           "reserved-label line 3:",
		"FROM scratch\nARG K\nLABEL $K x\n":                               "reserved-label line 3: LABEL $K:",
		"FROM scratch\nLABEL '$K'=x \\$K=x version=$VERSION\n":            "",
		"FROM scratch\nLABEL note=\"LABEL sdp.node=x\" other='${K}'\n":    "",
		"FROM scratch\nRUN echo LABEL sdp.node=x \\\n LABEL sdp.node=y\n": "",
		"FROM a\nRUN <<EOF\nLABEL sdp.node=x\nEOF\n":                      "image-build-failed line 2: RUN <<EOF: heredocs",
		"FROM a\nCOPY <<EOF /x\ntext\nEOF\n":                              "image-build-failed line 2:",
		"FROM a\nRUN cat <<EOF\ntext\n":                                   "image-build-failed unterminated heredoc",
		"FROM a\nLABEL \"open=x\n":                                        "image-build-failed line 2:",
		"FROM a\nLABEL lonely\n":                                          "image-build-failed ",
		"":                                                                "image-build-failed file with no instructions",
	} {
		err := Check(text)
		if want == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		code, part, _ := strings.Cut(want, " ")
		if err == nil || sdp.AsError(err).Code != code || !strings.Contains(sdp.AsError(err).Detail, part) || sdp.AsError(err).Remedy == "" {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
