package wire

import (
	"bytes"
	"io"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/scrip-go/scrip/providers"
)

// journey is one request on its way to the upstream: its body, and how far it got. The transport calls its hooks from
// goroutines of its own, some of them after the call returned.
type journey struct {
	body  []byte
	first bytes.Reader // reads it for the first connection
	stage atomic.Int32
	trace httptrace.ClientTrace
}

// again returns a body for a second connection.
func (j *journey) again() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(j.body)), nil }

const (
	unseen   = iota // no hook was called
	waiting         // for a connection
	written         // the headers went into the connection's buffer, or further
	answered        // an answer began
)

func newJourney(body []byte) *journey {
	j := &journey{body: body}
	j.first.Reset(body)
	j.trace = httptrace.ClientTrace{
		// A second connection is asked for when nothing had been written on the first one. If an answer had begun, the
		// host's transport retries on its own, and whatever happens next, the request was sent.
		GetConn: func(string) {
			if j.stage.Load() != answered {
				j.stage.Store(waiting)
			}
		},
		// The body follows the headers on the same buffer, so what has not written its headers by the time the
		// transport gives up (and closes the connection) is not a request that an upstream could run.
		WroteHeaders:         func() { j.stage.CompareAndSwap(waiting, written) },
		GotFirstResponseByte: func() { j.stage.Store(answered) },
	}
	return j
}

// fate is what the hooks tell of a request that got no answer. A transport that is not known to call them may have
// sent a request that they did not see.
func (j *journey) fate(traced bool) providers.Fate {
	switch s := j.stage.Load(); {
	case s == waiting, s == unseen && traced:
		return providers.NotSent
	default:
		return providers.Unknown
	}
}
