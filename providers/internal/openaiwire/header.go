package openaiwire

import (
	"net/http"

	"github.com/scrip-go/scrip/providers"
)

// Header returns the headers of one attempt. The attempt's id travels as X-Client-Request-Id, which OpenAI keeps for
// support; it does not deduplicate by it. organization and project are left out if empty.
func Header(a providers.Attempt, organization, project string) http.Header {
	v := []string{"Bearer " + a.Key.Secret.Reveal(), "application/json", a.ID}
	h := http.Header{"Authorization": v[0:1:1], "Content-Type": v[1:2:2], "X-Client-Request-Id": v[2:3:3]}
	if organization != "" {
		h.Set("OpenAI-Organization", organization)
	}
	if project != "" {
		h.Set("OpenAI-Project", project)
	}
	return h
}
