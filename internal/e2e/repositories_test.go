package e2e

import "sdp/internal/sdp"

// The repositories of the lab. Each branch has one thing wrong with it.

const phpImage = "sdp-demo/php:8.2"

// emitter is the file that prints while an image is built; its name tells the lab's images from others.
const emitter = "emit-for-e2e.php"

// phpOfThisRun begins an emitter that no earlier run had. What a killed run left in the builder's cache would be used
// again, and a step that does not run prints nothing.
var phpOfThisRun = "<?php // " + sdp.NewID("") + "\n"

// absentImage is an image nobody has until a test imports it.
const absentImage = "sdp-e2e/absent:1"

var plainRepository = repository{
	name:   "plain",
	config: "kind: go, port: 8080, health: /healthz",
	main:   files{"go.mod": "module plain\n\ngo 1.21\n", "main.go": plainSource("", ":8080")},
	branches: map[string]files{
		"feature/other":      {"note.go": "package main\n\nvar _ = 1\n"},
		"feature/needs-sum":  {"dep.go": importsAbsent, "go.mod": requiresAbsent},
		"feature/needs-mod":  {"dep.go": importsAbsent},
		"feature/needs-file": {"dep.go": importsAbsent, "go.mod": requiresAbsent, "go.sum": absentSum},
		"feature/wrong-port": {"main.go": plainSource(`fmt.Println("listening where nobody asks")`, ":9999")},
		"feature/gated":      {"gate.go": gateSource},
		"feature/slow-start": {"main.go": plainSource(`time.Sleep(5 * time.Second)`, ":8080")},
	},
}

var onBaseRepository = repository{
	name:   "onbase",
	config: "kind: go, port: 8080, health: /healthz, baseImage: '" + absentImage + "'",
	main:   files{"go.mod": "module onbase\n\ngo 1.21\n", "main.go": plainSource("", ":8080")},
}

var bareRepository = repository{
	name:   "bare",
	config: "kind: dockerfile, port: 8080",
	main:   files{"README.md": "There is no Dockerfile here.\n"},
}

var fromBaseRepository = repository{
	name:   "frombase",
	config: "kind: dockerfile, port: 8080",
	main:   files{"Dockerfile": "FROM " + absentImage + "\nCMD [\"/usr/bin/php\", \"-S\", \"0.0.0.0:8080\"]\n"},
}

var chattyRepository = repository{
	name:   "chatty",
	config: "kind: dockerfile, port: 8080",
	main: files{
		"Dockerfile": "FROM " + phpImage + "\nCOPY " + emitter + " /" + emitter + "\nRUN [\"/usr/bin/php\", \"/" + emitter + "\"]\n" +
			"CMD [\"/usr/bin/php\", \"-S\", \"0.0.0.0:8080\"]\n",
		emitter: phpOfThisRun + "echo \"before the long line\\n\";\nfor ($i = 0; $i < 1024; $i++) echo str_repeat('x', 1024);\n" +
			"echo \"\\nafter the long line\\n\";\n",
	},
	branches: map[string]files{"feature/flood": {
		emitter: phpOfThisRun + "for ($i = 0; $i < 1000000; $i++) printf(\"%099d\\n\", $i);\n" +
			"echo \"the last words\\n\";\nexit(3);\n",
	}},
}

// plainSource is a service that does what at its start and then listens on address.
func plainSource(what, address string) string {
	return `package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	started := time.Now()
	` + what + `
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "plain", os.Getenv("SDP_SHA"), "up for", time.Since(started))
	})
	fmt.Println(http.ListenAndServe("` + address + `", nil))
	os.Exit(1)
}
`
}

const (
	importsAbsent  = "package main\n\nimport _ \"example.com/absent\"\n"
	requiresAbsent = "module plain\n\ngo 1.21\n\nrequire example.com/absent v1.2.3\n"
	absentSum      = "example.com/absent v1.2.3 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" +
		"example.com/absent v1.2.3/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
)
