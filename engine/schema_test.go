package engine_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/engine"
)

type (
	leaf struct {
		Name string `json:"name"`
		Rank *int   `json:"rank,omitempty"`
	}
	tree struct {
		Title  string   `json:"title" jsonschema:"minLength=1,description=what it is called"`
		Colour string   `json:"colour" jsonschema:"enum=red,enum=green"`
		Shade  string   `json:"shade,omitempty" jsonschema:"enum=light,enum=dark"`
		Count  uint16   `json:"count" jsonschema:"minimum=1,maximum=9"`
		Score  float64  `json:"score"`
		Leaf   leaf     `json:"leaf"`
		Leaves []leaf   `json:"leaves" jsonschema:"minItems=1"`
		Best   *leaf    `json:"best,omitempty"`
		Tags   []string `json:"tags,omitempty"`
		Pair   [2]bool  `json:"pair"`
		Worst  *leaf    `json:"worst" jsonschema:"nullable"`
		Inner  struct{} `json:"inner"`
		Hidden string   `json:"-"`
		Plain  string
		_      string
	}
)

func TestASchemaIsStrictAllTheWayDown(t *testing.T) {
	s, err := engine.SchemaOf[tree]()
	if err != nil {
		t.Fatal(err)
	}
	const (
		null   = `{"type":"null"}`
		object = `{"additionalProperties":false,"properties":{"name":{"type":"string"},"rank":{"anyOf":[{"type":"integer"},` + null + `]}},"required":["name","rank"],"type":"object"}`
	)
	want := `{"additionalProperties":false,"properties":{` +
		`"Plain":{"type":"string"},` +
		`"best":{"anyOf":[` + object + `,` + null + `]},` +
		`"colour":{"enum":["red","green"],"type":"string"},` +
		`"count":{"maximum":9,"minimum":1,"type":"integer"},` +
		`"inner":{"additionalProperties":false,"properties":{},"required":[],"type":"object"},` +
		`"leaf":` + object + `,` +
		`"leaves":{"items":` + object + `,"minItems":1,"type":"array"},` +
		`"pair":{"items":{"type":"boolean"},"maxItems":2,"minItems":2,"type":"array"},` +
		`"score":{"type":"number"},` +
		`"shade":{"anyOf":[{"enum":["light","dark"],"type":"string"},` + null + `]},` +
		`"tags":{"anyOf":[{"items":{"type":"string"},"type":"array"},` + null + `]},` +
		`"title":{"description":"what it is called","minLength":1,"type":"string"},` +
		`"worst":{"anyOf":[` + object + `,` + null + `]}},` +
		`"required":["Plain","best","colour","count","inner","leaf","leaves","pair","score","shade","tags","title","worst"],"type":"object"}`
	if string(s.JSON()) != want {
		t.Errorf("schema\n%s\nwant\n%s", s.JSON(), want)
	}
	answer := `{"Plain":"p","best":null,"colour":"red","count":3,"inner":{},"leaf":{"name":"a","rank":null},"leaves":[{"name":"b","rank":2}],` +
		`"pair":[true,false],"score":0.5,"shade":null,"tags":null,"title":"t","worst":null}`
	raw, err := s.Read(answer)
	var out tree
	if err != nil || json.Unmarshal(raw, &out) != nil || out.Best != nil || *out.Leaves[0].Rank != 2 || out.Count != 3 || out.Score != 0.5 {
		t.Errorf("%+v, %v", out, err)
	}
	for part, other := range map[string]string{
		`"count":3`: `"count":10`, `"colour":"red"`: `"colour":"blue"`, `"shade":null`: `"shade":"grim"`, `"score":0.5`: `"score":"0.5"`,
		`"title":"t"`: `"title":""`, `[true,false]`: `[true]`, `"inner":{}`: `"inner":{"x":1}`, `,"rank":null`: ``, `"Plain":"p",`: ``,
		`[{"name":"b","rank":2}]`: `[]`, `"best":null`: `"best":{"name":1,"rank":1}`,
	} {
		if raw, err := s.Read(strings.Replace(answer, part, other, 1)); err == nil {
			t.Errorf("%s in the place of %s was accepted as %s", other, part, raw)
		}
	}
}

// Types whose JSON a derived schema does not tell.
type (
	level    int
	flag     string
	itself   struct{ Again []itself }
	embedder struct {
		leaf
		Extra string
	}
	mixed struct {
		leaf `json:"leaf"`
		*Tail
	}
	Tail struct{ End string }
)

func (level) MarshalText() ([]byte, error) { return []byte("high"), nil }
func (*flag) UnmarshalJSON([]byte) error   { return nil }

func TestATypeThatASchemaWouldGetWrongIsRefusedByField(t *testing.T) {
	for _, tt := range []struct {
		err  error
		says []string
	}{
		{schemaError[struct{ A struct{ M map[string]int } }](), []string{"A.M", "map[string]int"}},
		{schemaError[struct{ A []any }](), []string{"A", "interface"}},
		{schemaError[struct{ At *time.Time }](), []string{"At", "time.Time"}},
		{schemaError[struct{ Price decimal.Decimal }](), []string{"Price", "decimal.Decimal"}},
		{schemaError[struct{ Data []byte }](), []string{"Data", "bytes"}},
		{schemaError[struct{ Raw json.RawMessage }](), []string{"Raw", "json.RawMessage"}},
		{schemaError[struct{ N json.Number }](), []string{"N", "json.Number"}},
		{schemaError[struct{ IP netip.Addr }](), []string{"IP", "netip.Addr"}},
		{schemaError[struct{ F func() }](), []string{"F", "func()"}},
		{schemaError[struct{ C complex128 }](), []string{"C", "complex128"}},
		{schemaError[struct{ L level }](), []string{"L", "level"}},
		{schemaError[struct{ L []*flag }](), []string{"L", "flag"}},
		{schemaError[itself](), []string{"itself.Again", "contains itself"}},
		{schemaError[embedder](), []string{"embedder.leaf", "embedded"}},
		{schemaError[mixed](), []string{"mixed.Tail", "embedded"}},
		{schemaError[struct {
			N int `json:"n,string"`
		}](), []string{".N", "n,string"}},
		{schemaError[struct {
			N leaf `json:",inline"`
		}](), []string{".N", "inline"}},
		{schemaError[struct {
			A int `json:"B"`
			B int
		}](), []string{".B", `"B"`}},
		{schemaError[[]string](), []string{"[]string", "struct"}},
		{schemaError[string](), []string{"string", "struct"}},
		{schemaError[*leaf](), []string{"leaf", "struct"}},
	} {
		if tt.err == nil {
			t.Errorf("a type of %q was accepted", tt.says)
			continue
		}
		for _, says := range tt.says {
			if !strings.Contains(tt.err.Error(), says) {
				t.Errorf("%v, want %q in it", tt.err, says)
			}
		}
	}
}

func schemaError[T any]() error {
	_, err := engine.SchemaOf[T]()
	return err
}

func TestAnEmbeddedStructWithANameIsAProperty(t *testing.T) {
	s, err := engine.SchemaOf[struct {
		Tail `json:"tail"`
	}]()
	if err != nil || !strings.Contains(string(s.JSON()), `"tail":{"additionalProperties":false`) {
		t.Errorf("%s, %v", s.JSON(), err)
	}
}

func TestWhichAnswersAreRead(t *testing.T) {
	s := must(engine.SchemaOf[echo]())
	const good = `{"echo":"a"}`
	for _, tt := range []struct{ name, answer, want string }{ // want is empty if it is refused
		{"Plain", good, good},
		{"Spaced", " \r\n\t" + good + "\n", good},
		{"ByteOrderMark", "\ufeff" + good, good},
		{"Fenced", "```json\n" + good + "\n```", good},
		{"FencedWithProse", "Here you are:\n```\n" + good + "\n```\nAnything else?", good},
		{"ProseAround", "Sure! " + good + " I hope that helps. {}", good},
		{"TwoObjects", good + "\n" + `{"echo":"b"}`, good},
		{"TheSamePropertyTwice", `{"echo":"b","echo":"a"}`, good},
		{"TheSamePropertyTwiceAndTheLastIsWrong", `{"echo":"b","echo":1}`, ""},
		{"Escapes", `{"echo":"\u0061"}`, good},
		{"Empty", "", ""},
		{"Blank", " \n", ""},
		{"Prose", "I cannot say.", ""},
		{"Null", "null", ""},
		{"Quoted", `"` + good + `"`, good},
		{"Array", "[" + good + "]", ""},
		{"ArrayOfTwo", "```json\n[\n  " + good + ",\n  " + good + "\n]\n```", ""},
		{"CutShort", `{"echo":"a`, ""},
		{"TrailingComma", `{"echo":"a",}`, ""},
		{"SingleQuotes", `{'echo':'a'}`, ""},
		{"AnotherCase", `{"Echo":"a"}`, ""},
		{"BothCases", `{"echo":"a","ECHO":"b"}`, ""},
		{"WrongType", `{"echo":["a"]}`, ""},
		{"NullForText", `{"echo":null}`, ""},
		{"MoreProperties", `{"echo":"a","b":1}`, ""},
		{"AGiantNumber", `{"echo":1e1000000}`, ""},
	} {
		raw, err := s.Read(tt.answer)
		if string(raw) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: read %q as %q, %v; want %q", tt.name, tt.answer, raw, err, tt.want)
		}
	}
}

func TestNumbersAreOfASizeThatCanBeReckonedWith(t *testing.T) {
	s := must(engine.SchemaOf[struct {
		N []float64 `json:"n"`
	}]())
	for number, ok := range map[string]bool{"1": true, "-1.5e3": true, "1E+300": true, "0": true, "0.0": true, "1e-300": true,
		"1e999": false, "1e999999": false, "1e-999999": false, "0e999999": false, "1e1000000000000": false, strings.Repeat("9", 500): false,
		"0." + strings.Repeat("1", 500): false} {
		began := time.Now()
		if _, err := s.Read(`{"n":[` + strings.Repeat(number+",", 200) + "1]}"); (err == nil) != ok || time.Since(began) > 5*time.Second {
			t.Errorf("%.20s: %v after %s, want ok %t", number, err, time.Since(began), ok)
		}
	}
}

// TestAWholeNumberIsOneHoweverItIsWritten: the schema that was sent takes 600.0 for an integer, so the answer is good.
func TestAWholeNumberIsOneHoweverItIsWritten(t *testing.T) {
	type counts struct {
		N     []uint16 `json:"n"`
		Score float64  `json:"score"`
	}
	s := must(engine.SchemaOf[counts]())
	raw, err := s.Read(`{"n":[600,600.0,6e2,6.00E+2,60000e-2,0.0,-0.0],"score":0.50}`)
	var out counts
	if err != nil || json.Unmarshal(raw, &out) != nil || !slices.Equal(out.N, []uint16{600, 600, 600, 600, 600, 0, 0}) || out.Score != 0.5 {
		t.Errorf("read as %s, %v; want 600 five times and 0 twice", raw, err)
	}
	if raw, err := s.Read(`{"n":[600.5],"score":1}`); err == nil {
		t.Errorf("a fraction was accepted as %s", raw)
	}
}

func TestAWrongAnswerIsDescribedInAFewWords(t *testing.T) {
	s := must(engine.SchemaOf[struct {
		N []int `json:"n"`
	}]())
	_, err := s.Read(`{"n":[` + strings.Repeat(`"secret",`, 5000) + `1]}`)
	if err == nil || len(err.Error()) > 500 || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "/n/0 is string, want integer") {
		t.Errorf("%.600v, want a few violations that quote nothing", err)
	}
}
