package secret_test

import (
	"testing"

	"github.com/scrip-go/scrip/stores/memory"
)

// BenchmarkVault is a call of Key whose answer is kept, with a look for changes twice a second.
func BenchmarkVault(b *testing.B) {
	v := vault(b, memory.New(nil).Keys(), ring(b, 1), nil)
	set(b, v, home, text)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Key(b.Context(), "acme", "openai"); err != nil {
			b.Fatal(err)
		}
	}
}
