package secret_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/scrip-go/scrip/secret"
)

func Example() {
	keys := secret.Static{"openai": {ID: "main", Secret: secret.New("sk-anything")}}
	k, err := keys.Key(context.Background(), "acme", "openai")
	fmt.Printf("%v %+v %v\n", k, k.Secret, err)
	fmt.Println("Bearer " + k.Secret.Reveal()) // in the one line that sets the header

	_, err = keys.Key(context.Background(), "acme", "runware")
	fmt.Println(errors.Is(err, secret.ErrNoKey), err)
	// Output:
	// {main [secret]} [secret] <nil>
	// Bearer sk-anything
	// true secret: provider "runware": no API key: add one to the key source
}

func ExampleNew() {
	s := secret.New("sk-anything")
	fmt.Println(s, s.IsZero(), secret.New("").IsZero())
	// Output:
	// [secret] false true
}
