package providertest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"sync"
	"time"
)

// drip writes a body in pieces over a time. The rest goes at once when the caller has gone or the server closes.
func drip(w http.ResponseWriter, r *http.Request, body []byte, over time.Duration) {
	const pieces = 20
	tick := time.NewTicker(max(over/pieces, 1))
	defer tick.Stop()
	_ = http.NewResponseController(w).Flush() // the headers
	for i := range pieces {
		select {
		case <-tick.C:
		case <-r.Context().Done():
		}
		_, err := w.Write(body[len(body)*i/pieces : len(body)*(i+1)/pieces])
		if err == nil {
			err = http.NewResponseController(w).Flush()
		}
		if err != nil {
			return
		}
	}
}

// flood returns a mebibyte of blanks, plain or packed, to be written again and again: members of gzip may follow each
// other. Blanks are what a JSON decoder skips, so that one without a bound reads them all.
func flood(packed bool) []byte {
	if packed {
		return packedFlood()
	}
	return plainFlood()
}

var (
	plainFlood  = sync.OnceValue(func() []byte { return bytes.Repeat([]byte{' '}, 1<<20) })
	packedFlood = sync.OnceValue(func() []byte { return packed(plainFlood()) })
)

// blanks writes a body that is longer than anything an adapter may read, until the caller has gone or the server
// closes. It ends, because a caller that reads without a bound is to fail a test and not to fill the machine.
func blanks(w http.ResponseWriter, r *http.Request, packed bool) {
	times := 1 << 10
	if packed {
		w.Header().Set("Content-Encoding", "gzip")
		times = 4 << 10
	}
	w.WriteHeader(200)
	for range times {
		if r.Context().Err() != nil {
			return
		}
		if _, err := w.Write(flood(packed)); err != nil {
			return
		}
	}
}

// packed returns a body as one member of gzip.
func packed(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
