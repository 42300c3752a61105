package openai_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/secret"
)

func Example() {
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{}) // leave BaseURL empty to speak to OpenAI
	if err != nil {
		fmt.Println(err)
		return
	}
	defer up.Close()
	p, err := openai.New(openai.Config{BaseURL: up.BaseURL})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := providers.TextRequest{
		Attempt:   providers.Attempt{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Key: secret.Key{ID: "main", Secret: secret.New("sk-anything")}},
		Model:     "some-model",
		Messages:  []providers.Message{{Role: providers.User, Text: "good morning"}},
		MaxOutput: 200,
	}
	answer, err := p.GenerateText(context.Background(), r)
	fmt.Println(answer.Text, answer.Usage.Input.N, answer.Usage.Output.N, err)

	_ = up.SetFaults(providertest.Fault{Kind: providertest.Status429, Count: 1})
	_, err = p.GenerateText(context.Background(), r)
	fmt.Println(errors.Is(err, providers.RateLimited), err)
	// Output:
	// You said: good morning 3 6 <nil>
	// true openai: rate limited (HTTP 429, code rate_limit_exceeded, request req_0f8fad5b-d9cb-469f-a165-70867728950e)
}
