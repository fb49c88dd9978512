// Command service is what the tests run in containers. Its first argument, or MODE, says what it does.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode := os.Getenv("MODE")
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "exit":
		fmt.Println("starting")
		fmt.Fprintln(os.Stderr, "no database")
		os.Exit(3)
	case "hang":
		fmt.Println("hanging")
		time.Sleep(time.Hour)
	case "eat":
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
		}
	case "touch":
		if err := os.WriteFile(os.Args[2], []byte("made"), 0o644); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "link":
		if err := os.Symlink(os.Args[2], os.Args[3]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "need": // fails unless the files are there
		for _, name := range os.Args[2:] {
			if _, err := os.Lstat(name); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
	case "orphan": // leaves a child that ends by itself
		if err := exec.Command("/proc/self/exe", "quit").Start(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "quit":
	case "long":
		fmt.Println("before")
		for range 1 << 10 {
			fmt.Print(strings.Repeat("x", 1<<10))
		}
		fmt.Print("\nafter\n")
	case "print":
		fmt.Println("first")
		fmt.Println(strings.Repeat("x", 100_000))
		fmt.Fprintln(os.Stderr, "problem")
		fmt.Print("no end")
		serve()
	default:
		serve()
	}
}

func serve() {
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if os.Getenv("MODE") == "sick" {
			http.Error(w, "sick", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		status, _ := os.ReadFile("/proc/self/status")
		w.Write(status)
		zone, err := time.LoadLocation("America/Argentina/Ushuaia")
		fmt.Fprintln(w, "zone:", zone, err, "local:", time.Now().Location(), time.Now().Format("MST"))
		hosts, _ := os.ReadFile("/etc/hosts")
		w.Write(hosts)
		for _, name := range []string{"/etc/ssl/certs/ca-certificates.crt", "/tmp", "/home/nonroot"} {
			info, err := os.Stat(name)
			if err != nil {
				fmt.Fprintln(w, err)
				continue
			}
			fmt.Fprintln(w, name, info.Mode(), info.Size())
		}
		fmt.Fprintln(w, "temp:", os.WriteFile(os.TempDir()+"/x", nil, 0o600))
	})
	http.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { // what can be done to ?path=
		name := r.FormValue("path")
		content, err := os.ReadFile(name)
		fmt.Fprintf(w, "content: %q %v\n", content, err)
		if info, err := os.Lstat(name); err == nil {
			fmt.Fprintln(w, "mode:", info.Mode(), info.Sys().(*syscall.Stat_t).Uid)
		}
		fmt.Fprintln(w, "write:", os.WriteFile(name, []byte("mine"), 0o644))
		fmt.Fprintln(w, "chmod:", os.Chmod(name, 0o777))
		fmt.Fprintln(w, "rename:", os.Rename(filepath.Dir(name), filepath.Dir(name)+".old"))
		fmt.Fprintln(w, "link:", os.Symlink("/tmp", name))
		fmt.Fprintln(w, "remove:", os.Remove(name))
	})
	http.HandleFunc("/orphan", func(w http.ResponseWriter, r *http.Request) {
		out, err := exec.Command("/proc/self/exe", "orphan").CombinedOutput()
		if err != nil {
			http.Error(w, fmt.Sprintf("%v: %s", err, out), http.StatusInternalServerError)
		}
	})
	http.HandleFunc("/processes", func(w http.ResponseWriter, r *http.Request) { // one a line: ID, (name), state
		all, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, name := range all {
			if stat, err := os.ReadFile(name); err == nil {
				fmt.Fprintf(w, "%s\n", strings.Join(strings.Fields(string(stat))[:3], " "))
			}
		}
	})
	done := make(chan os.Signal, 1)
	signal.Notify(done, syscall.SIGTERM)
	go func() {
		<-done
		fmt.Println("bye")
		os.Exit(0)
	}()
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
