package dalle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
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
	p, err := dalle.New(dalle.Config{BaseURL: up.BaseURL})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := providers.ImageRequest{
		Attempt: providers.Attempt{ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Key: secret.Key{ID: "main", Secret: secret.New("sk-anything")}},
		Model:   "some-model", Prompt: "a lighthouse", Width: 256, Height: 256, N: 2,
		Parameters: map[string]json.RawMessage{"response_format": json.RawMessage(`"b64_json"`)},
	}
	drawn, err := p.GenerateImages(context.Background(), r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(drawn.Images), drawn.Usage.Images.N, string(drawn.Images[0].Data[1:4]))

	_ = up.SetFaults(providertest.Fault{Kind: providertest.Refusal, Count: 1})
	_, err = p.GenerateImages(context.Background(), r)
	fmt.Println(errors.Is(err, providers.Blocked), err)
	// Output:
	// 2 2 PNG
	// true openai: blocked (HTTP 400, code moderation_blocked, request req_0f8fad5b-d9cb-469f-a165-70867728950e)
}
