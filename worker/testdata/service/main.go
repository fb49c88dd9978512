// Command service is what the tests run in containers: it answers every request and prints a number each millisecond,
// up to COUNT. With COUNT unset it prints its SECRET and its file /etc/app/key once. GET /break?times=N makes it exit with
// code 7, now and the next times it is started, N times in all.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if left, err := os.ReadFile(leftFile); err == nil {
		times, _ := strconv.Atoi(string(left))
		exit(times)
	}
	go printNumbers()
	http.HandleFunc("/break", func(_ http.ResponseWriter, r *http.Request) {
		times, _ := strconv.Atoi(r.FormValue("times"))
		exit(times)
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here "+os.Getenv("NAME")) })
	err := http.ListenAndServe(":8080", nil)
	fmt.Println(err)
	os.Exit(1)
}

const leftFile = "/tmp/left" // how often it is still to exit

// exit ends the program unless times is 0.
func exit(times int) {
	if times == 0 {
		return
	}
	if err := os.WriteFile(leftFile, fmt.Append(nil, times-1), 0o600); err != nil {
		fmt.Println(err)
	}
	os.Exit(7)
}

func printNumbers() {
	count, err := strconv.Atoi(os.Getenv("COUNT"))
	if err != nil {
		fmt.Println("the secret is", os.Getenv("SECRET"))
		if key, err := os.ReadFile("/etc/app/key"); err == nil {
			fmt.Printf("the key is %s\n", key)
		}
	}
	for n := range count {
		fmt.Println("number", n)
		time.Sleep(time.Millisecond)
	}
}
