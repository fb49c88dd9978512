package e2e

import "crypto/rand"

// vaultRepository prints the secrets it is given in all forms. inSource is one of them that somebody has also written into
// the source.
func vaultRepository(inSource string) repository {
	return repository{
		name:   "vault",
		config: "kind: go, port: 8080, health: /healthz",
		main:   files{"go.mod": "module vault\n\ngo 1.21\n", "main.go": vaultSource, "end.go": endSource("")},
		branches: map[string]files{
			"broken": {"end.go": endSource(`var wrong int = "` + inSource + `"; _ = wrong`)},
			"crash":  {"end.go": endSource(`panic("the end with " + os.Getenv("TOKEN"))`)},
			"never":  {"end.go": endSource(`select {}`)},
		},
	}
}

func endSource(what string) string {
	seed := rand.Text() // or else the compiler's work would be found in its cache
	return "package main\n\nimport \"os\"\n\nvar _ = os.Getenv\n\nconst seed = \"" + seed + "\"\n\nfunc end() {\n\t" + what + "\n}\n"
}

const vaultSource = `package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

func say() {
	file, _ := os.ReadFile("` + vaultFile + `")
	values := map[string]string{"the file": string(file)}
	for _, key := range []string{"TOKEN", "PEM", "SOURCE", "IDEM", "ENVSECRET", "FROMFILE", "QUOTED", "BOXSECRET"} {
		values[key] = os.Getenv(key)
	}
	for i, line := range strings.Split(string(file), "\n") {
		values["line "+fmt.Sprint(i)] = line
	}
	for key, value := range values {
		if value == "" {
			continue
		}
		quoted, _ := json.Marshal(map[string]string{key: value})
		fmt.Println(key, "is", value)
		fmt.Printf("%q %s\n%s\n", value, quoted, base64.StdEncoding.EncodeToString([]byte("user:"+value)))
		fmt.Println(url.QueryEscape(value), url.PathEscape(value), hex.EncodeToString([]byte(value)))
		for i := 0; i < len(value); i += 7 { // in pieces
			os.Stderr.WriteString(value[i:min(i+7, len(value))])
			time.Sleep(time.Millisecond)
		}
		os.Stderr.WriteString("\n")
	}
	fmt.Println(os.Environ())
	fmt.Println("that was the end")
}

func main() {
	say()
	end()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		session, _ := r.Cookie("sdp_session")
		fmt.Fprintln(w, "whoever looks at me is", session)
	})
	fmt.Println(http.ListenAndServe(":8080", nil))
	os.Exit(1)
}
`

// frontRepository does the same in PHP, whose json_encode escapes more than others, and with a Dockerfile.
func frontRepository(inSource string) repository {
	return repository{
		name:   "front",
		config: "kind: dockerfile, port: 8080",
		main:   files{"Dockerfile": frontDockerfile(""), "serve.php": frontSource + "pcntl_exec('/usr/bin/php', ['-q', '-S', '0.0.0.0:8080']);\n"},
		branches: map[string]files{
			"broken": {"Dockerfile": frontDockerfile(`RUN ["/usr/bin/php", "-r", "print_r(getenv()); echo 'about to fail'; exit('` + inSource + `' ? 7 : 0);"]` + "\n")},
			"crash":  {"serve.php": frontSource + "exit(3);\n"},
		},
	}
}

func frontDockerfile(run string) string {
	return "FROM " + phpImage + "\n" + run + "COPY . /app\nSTOPSIGNAL SIGINT\nCMD [\"/usr/bin/php\", \"/app/serve.php\"]\n"
}

const frontSource = `<?php
$values = ['the file' => (string) @file_get_contents('` + vaultFile + `')];
foreach (['TOKEN', 'PEM', 'SOURCE', 'ENVSECRET', 'FROMFILE', 'QUOTED', 'BOXSECRET'] as $key) $values[$key] = (string) getenv($key);
foreach (explode("\n", $values['the file']) as $i => $line) $values["line $i"] = $line;
foreach (array_filter($values) as $key => $value) {
	echo $key, ' is ', $value, "\n", json_encode([$key => $value]), json_encode($value, JSON_UNESCAPED_SLASHES), "\n";
	echo base64_encode($value), urlencode($value), rawurlencode($value), bin2hex($value), "\n", var_export($value, true), "\n";
	error_log(print_r([$key => $value], true));
}
echo "that was the end\n";
`
