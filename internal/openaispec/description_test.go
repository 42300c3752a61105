package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	chat   = "/v1/chat/completions"
	images = "/v1/images/generations"
)

// description is OpenAI's own, as trimmed.
type description struct {
	doc      object
	requests map[string]*jsonschema.Schema // by the path that they are posted to
}

func read(t testing.TB) description {
	t.Helper()
	b, err := os.ReadFile("testdata/openai.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	d := description{doc: doc.(object), requests: map[string]*jsonschema.Schema{}}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openai.json", doc); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{chat, images} {
		pointer := "/paths/" + strings.ReplaceAll(path, "/", "~1") + "/post/requestBody/content/application~1json/schema"
		if d.requests[path], err = c.Compile("openai.json#" + pointer); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// check returns what the description says against a request.
func (d description) check(path string, body []byte) error {
	schema, ok := d.requests[path]
	if !ok {
		return fmt.Errorf("the description has no route %q", path)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := schema.Validate(doc); err != nil {
		return err
	}
	if path == chat {
		return strict(doc.(object)["response_format"])
	}
	return nil
}

// fields are the fields of a request, each with the values it may have where the description lists them.
func (d description) fields(path string) map[string][]any {
	all := d.at("paths", path, "post", "requestBody", "content", "application/json", "schema", "properties")
	out := map[string][]any{}
	for name, schema := range all {
		out[name] = d.values(schema.(object))
	}
	return out
}

// values are what a schema lists. One that takes any text beside those it names lists none.
func (d description) values(s object) (out []any) {
	if ref, ok := s["$ref"].(string); ok {
		s = d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	listed, _ := s["enum"].([]any)
	branches, _ := s["anyOf"].([]any)
	for _, b := range branches {
		b := b.(object)
		if b["type"] == "string" && b["enum"] == nil {
			return nil
		}
		listed = append(slices.Clone(listed), d.values(b)...)
	}
	return slices.DeleteFunc(slices.Clone(listed), func(v any) bool { return v == nil })
}

func (d description) at(path ...string) object { return at(d.doc, path...) }

// strict checks a strict response format by the rules that the service publishes beside its description, which lets
// any schema pass: the root is an object, every object lists its fields, requires them all and has no others, and some
// keywords and sizes are not allowed.
func strict(format any) error {
	f, _ := format.(object)
	if f["type"] != "json_schema" {
		return nil
	}
	f, _ = f["json_schema"].(object)
	name, _ := f["name"].(string)
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || len(name) > 64 {
		return fmt.Errorf("the schema's name is %q", name)
	}
	root, _ := f["schema"].(object)
	if f["strict"] != true || root["type"] != "object" {
		return errors.New("the format is not strict, or its root is no object")
	}
	properties := 0
	return walk(root, 1, &properties)
}

func walk(node object, depth int, properties *int) error {
	for _, banned := range []string{"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "$ref"} {
		if node[banned] != nil {
			return fmt.Errorf("the schema has %s", banned)
		}
	}
	fields, _ := node["properties"].(object)
	if node["type"] == "object" {
		var required []string
		for _, r := range node["required"].([]any) {
			required = append(required, r.(string))
		}
		if names := slices.Sorted(maps.Keys(fields)); !slices.Equal(slices.Sorted(slices.Values(required)), names) || node["additionalProperties"] != false {
			return fmt.Errorf("an object of the schema has %v and requires %v, others %v", names, required, node["additionalProperties"])
		}
	}
	if *properties += len(fields); *properties > 5000 || depth > 10 {
		return fmt.Errorf("the schema has %d properties in %d levels", *properties, depth)
	}
	below := slices.Collect(maps.Values(fields))
	if items, ok := node["items"]; ok {
		below = append(below, items)
	}
	branches, _ := node["anyOf"].([]any)
	for _, n := range append(below, branches...) {
		if err := walk(n.(object), depth+1, properties); err != nil {
			return err
		}
	}
	return nil
}

type posted struct{ path, body string }

const (
	text    = `{"model":"m","messages":[{"role":"user","content":"x"}],"max_completion_tokens":9,"service_tier":"flex","temperature":0.5`
	drawing = `{"model":"m","prompt":"x","n":1,"size":"1024x1024","quality":"high"`
	format  = `,"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":`
	schema  = `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`
)

// mistakes are requests that the description forbids.
var mistakes = map[string]posted{
	"AFieldThatThereIsNot":      {chat, text + `,"top_k":4}`},
	"AFieldOfTheOtherRoute":     {images, drawing + `,"negative_prompt":"fog"}`},
	"NoMessages":                {chat, `{"model":"m"}`},
	"AnEmptyConversation":       {chat, `{"model":"m","messages":[]}`},
	"AnUnknownRole":             {chat, `{"model":"m","messages":[{"role":"bot","content":"x"}]}`},
	"AMessageWithoutContent":    {chat, `{"model":"m","messages":[{"role":"user"}]}`},
	"AMessageThatIsNull":        {chat, `{"model":"m","messages":[{"role":"user","content":null}]}`},
	"ABoundThatIsAText":         {chat, strings.Replace(text, `:9`, `:"9"`, 1) + `}`},
	"ABoundThatIsNoInteger":     {chat, strings.Replace(text, `:9`, `:9.5`, 1) + `}`},
	"ATierThatThereIsNot":       {chat, strings.Replace(text, `flex`, `gold`, 1) + `}`},
	"ATemperatureThatIsAText":   {chat, strings.Replace(text, `:0.5`, `:"0.5"`, 1) + `}`},
	"ATemperatureTooHigh":       {chat, strings.Replace(text, `:0.5`, `:2.5`, 1) + `}`},
	"AnEffortThatThereIsNot":    {chat, text + `,"reasoning_effort":"some"}`},
	"MetadataThatIsNoText":      {chat, text + `,"metadata":{"a":1}}`},
	"AFormatThatThereIsNot":     {chat, text + `,"response_format":{"type":"xml"}}`},
	"AFormatWithoutAName":       {chat, text + `,"response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`},
	"NoPrompt":                  {images, `{"model":"m"}`},
	"APromptThatIsNull":         {images, `{"model":"m","prompt":null}`},
	"TooManyPictures":           {images, strings.Replace(drawing, `"n":1`, `"n":11`, 1) + `}`},
	"NoPictures":                {images, strings.Replace(drawing, `"n":1`, `"n":0`, 1) + `}`},
	"ANumberThatIsAText":        {images, strings.Replace(drawing, `"n":1`, `"n":"1"`, 1) + `}`},
	"ASizeThatIsANumber":        {images, strings.Replace(drawing, `"1024x1024"`, `1024`, 1) + `}`},
	"AQualityThatThereIsNot":    {images, strings.Replace(drawing, `high`, `ultra`, 1) + `}`},
	"AFileFormatThatThereIsNot": {images, drawing + `,"output_format":"gif"}`},
}

// unfit are strict response formats that the description lets pass and the service refuses.
var unfit = map[string]posted{
	"AFormatThatIsNotStrict":              {chat, text + strings.Replace(format, `true`, `false`, 1) + schema + `}}}`},
	"AFormatWithAnOptionalField":          {chat, text + format + strings.Replace(schema, `["a"]`, `[]`, 1) + `}}}`},
	"AFormatWithRoomForOthers":            {chat, text + format + strings.Replace(schema, `false`, `true`, 1) + `}}}`},
	"AFormatWithAKeywordThatIsNotAllowed": {chat, text + format + strings.Replace(schema, `"type":"string"`, `"allOf":[]`, 1) + `}}}`},
	"AFormatWithALongName":                {chat, text + strings.Replace(format, `"a"`, `"`+strings.Repeat("a", 65)+`"`, 1) + schema + `}}}`},
	"AFormatThatIsAnArray":                {chat, text + format + `{"type":"array","items":` + schema + `}}}}`},
}

// TestTheDescriptionRefuses shows that what the adapters' requests are held to would not let a mistake pass.
func TestTheDescriptionRefuses(t *testing.T) {
	d := read(t)
	for _, good := range []posted{{chat, text + `}`}, {images, drawing + `}`}, {chat, text + format + schema + `}}}`}} {
		if err := d.check(good.path, []byte(good.body)); err != nil {
			t.Errorf("%s: %v", good.body, err)
		}
	}
	for _, table := range []map[string]posted{mistakes, unfit} {
		for rule, bad := range table {
			if d.check(bad.path, []byte(bad.body)) == nil {
				t.Errorf("%s passes: %s", rule, bad.body)
			}
		}
	}
	if d.check("/v1/completions", []byte(text+`}`)) == nil {
		t.Error("a route that the description does not have passes")
	}
}

// TestTheDescriptionSaysWhereItIsFrom keeps the notice of its licence beside it.
func TestTheDescriptionSaysWhereItIsFrom(t *testing.T) {
	info := read(t).at("info")
	commit, _ := info["x-commit"].(string)
	if info["version"] == "" || len(commit) != 40 || info["x-repository"] != "openai/openai-openapi" {
		t.Errorf("the description is from %v", info)
	}
	notice, err := os.ReadFile("testdata/LICENSE")
	if err != nil || !strings.HasPrefix(string(notice), "The MIT License") || !strings.Contains(string(notice), "Copyright (c) OpenAI") {
		t.Errorf("the licence is %.60q, %v", notice, err)
	}
}

func encode(t testing.TB, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
