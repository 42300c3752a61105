package secret_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/scrip-go/scrip/secret"
	"github.com/scrip-go/scrip/stores/memory"
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

// The ring comes from outside the database. To rotate it, the new key first opens, then seals, and then the old one has
// nothing left to open.
func ExampleRing() {
	of := func(entries ...secret.Secret) *secret.Ring { // as SCRIP_KEY_RING has them, with commas between
		var text []string
		for _, e := range entries {
			text = append(text, e.Reveal())
		}
		r, err := secret.ParseRing(strings.Join(text, ","))
		if err != nil {
			log.Fatal(err)
		}
		return r
	}
	old, _ := secret.GenerateRingKey("2025")
	fresh, _ := secret.GenerateRingKey("2026")

	at := secret.Place{Provider: "openai", Account: "acme", ID: "main"}
	sealed, err := of(old).Seal(secret.New("sk-anything"), at)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sealed)

	rotated := of(fresh, old) // the first seals, and both open
	text, err := rotated.Open(sealed, at)
	fmt.Println(rotated, text.Reveal(), err)

	_, err = rotated.Open(sealed, secret.Place{Provider: "openai", Account: "mallory", ID: "main"})
	fmt.Println(errors.Is(err, secret.ErrSealed))

	_, err = of(fresh).Open(sealed, at)
	fmt.Println(err)
	// Output:
	// [sealed by 2025]
	// [ring: seals with "2026", opens ["2025" "2026"]] sk-anything <nil>
	// true
	// secret: open key "main" of provider "openai" and account "acme": ring key is missing: "2025": put it back into the ring
}

// Keys in a store are put there, revoked and resealed by an operator, and found by the engine.
func ExampleStoreKeys() {
	ctx := context.Background()
	entry, err := secret.GenerateRingKey("2026")
	if err != nil {
		log.Fatal(err)
	}
	ring, err := secret.ParseRing(entry.Reveal()) // a host: os.Getenv("SCRIP_KEY_RING")
	if err != nil {
		log.Fatal(err)
	}
	keys, err := secret.StoreKeys(memory.New(nil).Keys(), ring, nil) // a host: its database's Keys()
	if err != nil {
		log.Fatal(err)
	}

	by := secret.By{Who: "ada", Why: "first keys"}
	own := secret.Place{Provider: "openai", Account: "acme", ID: "own"}
	for at, text := range map[secret.Place]string{{Provider: "openai", ID: "main"}: "sk-of-the-system", own: "sk-of-acme"} {
		if _, err := keys.Set(ctx, at, secret.New(text), by); err != nil {
			log.Fatal(err)
		}
	}
	for _, account := range []string{"acme", "globex"} {
		k, err := keys.Key(ctx, account, "openai")
		fmt.Println(account, k, err)
	}

	if _, err := keys.SetActive(ctx, own, false, secret.By{Who: "ada", Why: "it leaked"}); err != nil {
		log.Fatal(err)
	}
	k, err := keys.Key(ctx, "acme", "openai")
	fmt.Println("acme", k, err)

	sealed, err := keys.RingKeys(ctx)
	fmt.Println(sealed, err)
	// Output:
	// acme {acme/own [secret]} <nil>
	// globex {main [secret]} <nil>
	// acme {main [secret]} <nil>
	// map[2026:2] <nil>
}

// Keys move from the environment into a store, and what is not there yet shows.
func ExampleChain() {
	ctx := context.Background()
	lookup := func(name string) (string, bool) { return "sk-of-the-environment", name == "OPENAI_API_KEY" } // a host: os.LookupEnv
	store := secret.Static{"runware": {ID: "main", Secret: secret.New("rw-anything")}}                      // a host: StoreKeys
	keys, err := secret.Chain(func(_ context.Context, f secret.Fallback) {
		fmt.Printf("%s of %s came from source %d, key %s\n", f.Provider, f.Account, f.Source, f.KeyID)
	}, store, secret.EnvKeys(lookup))
	if err != nil {
		log.Fatal(err)
	}
	for _, provider := range []string{"runware", "openai", "other"} {
		k, err := keys.Key(ctx, "acme", provider)
		fmt.Println(k.ID, err)
	}
	// Output:
	// main <nil>
	// openai of acme came from source 1, key env:OPENAI_API_KEY
	// env:OPENAI_API_KEY <nil>
	//  secret: provider "other": no API key: add one to the key source; secret: provider "other": no API key: set OTHER_API_KEY
}
