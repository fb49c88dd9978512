// Command service is what the tests run in containers: it answers every request and prints a number each millisecond,
// up to COUNT. With COUNT unset it prints its SECRET and its file /etc/app/key once.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	go printNumbers()
	err := http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }))
	fmt.Println(err)
	os.Exit(1)
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
