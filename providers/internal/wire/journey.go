package wire

import (
	"net/http/httptrace"
	"sync/atomic"

	"github.com/scrip-go/scrip/providers"
)

// journey follows one request to the upstream. The transport calls its hooks from goroutines of its own, some of
// them after the call returned.
type journey struct{ stage atomic.Int32 }

const (
	unseen   = iota // no hook was called
	waiting         // for a connection
	written         // the headers went into the connection's buffer, or further
	answered        // an answer began
)

func (j *journey) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
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
