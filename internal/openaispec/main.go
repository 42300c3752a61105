// Command openaispec trims OpenAI's own API description to the requests that our adapters make, for the tests beside it:
//
//	go run ./internal/openaispec -commit COMMIT openapi.json > internal/openaispec/testdata/openai.json
//
// The description is openapi.json of the repository openai/openai-openapi on GitHub, as JSON; it is under the MIT licence,
// which lies beside what is kept of it. What is kept:
//
//   - the two routes that the adapters post to, each with its request and the example of its answer;
//   - the schemas of those requests, and what they refer to, without texts, examples and defaults.
//
// What is changed, because a validator would otherwise let things pass:
//
//   - a request lists all its fields in one object and may have no others, as the service itself refuses them;
//   - nullable, which JSON Schema does not know, becomes a type or a branch of its own.
//
// The tests collect the requests of every adapter, function and option, and check each one against these schemas. With
// SCRIP_OPENAI_SPEC set to the base URL of a server that is made from the description, such as the one of make spec,
// each request is also sent there, and may not be refused.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// routes are what the adapters post to.
var routes = []string{"/chat/completions", "/images/generations"}

func main() {
	commit := flag.String("commit", "", "the commit of the description's repository, to be written down")
	flag.Parse()
	if err := run(flag.Arg(0), *commit, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "openaispec:", err)
		os.Exit(1)
	}
}

func run(file, commit string, out io.Writer) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.UseNumber() // a bound beyond a float64 stays what it is
	var whole object
	if err := d.Decode(&whole); err != nil {
		return err
	}
	t := trimmer{all: at(whole, "components", "schemas"), kept: object{}}
	paths := object{}
	for _, route := range routes {
		paths["/v1"+route] = object{"post": t.operation(at(whole, "paths", route, "post"))}
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(object{
		"openapi": whole["openapi"],
		"info": object{
			"title": at(whole, "info")["title"], "version": at(whole, "info")["version"], "license": at(whole, "info")["license"],
			"x-repository": "openai/openai-openapi", "x-commit": commit,
		},
		"servers":  []any{object{"url": "http://127.0.0.1"}},
		"security": whole["security"],
		"paths":    paths,
		"components": object{
			"securitySchemes": object{"ApiKeyAuth": at(whole, "components", "securitySchemes")["ApiKeyAuth"]},
			"schemas":         t.kept,
		},
	})
}

type object = map[string]any

// at goes down by the names; what is not there is empty.
func at(o object, path ...string) object {
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}

// trimmer collects the schemas that what it trims refers to.
type trimmer struct {
	all  object
	kept object
}

const reference = "#/components/schemas/"

func (t *trimmer) operation(o object) object {
	request := t.trim(t.flat(at(o, "requestBody", "content", "application/json", "schema"))).(object)
	request["additionalProperties"] = false
	return object{
		"operationId": o["operationId"],
		"requestBody": object{"required": true, "content": object{"application/json": object{"schema": request}}},
		"responses": object{"200": object{"description": "OK", "content": object{"application/json": object{
			"schema": object{"type": "object"}, "example": example(o)}}}},
	}
}

// example is the first answer that the description shows.
func example(o object) any {
	shown, _ := at(o, "x-oaiMeta")["examples"].([]any)
	for _, s := range shown {
		s, _ := s.(object)
		text, _ := s["response"].(string)
		var answer any
		if json.Unmarshal([]byte(text), &answer) == nil {
			return answer
		}
	}
	return nil
}

// flat makes one object of a schema and all that it is made of.
func (t *trimmer) flat(s object) object {
	for s["$ref"] != nil {
		s = t.named(s["$ref"].(string))
	}
	parts, made := s["allOf"].([]any)
	if !made {
		return maps.Clone(s)
	}
	properties, required := object{}, []any{}
	for _, p := range append(parts, object{"properties": s["properties"], "required": s["required"]}) {
		p := t.flat(p.(object))
		maps.Copy(properties, at(p, "properties"))
		names, _ := p["required"].([]any)
		required = append(required, names...)
	}
	return object{"type": "object", "properties": properties, "required": required}
}

func (t *trimmer) named(ref string) object {
	s, ok := t.all[strings.TrimPrefix(ref, reference)].(object)
	if !ok {
		panic("the description has no " + ref)
	}
	return s
}

// trim copies a schema, or a list of them, without what does not bear on validity, and keeps what it refers to.
func (t *trimmer) trim(schema any) any {
	switch s := schema.(type) {
	case []any:
		out := make([]any, len(s))
		for i, e := range s {
			out[i] = t.trim(e)
		}
		return out
	case object:
		out := object{}
		for keyword, v := range s {
			switch {
			case slices.Contains(explanations, keyword), strings.HasPrefix(keyword, "x-"), keyword == "nullable":
			case keyword == "properties": // its keys are the names of fields, not keywords
				fields := object{}
				for name, field := range v.(object) {
					fields[name] = t.trim(field)
				}
				out[keyword] = fields
			case keyword == "$ref":
				out[keyword] = v
				t.keep(v.(string))
			default:
				out[keyword] = t.trim(v)
			}
		}
		if s["nullable"] == true {
			return orNull(out)
		}
		return out
	}
	return schema
}

// explanations are the keywords that explain a schema and refuse nothing.
var explanations = []string{"title", "description", "example", "examples", "default", "deprecated"}

func (t *trimmer) keep(ref string) {
	name := strings.TrimPrefix(ref, reference)
	if t.kept[name] == nil {
		t.kept[name] = object{} // it may refer to itself
		t.kept[name] = t.trim(t.named(ref))
	}
}

func orNull(s object) object {
	kind, single := s["type"].(string)
	if !single {
		return object{"anyOf": []any{s, object{"type": "null"}}}
	}
	s["type"] = []any{kind, "null"}
	if values, ok := s["enum"].([]any); ok {
		s["enum"] = append(slices.Clone(values), nil)
	}
	return s
}
