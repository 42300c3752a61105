package openaiwire

import (
	"errors"
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
