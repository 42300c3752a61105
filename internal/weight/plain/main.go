// Command plain is what a program weighs that calls an API itself: net/http and encoding/json.
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	resp, err := http.Get("http://127.0.0.1:1/")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	var v map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&v)
	_ = json.NewEncoder(os.Stdout).Encode(v)
}
