package wire

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/providers"
)

// CheckImage returns an error if the request breaks its own contract.
func CheckImage(provider string, r providers.ImageRequest) *providers.Error {
	switch {
	case r.Model == "":
		return Refuse(provider, "the request has no model")
	case r.Prompt == "":
		return Refuse(provider, "the request has no prompt")
	case r.N < 1:
		return Refuse(provider, fmt.Sprintf("the number of pictures is %d, want at least 1", r.N))
	case r.Width < 1 || r.Height < 1:
		return Refuse(provider, fmt.Sprintf("the size is %dx%d, want both positive", r.Width, r.Height))
	}
	switch r.Format {
	case "", providers.PNG, providers.JPEG, providers.WebP:
	default:
		return Refuse(provider, "the format is none of png, jpeg and webp")
	}
	return nil
}

// Picture returns the picture that an upstream delivered as an address, as base64 or as a data URI, whichever is not
// empty. It returns false if that is none of these.
func Picture(address, base64Data, dataURI string) (providers.Image, bool) {
	if address != "" {
		return providers.Image{URL: address}, IsURL(address)
	}
	if dataURI != "" {
		head, data, ok := strings.Cut(dataURI, ",")
		if !ok || !strings.HasPrefix(head, "data:") || !strings.HasSuffix(head, ";base64") {
			return providers.Image{}, false
		}
		base64Data = data
	}
	data, err := base64.StdEncoding.DecodeString(base64Data)
	return providers.Image{Data: data}, err == nil && len(data) > 0
}
