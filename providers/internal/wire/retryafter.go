package wire

import (
	"net/http"
	"strings"
	"time"
)

// longestWait bounds what an upstream can ask for, so that a senseless header does not overflow.
const longestWait = 24 * time.Hour

// retryAfter reads retry-after-ms (milliseconds), or else Retry-After (seconds, or a date). A date is measured against
// the answer's own Date where it has one: the upstream's clock and ours may differ. It is 0 without either.
func retryAfter(h http.Header) time.Duration {
	if d, ok := amount(h.Get("Retry-After-Ms"), "ms"); ok {
		return d
	}
	v := h.Get("Retry-After")
	if d, ok := amount(v, "s"); ok {
		return d
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(at.Sub(now), 0), longestWait)
}

func amount(v, unit string) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if strings.Trim(v, ".") == "" || strings.Trim(v, "0123456789.") != "" || strings.Count(v, ".") > 1 {
		return 0, false
	}
	d, err := time.ParseDuration(v + unit)
	if err != nil { // a number that is too large is the only thing left to go wrong
		return longestWait, true
	}
	return min(d, longestWait), true
}
