package providers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scrip-go/scrip/usage"
)

// Fate says whether the upstream ran a request, which decides whether it may be sent again.
type Fate string

// The fates of an attempt. An attempt that is still open has the empty fate.
const (
	// NotSent: the request never left. It may be sent again freely.
	NotSent Fate = "not_sent"
	// Rejected: the upstream refused it and billed nothing. Only RateLimited and Overloaded are worth a retry.
	Rejected Fate = "rejected"
	// Executed: it ran and is billed, whether or not the answer was of use.
	Executed Fate = "executed"
	// Unknown: it may have run, we cannot tell.
	Unknown Fate = "unknown"
)

// Kind says what went wrong. Each Kind is an error, so errors.Is(err, providers.RateLimited) works on any error chain.
type Kind string

// The kinds of error.
const (
	RateLimited    Kind = "rate_limited"     // too many requests; try later
	Quota          Kind = "quota"            // the provider's own account is out of money or over its limit
	Auth           Kind = "auth"             // the key is refused
	Permission     Kind = "permission"       // the key may not do this
	Invalid        Kind = "invalid"          // the request is wrong
	ContextTooLong Kind = "context_too_long" // the request does not fit the model
	Blocked        Kind = "blocked"          // content policy, or the model refused
	NotFound       Kind = "not_found"        // no such model or route
	Unsupported    Kind = "unsupported"      // the adapter or the model cannot do this
	Overloaded     Kind = "overloaded"       // the upstream is too busy; try later
	Upstream       Kind = "upstream"         // the upstream failed
	Network        Kind = "network"          // the connection failed
	Timeout        Kind = "timeout"          // no answer in time
	Canceled       Kind = "canceled"         // the caller's context ended
	Malformed      Kind = "malformed"        // an answer that cannot be understood
	Incomplete     Kind = "incomplete"       // a cut answer, or one that stopped at the token limit
)

// Error implements error; a Kind is a sentinel for errors.Is.
func (k Kind) Error() string { return strings.ReplaceAll(string(k), "_", " ") }

// Error is the one error of every adapter. It holds nothing of the request: no key, no header, no prompt; and
// nothing free-form of the answer, because upstreams quote requests in their messages. It is a value to read; do not
// write to one that others can see.
//
// Where an answer has a code of the upstream's own beside its HTTP status, the code has the Kind, and the more careful of
// the two has the Fate: behind a 500 a request may have run, whatever the code says.
type Error struct {
	Provider   string        // the provider's name
	Kind       Kind          // what went wrong
	Fate       Fate          // whether it ran
	Status     int           // HTTP status of the answer, a 200 too; 0 only if there was no answer
	Code       string        // the upstream's own code, an identifier, see [Identifier]; may be empty
	Param      string        // the field the upstream complained about, an identifier; may be empty
	Detail     string        // what the adapter has to add, in the adapter's own words
	RequestID  string        // the upstream's id of the request, from whatever answer has one; may be empty
	RetryAfter time.Duration // how long the upstream asks to wait; 0 if it did not say
	Usage      usage.Usage   // what is known to have been used, when Fate is Executed
	Cause      error         // only context and io sentinels; never an error that holds a request
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Provider, e.Kind.Error())
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d", e.Status)
		if e.Code != "" {
			fmt.Fprintf(&b, ", code %s", e.Code)
		}
		if e.Param != "" {
			fmt.Fprintf(&b, ", field %s", e.Param)
		}
		if e.RequestID != "" {
			fmt.Fprintf(&b, ", request %s", e.RequestID)
		}
		b.WriteByte(')')
	}
	return b.String()
}

// Is reports whether target is the error's Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// Retryable reports whether the same request may be sent again, as a new attempt, after RetryAfter: it never ran,
// and there is hope that it will be taken next time. An Unknown fate is not retryable here: what to do about it is
// the engine's policy.
func (e *Error) Retryable() bool {
	switch e.Fate {
	case NotSent:
		return e.Kind == Network || e.Kind == Timeout
	case Rejected:
		return e.Kind == RateLimited || e.Kind == Overloaded
	default:
		return false
	}
}

// AsError returns the *Error in err's chain. If there is none, an adapter broke its contract, and the call's fate
// must be taken as unknown: AsError says so with an Upstream error that does not show err's text.
func AsError(provider string, err error) *Error {
	var e *Error
	if errors.As(err, &e) && e != nil {
		return e
	}
	return &Error{Provider: provider, Kind: Upstream, Fate: Unknown, Detail: fmt.Sprintf("the adapter returned a %T instead of a *providers.Error", err)}
}

// Identifier returns s if it is an identifier of an upstream (a code, a field's name, a request id: at most 100 of
// letters, digits and _ - . : [ ]) that does not contain one of the secrets, and "" otherwise. It is how an adapter
// keeps free text out of an [Error].
func Identifier(s string, secrets ...string) string {
	if len(s) > 100 {
		return ""
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case strings.ContainsRune("_-.:[]", r):
		default:
			return ""
		}
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(s, secret) {
			return ""
		}
	}
	return s
}
