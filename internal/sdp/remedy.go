package sdp

import (
	"slices"
	"strings"
)

// What an administrator does where parts of an installation do not understand each other. Answers that nobody with the
// keys gave may also be forged.
const (
	SameVersion         = "an administrator runs the same version of sdp on all servers and nodes"
	SameVersionOrForged = SameVersion + "; where that is so, somebody without the keys answers in Temporal: restrict who reaches it"
)

// harmless are the command lines, or how they begin, that a program may run because a remedy names them: they look, sign
// in, or free what nothing needs. What deletes or stops something is for a person to decide.
var harmless = []string{
	"sdp login", "sdp nodes", "sdp repos", "sdp branches ", "sdp ports", "sdp history", "sdp audit", "sdp routes ", "sdp logs ",
	"sdp sandbox list", "sdp sandbox show ", "sdp snapshot list", "sdp snapshot show ", "sdp template list", "sdp template show ",
	"sdp env list", "sdp env show ", "sdp env versions ", "sdp env usage ", "sdp env diff ", "sdp env explain ",
	"sdp images list", "sdp images prune", "sdp explain ",
}

// commandIn returns the first command line in backquotes that is harmless and can be run as it is: it leaves no NAME or
// FILE to fill in, and no word of it means anything to a shell. Names in a remedy may come from a request.
func commandIn(remedy string) string {
	for i, text := range strings.Split(remedy, "`") {
		begins := func(prefix string) bool {
			return text == prefix || strings.HasPrefix(text, strings.TrimSuffix(prefix, " ")+" ")
		}
		if i%2 == 1 && slices.ContainsFunc(harmless, begins) && !slices.ContainsFunc(strings.Fields(text), unready) {
			return text
		}
	}
	return ""
}

// unready reports whether a word of a command line is a placeholder, or not one that every shell takes as it is.
func unready(word string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:"
	return strings.Trim(word, plain) != "" || strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" || strings.Contains(word, "...")
}
