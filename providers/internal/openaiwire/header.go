package openaiwire

import (
	"net/http"

	"github.com/scrip-go/scrip/providers"
)

// Header returns the headers of one attempt. The attempt's id travels as X-Client-Request-Id, which OpenAI keeps for
// support; it does not deduplicate by it. organization and project are left out if empty.
func Header(a providers.Attempt, organization, project string) http.Header {
	h := http.Header{
		"Authorization":       {"Bearer " + a.Key.Secret.Reveal()},
		"Content-Type":        {"application/json"},
		"X-Client-Request-Id": {a.ID},
	}
	if organization != "" {
		h.Set("OpenAI-Organization", organization)
	}
	if project != "" {
		h.Set("OpenAI-Project", project)
	}
	return h
}
