package openaiwire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// DefaultBaseURL is OpenAI's own service.
const DefaultBaseURL = "https://api.openai.com/v1"

// CheckHeaderValue returns an error that names the field if a configured value cannot be sent in a header.
func CheckHeaderValue(field, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return errors.New(field + " has a character that a header cannot carry")
	}
	return nil
}

// CheckKeyHeader returns an error if the name of the header that carries the key is none, or is that of another header.
// The empty name is the default.
func CheckKeyHeader(name string) error {
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return errors.New("KeyHeader is not the name of a header")
	}
	switch name = http.CanonicalHeaderKey(name); name {
	case contentType, clientRequestID, organizationID, projectID, "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer":
		return fmt.Errorf("KeyHeader is %s, which carries something else", name)
	}
	return nil
}
