package wordpress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
)

// maxAnswer is how many bytes of an answer are read. A page of a hundred posts with their texts has less.
const maxAnswer = 32 << 20

// request is one request to the API.
type request struct {
	method, route string // the route begins with a slash
	query         url.Values
	body          any // is sent as JSON, unless it is a file
	header        http.Header
}

// asking asks for some fields of an answer, as an editor sees them, with what else a request says in its query.
func asking(q url.Values, names string) url.Values {
	q.Set("context", "edit")
	q.Set("_fields", names)
	return q
}

// file is the body of an upload.
type file []byte

// discover asks the home page where the API is. An address that is put together instead may be redirected, or another page.
func (s *Site) discover(ctx context.Context) (*url.URL, error) {
	r := request{method: http.MethodGet, route: s.home.Path}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.home.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, r.unanswered(ctx, err)
	}
	defer resp.Body.Close()
	for _, link := range resp.Header.Values("Link") {
		for part := range strings.SplitSeq(link, ",") {
			target, rel, _ := strings.Cut(part, ";")
			if !strings.Contains(rel, "https://api.w.org/") {
				continue
			}
			root, err := s.home.Parse(strings.Trim(strings.TrimSpace(target), "<>"))
			switch {
			case err != nil:
				return nil, refused("the address of its API is none")
			case root.Host != s.home.Host || root.Scheme != s.home.Scheme: // the password goes nowhere else
				return nil, refused("its API is at %s://%s: set URL to the site's address there", root.Scheme, root.Host)
			}
			return root, nil
		}
	}
	if resp.StatusCode/100 != 2 {
		return nil, r.failed(resp.StatusCode, "", "the home page is not there")
	}
	return nil, refused("its home page does not say where the API is: it is not WordPress, or its REST API is switched off")
}

// at returns the address of a route. Where a site has plain permalinks the route is a parameter.
func at(root *url.URL, route string, query url.Values) string {
	u := *root
	q := u.Query()
	if in := q.Get("rest_route"); in != "" {
		q.Set("rest_route", strings.TrimSuffix(in, "/")+route)
	} else {
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+route, ""
	}
	for name, values := range query {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// call makes a request and reads its answer into out.
func (s *Site) call(ctx context.Context, root *url.URL, r request, out any) error {
	var body io.Reader
	kind := "application/json"
	switch b := r.body.(type) {
	case nil:
	case file:
		body, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, at(root, r.route, r.query), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.SetBasicAuth(s.cfg.User, s.cfg.Password.Reveal())
	resp, err := s.client.Do(req)
	if err != nil {
		return r.unanswered(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return r.unanswered(ctx, err)
	}
	if resp.StatusCode/100 != 2 {
		var said struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Data    struct {
				Term int64 `json:"term_id"`
			} `json:"data"`
		}
		_ = json.Unmarshal(text, &said) // who stands before the site may answer as it likes
		if said.Code == "term_exists" && said.Data.Term > 0 {
			return &existsError{said.Data.Term}
		}
		return r.failed(resp.StatusCode, said.Code, said.Message)
	}
	if len(text) > maxAnswer {
		return r.failed(resp.StatusCode, "", fmt.Sprintf("the answer has more than %d bytes", maxAnswer))
	}
	if err := json.Unmarshal(text, out); err != nil {
		return &Error{Method: r.method, Route: r.route, Status: resp.StatusCode, Detail: "the answer is not what WordPress says", mark: content.ErrSiteUnavailable}
	}
	return nil
}

// fields is an object that is a list where PHP found it empty. Values of another type than T are left out.
type fields[T any] map[string]T

// UnmarshalJSON implements [json.Unmarshaler].
func (f *fields[T]) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return nil
	}
	*f = fields[T]{}
	for name, v := range raw {
		var value T
		if json.Unmarshal(v, &value) == nil {
			(*f)[name] = value
		}
	}
	return nil
}
