package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scrip-go/scrip/engine/functions/functionstest"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/dalle"
	"github.com/scrip-go/scrip/providers/openai"
	"github.com/scrip-go/scrip/providers/providertest"
	"github.com/scrip-go/scrip/providers/runware"
	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

// upstreams is whom the providers speak to, and with which models.
type upstreams struct {
	says      string // for a person
	catalogue string
	providers []providers.Provider
	keys      secret.Static
	downloads *http.Client // nil for the engine's own, which connects to public addresses only
	loopback  *providertest.Server
}

// upstream is one provider's.
type upstream struct {
	id, key, base string
	real          bool // the environment has a key for it
}

// chooseUpstreams takes the real services for which the environment has a key, and the loopback for the others; base, if
// set, is where all of them are.
func chooseUpstreams(base string, getenv func(string) string) (_ *upstreams, err error) {
	u := &upstreams{catalogue: registry.Seed, keys: secret.Static{}}
	defer func() {
		if err != nil {
			u.close()
		}
	}()
	services := []*upstream{
		{id: "openai", key: getenv("OPENAI_API_KEY"), base: getenv("OPENAI_BASE_URL")},
		{id: "runware", key: getenv("RUNWARE_API_KEY"), base: getenv("RUNWARE_BASE_URL")},
	}
	var real, fake []string
	for _, s := range services {
		if s.real = s.key != ""; s.real {
			u.catalogue = registry.Current
			real = append(real, s.id)
		} else {
			s.key = "loopback" // of no use anywhere, and nobody's secret
			fake = append(fake, s.id)
		}
	}
	if base != "" {
		if base, err = wireBase(base); err != nil {
			return nil, err
		}
		for _, s := range services {
			s.base = base
		}
		u.says = fmt.Sprintf("providers are at %s, catalogue %s", base, u.catalogue)
	} else if len(fake) > 0 {
		if u.loopback, err = providertest.Listen("127.0.0.1:0", providertest.Config{Responder: functionstest.New()}); err != nil {
			return nil, err
		}
		for _, s := range services {
			if !s.real {
				s.base = u.loopback.BaseURL
			}
		}
	}
	switch {
	case base != "":
	case len(real) == 0:
		u.says = fmt.Sprintf("no API key is set, so answers are made up by upstreams on loopback, catalogue %s", u.catalogue)
	case len(fake) == 0:
		u.says = fmt.Sprintf("real calls to %s, catalogue %s", strings.Join(real, " and "), u.catalogue)
	default:
		u.says = fmt.Sprintf("real calls to %s, %s on loopback for want of a key, catalogue %s", strings.Join(real, " and "), strings.Join(fake, " and "), u.catalogue)
	}
	return u, u.connect(services)
}

// wireBase completes the address of a server to the base URL of its wires.
func wireBase(base string) (string, error) {
	p, err := url.Parse(base)
	if err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
		return "", fmt.Errorf("-upstream: want a URL such as http://127.0.0.1:8090")
	}
	p.Path = strings.TrimSuffix(strings.TrimSuffix(p.Path, "/"), "/v1") + "/v1"
	return p.String(), nil
}

func (u *upstreams) connect(services []*upstream) error {
	text, pictures := services[0], services[1]
	chat, err := openai.New(openai.Config{BaseURL: text.base})
	if err != nil {
		return err
	}
	images, err := dalle.New(dalle.Config{BaseURL: text.base})
	if err != nil {
		return err
	}
	runwareImages, err := runware.New(runware.Config{BaseURL: pictures.base})
	if err != nil {
		return err
	}
	u.providers = []providers.Provider{chat, images, runwareImages}
	for _, s := range services {
		u.keys[s.id] = secret.Key{ID: s.id, Secret: secret.New(s.key)}
		if onLoopback(s.base) {
			u.downloads = &http.Client{Timeout: 30 * time.Second}
		}
	}
	return nil
}

func onLoopback(base string) bool {
	p, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := p.Hostname()
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

func (u *upstreams) close() {
	if u.loopback != nil {
		u.loopback.Close()
	}
}
