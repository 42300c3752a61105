package wordpress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/scrip-go/scrip/automation/content"
)

// Error is a request that the site refused, or did not answer. It matches one of [content.ErrSiteRefuses],
// [content.ErrSiteUnavailable] and [content.ErrPostRefused], and holds nothing of the credentials.
type Error struct {
	Method, Route string
	Status        int    // of the answer; 0 if there was none
	Code          string // WordPress's own, such as "rest_cannot_create"; may be empty
	Detail        string
	mark          error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Method, e.Route)
	if e.Status != 0 {
		fmt.Fprintf(&b, "status %d: ", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, "%s: ", e.Code)
	}
	return b.String() + e.Detail
}

// Unwrap returns what the error means for the run: a mark of package content.
func (e *Error) Unwrap() error { return e.mark }

// refused is a site that every post would meet the same way.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", content.ErrSiteRefuses, fmt.Sprintf(format, args...))
}

// unanswered is a request of which nobody knows whether it happened. The transport's error names the address, and what else
// it says is not worth the risk of what is in it.
func (r request) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	detail := "there is no answer"
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		detail = "there is no answer in time"
	}
	return &Error{Method: r.method, Route: r.route, Detail: detail, mark: content.ErrSiteUnavailable}
}

// failed is an answer that is not the one asked for.
func (r request) failed(status int, code, message string) error {
	e := &Error{Method: r.method, Route: r.route, Status: status, Code: short(code), Detail: short(message)}
	switch {
	case status/100 == 3:
		e.mark, e.Detail = content.ErrSiteRefuses, "the site sends requests elsewhere: set URL to the address that its home page has in the end"
	case code == "rest_upload_sideload_error", status == http.StatusRequestEntityTooLarge: // the first is a type of file that it does not take
		e.mark = content.ErrPostRefused
	case status == http.StatusUnauthorized, status == http.StatusForbidden, code == "rest_no_route":
		e.mark = content.ErrSiteRefuses
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status == http.StatusNotFound, status/100 == 5:
		e.mark = content.ErrSiteUnavailable // what is not found was deleted a moment ago, and the next try looks again
	default:
		e.mark = content.ErrPostRefused
	}
	return e
}

// short is a text of the site's as it may be shown: one line, and not a long one.
func short(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return text
}
