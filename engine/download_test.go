package engine_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/providertest"
)

func TestEveryFaultOfADownload(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault providertest.Fault
		ok    bool
		says  string
	}{
		{"AnOverloadedHostIsAskedAgain", providertest.Fault{Kind: providertest.Status503, Count: 2}, true, ""},
		{"ALimitIsWaitedFor", providertest.Fault{Kind: providertest.Status429, Count: 1}, true, ""},
		{"ABrokenHostIsAskedAgain", providertest.Fault{Kind: providertest.Status500, Count: 1}, true, ""},
		{"ACutPictureIsFetchedAgain", providertest.Fault{Kind: providertest.CutBody, Count: 1}, true, ""},
		{"ALostConnectionIsMadeAgain", providertest.Fault{Kind: providertest.DropBefore, Count: 1}, true, ""},
		{"AHostThatStaysBrokenIsGivenUp", providertest.Fault{Kind: providertest.Status502}, false, "HTTP 502"},
		{"AHostThatStaysAwayIsGivenUp", providertest.Fault{Kind: providertest.DropBefore}, false, "the connection failed"},
		{"ARefusalIsFinal", providertest.Fault{Kind: providertest.Status403}, false, "HTTP 403"},
		{"ARedirectToNowhereIsFinal", providertest.Fault{Kind: providertest.Redirect}, false, "HTTP 400"},
		{"WhatIsNoPictureIsFinal", providertest.Fault{Kind: providertest.InvalidBody}, false, "not a picture"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, setup{inProcess: true})
				tt.fault.Route = providertest.RouteFile
				h.faults(tt.fault)
				got, err := h.sketch("k", dalleModel, 1)
				if tt.ok && (err != nil || got.Charged != 5) || !tt.ok && (!errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), tt.says)) {
					t.Errorf("charged %d, %v; want ok %t, saying %q", got.Charged, err, tt.ok, tt.says)
				}
				if err != nil && strings.Contains(err.Error(), "upstream.test") {
					t.Errorf("%v shows the picture's address, which can be signed", err)
				}
				if sent, _ := h.requests(); sent != 1 {
					t.Errorf("%d requests, want 1: only the download is repeated", sent)
				}
				h.sound() // a key sent along would be a 400, and so a failure above
			})
		})
	}
}

// A download that hangs is tried again; one that is slow and moves is left alone.
func TestADownloadThatStandsStillIsBegunAnew(t *testing.T) {
	for name, slow := range map[string]func(w http.ResponseWriter, r *http.Request, data []byte, n int){
		"BeforeItsHeaders": func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
			if n == 1 {
				<-r.Context().Done()
			}
			_, _ = w.Write(data)
		},
		"InItsBody": func(w http.ResponseWriter, r *http.Request, data []byte, n int) {
			_, _ = w.Write(data[:9])
			if n == 1 {
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}
			_, _ = w.Write(data[9:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, requests := must(providertest.Echo{}.Image(providertest.ImageCall{Model: dalleModel, Prompt: prompt, Width: 48, Height: 48})).Data, 0
			files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				slow(w, r, data, requests)
			}))
			defer files.Close()
			h := newHost(t, setup{engine: func(c *engine.Config) { c.Providers = []providers.Provider{delivers(providers.Image{URL: files.URL})} }})
			if _, err := h.sketch("k", dalleModel, 1); err != nil || requests != 2 {
				t.Errorf("%v after %d requests, want a success after 2", err, requests)
			}
			h.sound()
		})
	}
}

func TestAPictureOfTooManyBytesIsNotRead(t *testing.T) {
	size := int64(len(must(providertest.Echo{}.Image(providertest.ImageCall{Model: dalleModel, Prompt: prompt, Width: 48, Height: 48})).Data))
	for name, limit := range map[string]int64{"JustEnough": size, "OneTooFew": size - 1} {
		h := newHost(t, setup{engine: func(c *engine.Config) { c.MaxPictureBytes = limit }})
		if _, err := h.sketch("k", dalleModel, 1); (err == nil) != (limit == size) || err != nil && !errors.Is(err, engine.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
		h.sound()
	}
}

// endless is a transport whose every answer is blanks without an end.
type endless struct{}

func (endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(endless{}), Request: r}, nil
}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAPictureHasAtMost32MiBByDefault(t *testing.T) {
	h := newHost(t, setup{engine: func(c *engine.Config) {
		c.Downloads = &http.Client{Transport: endless{}}
		c.Providers = []providers.Provider{delivers(providers.Image{URL: "http://pictures.test/x"})}
	}})
	if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), "more than 33554432 bytes") {
		t.Errorf("Run = %v, want no more than 32 MiB read", err)
	}
	h.sound()
}

// TestTheEnginesOwnClientConnectsToPublicAddressesOnly needs no network: what is refused is refused before a packet leaves.
func TestTheEnginesOwnClientConnectsToPublicAddressesOnly(t *testing.T) {
	for _, url := range []string{
		"http://127.0.0.1:1/x", "http://[::1]:1/x", "http://localhost:1/x", "http://[::ffff:127.0.0.1]:1/x", "http://0.0.0.0:1/x", "http://[::]:1/x",
		"http://10.1.2.3/x", "https://172.16.0.1/x", "http://192.168.1.1/x", "http://100.64.0.1/x", "http://169.254.169.254/latest/meta-data/",
		"http://[fd00::1]/x", "http://[fe80::1]/x", "http://224.0.0.1/x", "http://255.255.255.255/x",
		"http://[64:ff9b::a9fe:a9fe]/x", "http://[2002:7f00:1::]/x",
	} {
		h := newHost(t, setup{engine: func(c *engine.Config) {
			c.Downloads, c.Providers = nil, []providers.Provider{delivers(providers.Image{URL: url})}
		}})
		if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), "its address is not public") || strings.Contains(err.Error(), url) {
			t.Errorf("%s: %v, want it refused without being shown", url, err)
		}
		h.sound()
	}
}

// TestTheEnginesOwnClientIsNotTheProcesssDefault: a host may have wrapped that one to trace it, or let it dial as it likes.
func TestTheEnginesOwnClientIsNotTheProcesssDefault(t *testing.T) {
	theirs := http.DefaultTransport
	defer func() { http.DefaultTransport = theirs }()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was let in") }))
	defer s.Close()
	for name, other := range map[string]http.RoundTripper{
		"Wrapped":     roundTrip(theirs.RoundTrip),
		"WithADialer": &http.Transport{DialTLSContext: (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext},
	} {
		http.DefaultTransport = other
		resp, err := engine.PublicOnly().Get(s.URL)
		if err == nil {
			resp.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "its address is not public") {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

// redirecting is the engine's own client, except that a host of the outside answers with a redirect.
func redirecting(status int, to string) *http.Client {
	c := engine.PublicOnly()
	inside := c.Transport
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "outside.test" {
			return inside.RoundTrip(r)
		}
		return &http.Response{StatusCode: status, Header: http.Header{"Location": {to}}, Body: http.NoBody, Request: r}, nil
	})
	return c
}

func TestARedirectDoesNotLeadInside(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect led inside") }))
	defer s.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		h := newHost(t, setup{engine: func(c *engine.Config) {
			c.Downloads, c.Providers = redirecting(status, s.URL), []providers.Provider{delivers(providers.Image{URL: "http://outside.test/x"})}
		}})
		if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, engine.ErrAnswer) || !strings.Contains(err.Error(), "its address is not public") {
			t.Errorf("%d: %v, want it refused", status, err)
		}
		h.sound()
	}
}

func TestARedirectIsNotToldTheAddressBeforeIt(t *testing.T) {
	steps := 0
	c := engine.PublicOnly()
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		steps++
		if r.Header.Get("Referer") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("step %d was sent %v", steps, r.Header)
		}
		return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://other.test/y"}}, Body: http.NoBody, Request: r}, nil
	})
	resp, err := c.Get("https://outside.test/x?sig=secret")
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || steps != 10 {
		t.Errorf("%d steps, %v; want an end after ten", steps, err)
	}
}

func TestWhichAddressesArePublic(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f:cb07:6820:80da:af6b:8b2c": true, "::ffff:93.184.215.14": true,
		"64:ff9b::5db8:d70e": true, "2002:5db8:d70e::1": true, "172.32.0.1": true, "100.128.0.1": true,
		"127.0.0.1": false, "127.8.9.1": false, "::1": false, "::ffff:10.0.0.1": false, "0.0.0.0": false, "0.1.2.3": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.0.1": false, "100.64.0.1": false,
		"169.254.169.254": false, "192.0.0.170": false, "198.18.0.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2002:7f00:1::1": false, "2002:a00:1::": false,
	} {
		if got := engine.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %t, want %t", address, got, want)
		}
	}
}

func TestAnAddressThatIsNotHTTPIsNotFetched(t *testing.T) {
	for _, url := range []string{"file:///etc/passwd", "ftp://example.com/x", "data:image/png;base64,AAAA", "http://%zz", ""} {
		h := newHost(t, setup{engine: func(c *engine.Config) {
			c.Downloads = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s was fetched", r.URL)
				return nil, http.ErrNotSupported
			})}
			c.Providers = []providers.Provider{delivers(providers.Image{URL: url})}
		}})
		if _, err := h.sketch("k", dalleModel, 1); !errors.Is(err, engine.ErrAnswer) {
			t.Errorf("%q: %v, want %v", url, err, engine.ErrAnswer)
		}
	}
}
