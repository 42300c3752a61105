package otel_test

import (
	"fmt"
	"log"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/observe/otel"
)

func ExampleNew() {
	// Without options the global providers are used: whatever the host has set up.
	observer, err := otel.New(otel.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cfg := engine.Config{Observer: observer} // and the rest of it
	fmt.Println(cfg.Observer != nil)
	// Output: true
}
