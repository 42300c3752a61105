package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // decodes what it registers; a host that asks its models for webp
	_ "image/jpeg" // imports that format's decoder itself
	_ "image/png"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/scrip-go/scrip/providers"
)

// maxPixels bounds what is decoded: a small file can hold a picture that fills the memory.
const maxPixels = 64 << 20

// readPictures fetches, decodes and stores the pictures of an answer, before any of them counts. It goes on if the
// caller is gone, but for no longer than the lease has room for, however many pictures there are.
func (op *operation) readPictures(ctx context.Context, got *delivery) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace/2)
	defer cancel()
	var kept []Picture
	var errs []error
	if len(got.images) == 0 {
		errs = append(errs, fmt.Errorf("%w: there is no picture in it", ErrAnswer))
	}
	asked := min(len(got.images), op.req.Drawing.N) // nobody asked for more, and nobody gets them
	for i, img := range got.images[:asked] {
		p, err := op.keep(ctx, i, img)
		if err != nil {
			errs = append(errs, fmt.Errorf("picture %d of %d: %w", i+1, len(got.images), err))
			continue
		}
		kept = append(kept, p)
	}
	if len(kept) == 0 {
		return nil, errors.Join(errs...)
	}
	if got.delivered = int64(len(kept)); len(kept) == asked {
		got.delivered = int64(len(got.images)) // what is beyond the hold is written off: the provider's error is to be seen
	}
	return op.j.pictures(kept)
}

// keep stores a picture. Its error matches ErrAnswer unless it is the store's.
func (op *operation) keep(ctx context.Context, i int, img providers.Image) (Picture, error) {
	data := img.Data
	if len(data) == 0 {
		var err error
		if data, err = op.e.download(ctx, img.URL); err != nil {
			return Picture{}, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
	}
	p, err := inspect(data)
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	p.Blob = blobName(op.j.call, i, p)
	return p, repeat(ctx, func(ctx context.Context) error { return op.e.cfg.Blobs.Put(ctx, p.Blob, data) })
}

// inspect decodes a picture completely: a picture that does not decode was not delivered.
func inspect(data []byte) (Picture, error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return Picture{}, fmt.Errorf("it is not a picture that can be decoded (%d bytes)", len(data))
	}
	if int64(cfg.Width)*int64(cfg.Height) > maxPixels {
		return Picture{}, fmt.Errorf("it has %d × %d pixels, more than %d", cfg.Width, cfg.Height, maxPixels)
	}
	if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
		return Picture{}, fmt.Errorf("it is a %s that cannot be decoded to its end (%d bytes)", format, len(data))
	}
	sum := sha256.Sum256(data)
	return Picture{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), Type: "image/" + format, Width: cfg.Width, Height: cfg.Height}, nil
}

// decodesWebP reports whether the program has a decoder of webp. A picture without one is billed and lost, so none is
// asked for.
var decodesWebP = sync.OnceValue(func() bool {
	_, _, err := image.DecodeConfig(strings.NewReader("RIFF\x1a\x00\x00\x00WEBPVP8L"))
	return !errors.Is(err, image.ErrFormat)
})

// blobName is derived from the key and the content, so that two holders of one key never overwrite each other's picture.
func blobName(c Call, i int, p Picture) string {
	key := sha256.Sum256([]byte(string(c.Account) + "\x00" + string(c.Key)))
	return fmt.Sprintf("%x-%d-%s.%s", key[:12], i, p.SHA256[:12], p.Type[len("image/"):])
}

// download fetches a picture. It is free, so it is tried again where dispatching the call again would not be.
func (e *Engine) download(ctx context.Context, url string) ([]byte, error) {
	wait := 200 * time.Millisecond
	for {
		data, again, err := e.fetch(ctx, url)
		if err == nil || !again || wait > 4*time.Second {
			return data, err
		}
		if sleep(ctx, wait) != nil {
			return nil, err
		}
		wait *= 2
	}
}

// maxStall is how long a download may stand still: one that hangs must leave the time to try again.
const maxStall = 8 * time.Second

// moving is a body that gives its timer another term whenever something of it arrives.
type moving struct {
	io.Reader
	stalled *time.Timer
}

func (m moving) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.stalled.Reset(maxStall)
	return n, err
}

// fetch gets a URL once. Its errors do not show the URL, which can be signed.
func (e *Engine) fetch(ctx context.Context, url string) (data []byte, again bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stalled := time.AfterFunc(maxStall, cancel)
	defer stalled.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, false, errors.New("its address is not an http(s) URL")
	}
	resp, err := e.cfg.Downloads.Do(req)
	if err != nil {
		if errors.Is(err, errPrivate) {
			return nil, false, errPrivate
		}
		return nil, true, errors.New("it could not be downloaded: the connection failed")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, fmt.Errorf("it could not be downloaded: HTTP %d", resp.StatusCode)
	}
	data, err = io.ReadAll(io.LimitReader(moving{resp.Body, stalled}, e.cfg.MaxPictureBytes+1))
	switch {
	case err != nil:
		return nil, true, errors.New("it could not be downloaded: the connection was cut")
	case int64(len(data)) > e.cfg.MaxPictureBytes:
		return nil, false, fmt.Errorf("it has more than %d bytes", e.cfg.MaxPictureBytes)
	}
	return data, false, nil
}

var errPrivate = errors.New("its address is not public: set Config.Downloads to a client that may connect there")

// publicOnly returns a client that refuses to connect to addresses inside the operator's network, whatever a provider's
// answer or a redirect names. It looks at the address after name resolution, so a name cannot hide it.
func publicOnly() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return errPrivate
		}
		if !public(ap.Addr()) {
			return errPrivate
		}
		return nil
	}}
	// One of its own: the process's default may be of any type, and may dial by a function that asks nobody.
	t := &http.Transport{DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second}
	return &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		r.Header.Del("Referer") // the address that redirects can be signed, and is not the next host's to know
		if len(via) >= 10 {
			return errors.New("too many redirects")
		}
		return nil
	}}
}

// public reports whether an address is outside the operator's network. An IPv6 address that is translated to an IPv4
// address on the way is judged by that one.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	switch b := ip.As16(); {
	case nat64.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[2:6]))
	}
	inside := func(p netip.Prefix) bool { return p.Contains(ip) }
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(special, inside)
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
	// special are ranges that netip does not count as private: this network, the carriers' address space (RFC 6598),
	// protocol assignments, benchmarks, what is reserved, local translation, and the site-local addresses of old.
	special = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("fec0::/10"),
	}
)
