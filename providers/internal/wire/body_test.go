package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
)

func TestObject(t *testing.T) {
	raw := func(kv ...string) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = json.RawMessage(kv[i+1])
		}
		return m
	}
	fields := []wire.Field{{Name: "model", Value: "m<1>", Fixed: true}, {Name: "steps", Value: 20}, {Name: "none"},
		{Name: "form", Value: "PNG", Asked: true}}
	for _, tt := range []struct {
		rule       string
		parameters map[string]json.RawMessage
		omit       []string
		want       string // empty if it is refused
	}{
		{"FieldsAreWritten", nil, nil, `{"model":"m<1>","steps":20,"form":"PNG"}`},
		{"ParametersAreWrittenAsTheyAre", raw("b", `{"x": 1.50}`, "a", `null`), nil, `{"model":"m<1>","steps":20,"form":"PNG","a":null,"b":{"x": 1.50}}`},
		{"AParameterReplacesAField", raw("steps", "30"), nil, `{"model":"m<1>","form":"PNG","steps":30}`},
		{"AnOmittedFieldIsLeftOut", nil, []string{"steps"}, `{"model":"m<1>","form":"PNG"}`},
		{"AnOmittedParameterIsLeftOut", raw("steps", "30", "a", "1"), []string{"steps"}, `{"model":"m<1>","form":"PNG","a":1}`},
		{"AFixedFieldIsNotReplaced", raw("model", `"other"`), nil, ""},
		{"AFixedFieldIsNotLeftOut", nil, []string{"model"}, ""},
		{"AReservedParameterIsRefused", raw("stream", "true"), nil, ""},
		{"AReservedParameterThatIsLeftOutIsHarmless", raw("stream", "true"), []string{"stream"}, `{"model":"m<1>","steps":20,"form":"PNG"}`},
		{"AParameterThatIsNotJSONIsRefused", raw("a", `1,"model":"other"`), nil, ""},
		{"AnEmptyParameterIsRefused", raw("a", ""), nil, ""},
		{"ANameThatIsNotAnIdentifierIsRefused", raw(`a":1,"model`, `"other"`), nil, ""},
		{"AnEmptyNameIsRefused", raw("", "1"), nil, ""},
		{"WhatIsAskedForMayBeLeftOut", nil, []string{"form"}, `{"model":"m<1>","steps":20}`},
		{"WhatIsAskedForMayBeRepeated", raw("form", ` "png"`), nil, `{"model":"m<1>","steps":20,"form":"png"}`},
		{"WhatIsAskedForMayNotBeContradicted", raw("form", `"JPG"`), nil, ""},
		{"NorByWhatIsNoText", raw("form", `null`), nil, ""},
		{"AContradictionThatIsLeftOutIsHarmless", raw("form", `"JPG"`), []string{"form"}, `{"model":"m<1>","steps":20}`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, e := wire.Object("up", fields, tt.parameters, tt.omit, "stream")
			if tt.want == "" {
				if e == nil {
					t.Fatalf("Object wrote %s, want an error", got)
				}
				wiretest.Failed(t, e, providers.Invalid, providers.NotSent)
				return
			}
			if e != nil {
				t.Fatal(e)
			}
			if plain := compact(got); plain != compact([]byte(tt.want)) {
				t.Errorf("Object wrote %s, want %s", plain, tt.want)
			}
		})
	}
}

func TestAnObjectIsNotOverwrittenByTheNext(t *testing.T) {
	write := func(text string) []byte {
		b, e := wire.Object("up", []wire.Field{{Name: "prompt", Value: text}}, nil, nil)
		if e != nil {
			t.Fatal(e)
		}
		return b
	}
	texts := []string{"first", "other", strings.Repeat("x", 2<<20), "third"}
	var objects [][]byte
	for _, text := range texts {
		objects = append(objects, write(text))
	}
	for i, b := range objects {
		if got, want := compact(b), `{"prompt":"`+texts[i]+`"}`; got != want {
			t.Errorf("object %d is %.40s, want %.40s", i, got, want)
		}
	}
}

// compact takes the blanks out, none of which the tests have inside of texts.
func compact(b []byte) string {
	out := b[:0:0]
	for _, c := range b {
		if c != ' ' && c != '\n' {
			out = append(out, c)
		}
	}
	return string(out)
}

func TestLooseReadsTextsNumbersAndLists(t *testing.T) {
	for in, want := range map[string]string{
		`"a"`: "a", `429`: "429", `-1.50`: "-1.50", `["x","y"]`: "x", `[]`: "", `null`: "", `{"a":1}`: "", `true`: "", `[["z"]]`: "z",
	} {
		var l wire.Loose
		if err := json.Unmarshal([]byte(in), &l); err != nil || string(l) != want {
			t.Errorf("Loose of %s = %q, %v; want %q", in, l, err, want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.example.com/v1":    "https://api.example.com/v1/chat",
		"https://api.example.com/v1/":   "https://api.example.com/v1/chat",
		"http://127.0.0.1:80":           "http://127.0.0.1:80/chat",
		"api.example.com":               "",
		"ftp://example.com":             "",
		"https://user:pass@example.com": "",
		"https://example.com/?key=1":    "",
		"https://example.com/#top":      "",
		"https://exa mple.com":          "",
		"":                              "",
	} {
		e, err := wire.NewEndpoint(base, "/chat")
		if (err == nil) != (want != "") {
			t.Errorf("NewEndpoint(%q) error = %v", base, err)
			continue
		}
		if want == "" {
			continue
		}
		if u, e := e.For("up", providers.Attempt{}); e != nil || u.String() != want {
			t.Errorf("NewEndpoint(%q) is %v, %v; want %s", base, u, e, want)
		}
	}
}
