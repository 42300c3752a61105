package providertest

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// connectCases are about connections: those that never come about, and those that are used again.
var connectCases = []suiteCase{
	{"ARefusedConnectionIsNotSent", "a connection that is refused has sent nothing, so the request may be sent again", false, func(b *bench) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatalf("%v", err)
		}
		address := l.Addr().String()
		_ = l.Close()
		r := b.callOn(b.Context(), b.make("http://"+address+basePath), b.ask())
		b.failed(r, oneOf(providers.Network), b.allowed(oneOf(providers.NotSent)))
	}},
	{"AnUnknownCertificateIsNotSent", "a server whose certificate nobody vouches for is not spoken to", false, func(b *bench) {
		var requests atomic.Int64
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		r := b.callOn(b.Context(), b.make(s.URL+basePath), b.ask())
		b.failed(r, oneOf(providers.Network), b.allowed(oneOf(providers.NotSent)))
		if n := requests.Load(); n > 0 {
			b.Errorf("the server has seen %d requests", n)
		}
	}},
	{"AFailedHandshakeIsNotSent", "a server that ends the handshake has been sent nothing", false, func(b *bench) {
		r := b.callOn(b.Context(), b.make("https://"+b.listen(func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_ = tls.Server(c, &tls.Config{}).Close()
		})+basePath), b.ask())
		b.failed(r, oneOf(providers.Network), b.allowed(oneOf(providers.NotSent)))
	}},
	{"AConnectionClosedBeforeTheRequestIsNetwork", "who closes at once may have read the request all the same, as far as the adapter can tell", false, func(b *bench) {
		accepted := atomic.Int64{}
		address := b.listen(func(c net.Conn) { accepted.Add(1) })
		r := b.callOn(b.Context(), b.make("http://"+address+basePath), b.ask())
		b.failed(r, oneOf(providers.Network), b.allowed(oneOf(providers.NotSent, providers.Unknown)))
		if n := accepted.Load(); n > 1 {
			b.Errorf("one call made %d connections, want no second try", n)
		}
	}},
	{"AReusedConnectionThatDiesIsNotTriedAgain", "a request that was read on a connection that had been used before is not sent again: " +
		"net/http does so when there is an Idempotency-Key", false, func(b *bench) {
		b.good(b.ask())
		b.up.faulty(func(x *exchange) { x.cut() })
		r := b.call(b.Context(), b.ask())
		b.failed(r, oneOf(providers.Network), b.allowed(unknown))
		b.up.faulty(nil)
		b.good(b.ask())
	}},
	{"AConnectionThatDiedIdleIsReplaced", "a connection that the upstream closed while nobody used it costs at most an error of the network, never a second request", false, func(b *bench) {
		b.good(b.ask())
		b.up.server.CloseClientConnections()
		if r := b.call(b.Context(), b.ask()); r.err != nil {
			b.failed(r, oneOf(providers.Network), b.allowed(oneOf(providers.NotSent, providers.Unknown)))
		} else {
			b.wantGood(r)
		}
		b.good(b.ask())
	}},
}

// listen serves bare connections until the case ends, closes each when serve returns, and returns the address.
func (b *bench) listen(serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatalf("%v", err)
	}
	go func() {
		<-b.up.over
		_ = l.Close()
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(longer))
			serve(c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}
