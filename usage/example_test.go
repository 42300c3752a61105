package usage_test

import (
	"encoding/json"
	"fmt"

	"github.com/scrip-go/scrip/usage"
)

func Example() {
	answer := usage.Usage{Input: usage.Exactly(900), CachedInput: usage.Exactly(100), Output: usage.Exactly(250), Reasoning: usage.Exactly(50)}
	repair := usage.Tokens(400, 120)
	both, err := answer.Add(repair)
	if err != nil {
		fmt.Println(err)
		return
	}
	input, output, err := both.TokenSums()
	fmt.Println(input, output, err)

	b, err := json.Marshal(both) // the classes that nobody measured are left out
	fmt.Println(string(b), err)
	// Output:
	// 1400 420 <nil>
	// {"input":1300,"cached_input":100,"output":370,"reasoning":50} <nil>
}

func ExampleCount() {
	fmt.Println(usage.Count{}.Known, usage.Exactly(0).Known)
	// Output:
	// false true
}

func ExampleImages() {
	fmt.Println(usage.Images(3).Images.N)
	// Output:
	// 3
}

func ExampleUsage_Validate() {
	fmt.Println(usage.Tokens(-5, 10).Validate())
	// Output:
	// usage: count -5: invalid usage
}
