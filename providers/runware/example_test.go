package runware_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/secret"
)

func Example() {
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{ // leave BaseURL empty to speak to Runware
		Prices: map[string]providertest.Price{"some:1@1": {Image: decimal.New(9, -3)}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer up.Close()
	p, err := runware.New(runware.Config{BaseURL: up.BaseURL})
	if err != nil {
		fmt.Println(err)
		return
	}
	drawn, err := p.GenerateImages(context.Background(), drawing("0f8fad5b-d9cb-469f-a165-70867728950e"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(drawn.Images), drawn.Usage.Images.N, drawn.Cost.Decimal)
	// Output:
	// 2 2 0.018
}

// An answer that was lost on the way is asked for, not paid for twice.
func ExampleProvider_Reconcile() {
	up, err := providertest.Listen("127.0.0.1:0", providertest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer up.Close()
	p, err := runware.New(runware.Config{BaseURL: up.BaseURL})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = up.SetFaults(providertest.Fault{Kind: providertest.DropAfter, Count: 1})
	r := drawing("7c9e6679-7425-40de-944b-e07fc1f90ae7")
	_, err = p.GenerateImages(context.Background(), r)
	var e *providers.Error
	fmt.Println(errors.As(err, &e), e.Fate, err)

	became, err := p.Reconcile(context.Background(), providers.ReconcileRequest{Attempt: r.Attempt, Model: r.Model})
	fmt.Println(became.Fate, len(became.Image.Images), err)
	// Output:
	// true unknown runware: network: the connection failed
	// executed 2 <nil>
}

func drawing(attempt string) providers.ImageRequest {
	return providers.ImageRequest{
		Attempt: providers.Attempt{ID: attempt, Key: secret.Key{ID: "main", Secret: secret.New("anything")}},
		Model:   "some:1@1", Prompt: "a lighthouse", Width: 256, Height: 256, N: 2,
	}
}
