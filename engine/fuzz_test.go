package engine_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/scrip-go/scrip/engine"
)

// FuzzRead: whatever a model answers, reading it neither panics nor accepts what does not fit the schema as it was sent,
// and what is accepted is what Go makes of it.
func FuzzRead(f *testing.F) {
	type part struct {
		Name string `json:"name"`
		Rank *int   `json:"rank,omitempty"`
	}
	type whole struct {
		Kind  string  `json:"kind" jsonschema:"enum=a,enum=b"`
		Score float64 `json:"score"`
		Parts []part  `json:"parts"`
		Note  string  `json:"note,omitempty"`
	}
	s := must(engine.SchemaOf[whole]())
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", must(jsonschema.UnmarshalJSON(bytes.NewReader(s.JSON())))); err != nil {
		f.Fatal(err)
	}
	sent := must(c.Compile("s.json"))
	for _, seed := range []string{
		``, `{`, "```json\n{}\n```", "\ufeff{\"kind\":\"a\"}", `[{"kind":"a"}]`, `{"kind":1e999999}`, "{\"kind\":\"\xff\"}",
		`{"kind":"a","score":1,"parts":[{"name":"x","rank":null}],"note":null} and more`,
		`{"kind":"a","score":-0.5e-3,"parts":[{"name":"x","rank":1}],"parts":[{"name":"y","rank":null}],"note":"n"}`,
		`x {"kind":"b","score":1,"parts":[],"note":"` + "\u2028" + `"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		raw, err := s.Read(answer)
		if err != nil {
			if raw != nil || len(err.Error()) > 2000 {
				t.Fatalf("refused with %q and %d bytes of reason", raw, len(err.Error()))
			}
			return
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil || sent.Validate(doc) != nil {
			t.Fatalf("accepted %q of %q, which does not fit: %v", raw, answer, err)
		}
		var out whole
		if err := json.Unmarshal(raw, &out); err != nil {
			return // a rank that is no int: the function's reader refuses it
		}
		if out.Kind != "a" && out.Kind != "b" {
			t.Fatalf("accepted the kind %q", out.Kind)
		}
		again, err := json.Marshal(out)
		var same whole
		if err != nil || json.Unmarshal(again, &same) != nil {
			t.Fatalf("%q does not survive as %q: %v", raw, again, err)
		}
	})
}
