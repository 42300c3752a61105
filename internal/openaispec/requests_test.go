package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEveryRequestFitsTheDescription holds all requests to the description: those of both adapters with all their options
// and all models of the catalogues, and those of all functions. With SCRIP_OPENAI_SPEC it sends them to that server too.
func TestEveryRequestFitsTheDescription(t *testing.T) {
	d := read(t)
	var all []request
	for name, calls := range map[string]func(*testing.T) *collector{"texts": texts, "pictures": pictures, "functions": functionCalls} {
		kept := calls(t).requests()
		t.Logf("%s: %d requests", name, len(kept))
		all = append(all, kept...)
	}
	count := map[string]int{}
	for _, r := range all {
		count[r.path]++
		if err := d.check(r.path, r.body); err != nil {
			t.Errorf("%s: %v\n%s", r.from, err, r.body)
		}
		if r.header.Get("Authorization") != "Bearer sk-test" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: the headers are %v", r.from, r.header)
		}
	}
	t.Logf("requests by route: %v", count)
	complete(t, d, chat, all, notText)
	complete(t, d, images, all, notImages)
	if base := os.Getenv("SCRIP_OPENAI_SPEC"); base != "" {
		ask(t, strings.TrimSuffix(strings.TrimRight(base, "/"), "/v1"), all)
	}
}

// complete checks that every field which the description has, but for those that are left out on purpose, was in a
// request, with every value that it lists.
func complete(t *testing.T, d description, path string, all []request, without []string) {
	t.Helper()
	seen := map[string][]any{}
	for _, r := range all {
		if r.path != path {
			continue
		}
		for name, raw := range r.fields(t) {
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(seen[name], func(s any) bool { return reflect.DeepEqual(s, v) }) {
				seen[name] = append(seen[name], v)
			}
		}
	}
	for name, values := range d.fields(path) {
		if _, sent := seen[name]; sent == slices.Contains(without, name) {
			t.Errorf("%s: the field %q: sent is %t", path, name, sent)
		}
		for _, v := range values {
			if !slices.Contains(without, name) && !slices.Contains(seen[name], v) {
				t.Errorf("%s: the field %q was never %v", path, name, v)
			}
		}
	}
}

// ask sends requests to a server that is made from the description, which answers 422 to what does not fit it, and so
// to each of the mistakes.
func ask(t *testing.T, base string, all []request) {
	answers := map[int]int{}
	for _, r := range all {
		status, why := post(t, base+r.path, r.header, r.body)
		if answers[status]++; status != http.StatusOK {
			t.Errorf("%s: HTTP %d: %s\n%s", r.from, status, why, r.body)
		}
	}
	refused := 0
	for rule, bad := range mistakes {
		if status, _ := post(t, base+bad.path, all[0].header, []byte(bad.body)); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: HTTP %d: the server lets it pass: %s", rule, status, bad.body)
			continue
		}
		refused++
	}
	t.Logf("sent to %s: %d requests, of which refused with a 422: %d; answers by status: %v; mistakes refused with a 422: %d of %d",
		base, len(all), answers[http.StatusUnprocessableEntity], answers, refused, len(mistakes))
}

func post(t *testing.T, url string, header http.Header, body []byte) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// TestNoDallEIsAskedForAFormat: the description says in words alone that these models refuse the field. Those of the
// catalogues must have it in their omissions.
func TestNoDallEIsAskedForAFormat(t *testing.T) {
	asked := map[bool]int{}
	for _, r := range pictures(t).requests() {
		_, has := r.fields(t)["output_format"]
		asked[has]++
		if has && strings.Contains(r.from, "dall-e") {
			t.Errorf("%s: %s", r.from, r.body)
		}
	}
	if asked[true] < 10 {
		t.Errorf("%d requests ask for a format", asked[true])
	}
}
