package wire

import (
	"errors"
	"net/url"
	"strings"

	"github.com/scrip-go/scrip/providers"
)

// Endpoint is one address of an upstream, made once from the adapter's configuration.
type Endpoint struct {
	base string
	path string
	url  *url.URL
}

// NewEndpoint joins a base URL and a path, which is empty or begins with a slash. The error does not show the URL,
// which may hold a password that somebody put into it.
func NewEndpoint(base, path string) (Endpoint, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return Endpoint{}, errors.New("the base URL cannot be parsed")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return Endpoint{}, errors.New("the base URL is not an absolute http or https URL")
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return Endpoint{}, errors.New("the base URL has a user, a query or a fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+path, ""
	return Endpoint{base: base, path: path, url: u}, nil
}

// For returns the address for an attempt, which may bring a base URL of its own.
func (e Endpoint) For(provider string, a providers.Attempt) (*url.URL, *providers.Error) {
	if a.BaseURL == "" || a.BaseURL == e.base {
		return e.url, nil
	}
	other, err := NewEndpoint(a.BaseURL, e.path)
	if err != nil {
		return nil, Refuse(provider, err.Error())
	}
	return other.url, nil
}

// Check returns an error if the attempt has no id or key that can be sent. The upstream would not see such a request,
// or could not be asked about it later.
func Check(provider string, a providers.Attempt) *providers.Error {
	if a.ID == "" || providers.Identifier(a.ID) == "" {
		return Refuse(provider, "the attempt has no id, or one that is not an identifier")
	}
	key := a.Key.Secret.Reveal()
	if key == "" {
		return &providers.Error{Provider: provider, Kind: providers.Auth, Fate: providers.NotSent, Detail: "the attempt has no API key"}
	}
	for i := range len(key) {
		if key[i] < 0x21 || key[i] > 0x7e {
			return &providers.Error{Provider: provider, Kind: providers.Auth, Fate: providers.NotSent,
				Detail: "the API key has a blank, a line end or another character that a header cannot carry"}
		}
	}
	return nil
}

// IsURL reports whether s is an absolute http or https URL, as a picture's address must be.
func IsURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
