package openaiwire

import (
	"net/http"

	"github.com/scrip-go/scrip/providers"
)

// The headers of a request besides the key's, in the form of a map's key.
const (
	contentType     = "Content-Type"
	clientRequestID = "X-Client-Request-Id"
	organizationID  = "Openai-Organization"
	projectID       = "Openai-Project"
)

// Sender is who sends: what the headers of all requests of a provider have in common.
type Sender struct {
	KeyHeader    string // that carries the key as it is; the key is a bearer in Authorization if empty
	Organization string // left out if empty
	Project      string // left out if empty
}

// Header returns the headers of one attempt. The attempt's id travels as X-Client-Request-Id, which OpenAI keeps for
// support; it does not deduplicate by it.
func (s Sender) Header(a providers.Attempt) http.Header {
	name, key := "Authorization", a.Key.Secret.Reveal()
	if s.KeyHeader != "" {
		name = http.CanonicalHeaderKey(s.KeyHeader)
	} else {
		key = "Bearer " + key
	}
	v := []string{key, "application/json", a.ID}
	h := http.Header{name: v[0:1:1], contentType: v[1:2:2], clientRequestID: v[2:3:3]}
	if s.Organization != "" {
		h[organizationID] = []string{s.Organization}
	}
	if s.Project != "" {
		h[projectID] = []string{s.Project}
	}
	return h
}
