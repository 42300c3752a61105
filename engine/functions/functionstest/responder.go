package functionstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/scrip-go/scrip/engine/functions"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

// Responder answers the requests of package functions. The zero Responder is ready for use.
type Responder struct{}

var _ providertest.Responder = Responder{}

// New returns a Responder.
func New() Responder { return Responder{} }

// Text implements [providertest.Responder]. The name of the schema says which function asks. An unknown name is an
// error, and so is a conversation in which no message of the user is the function's input.
func (Responder) Text(c providertest.TextCall) (string, error) {
	switch c.SchemaName {
	case functions.AutoCluster:
		return respond(c, cluster)
	case functions.GenerateIdeas:
		return respond(c, ideas)
	case functions.GenerateContent:
		return respond(c, article)
	case functions.GenerateImagePrompts:
		return respond(c, imagePrompts)
	case functions.GenerateProduct:
		return respond(c, product)
	case functions.GenerateService:
		return respond(c, service)
	case functions.OptimizeContent:
		return respond(c, optimized)
	case functions.GenerateInternalLinks:
		return respond(c, links)
	case functions.GenerateSiteStructure:
		return respond(c, siteStructure)
	}
	return "", fmt.Errorf("functionstest: schema %q: no function has this name", c.SchemaName)
}

// maxTightness is how often an answer is made again, shorter each time, to keep within the request's bound.
const maxTightness = 8

// respond makes an answer; tight is 0 at first, and grows as long as the answer does not fit the bound.
func respond[In, Out any](c providertest.TextCall, answer func(in In, tight int) Out) (string, error) {
	in, err := input[In](c)
	if err != nil {
		return "", err
	}
	for tight := 0; ; tight++ {
		text, err := encode(answer(in, tight))
		if err != nil || tight == maxTightness || c.MaxOutput == 0 || int64(len(text)) <= 4*c.MaxOutput*9/10 {
			return text, err
		}
	}
}

// input finds the function's input. A conversation that asks for a repair has further messages behind it.
func input[In any](c providertest.TextCall) (in In, err error) {
	for _, m := range c.Messages {
		if m.Role != providers.User {
			continue
		}
		d := json.NewDecoder(bytes.NewReader([]byte(m.Text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err == nil {
			return in, nil
		}
		in = *new(In)
	}
	return in, fmt.Errorf("functionstest: schema %q: no message of the user is its input", c.SchemaName)
}

// encode leaves the angle brackets of HTML as they are: escaped they would count as six bytes each.
func encode(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return string(bytes.TrimSpace(b.Bytes())), err
}

// seeded returns a generator that the parts decide.
func seeded(parts ...string) *rand.Rand {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0}) // so that ("ab", "c") and ("a", "bc") differ
	}
	sum := h.Sum64()
	return rand.New(rand.NewPCG(sum, sum*0x9e3779b97f4a7c15+1))
}
