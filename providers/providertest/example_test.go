package providertest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers/providertest"
)

func ask(url string) (*http.Response, error) {
	r, err := http.NewRequest("POST", url+"/v1/chat/completions", strings.NewReader(`{"model":"some-model","messages":[{"role":"user","content":"good morning"}]}`))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer anything")
	r.Header.Set("X-Client-Request-Id", "attempt-1")
	return http.DefaultClient.Do(r)
}

func ExampleListen() {
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{
		Prices: map[string]providertest.Price{"some-model": {Input: decimal.New(1, 0), Output: decimal.New(10, 0)}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer up.Close()

	_ = up.SetFaults(providertest.Fault{Kind: providertest.Status429, Count: 1})
	for range 2 {
		resp, err := ask(up.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	for _, e := range up.Journal() { // the invoice
		fmt.Printf("%d %s %d billable %t %q %q\n", e.Seq, e.Attempt, e.Status, e.Billable, e.Cost, e.Fault)
	}
	// Output:
	// 429
	// 200
	// 1 attempt-1 429 billable false "" "status429"
	// 2 attempt-1 200 billable true "0.000063" ""
}

func ExampleNew() {
	s := httptest.NewServer(providertest.New(providertest.Config{}))
	defer s.Close()
	resp, err := ask(s.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, strings.Contains(string(body), "You said: good morning"))
	// Output:
	// 200 true
}

func ExampleEcho() {
	said, err := providertest.Echo{}.Text(providertest.TextCall{Model: "some-model"})
	fmt.Printf("%q %v\n", said, err)
	p, err := providertest.Echo{}.Image(providertest.ImageCall{Prompt: "a lighthouse", Width: 64, Height: 64})
	fmt.Println(p.ContentType, len(p.Data) > 0, err)
	// Output:
	// "You said: " <nil>
	// image/png true <nil>
}
