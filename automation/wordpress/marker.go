package wordpress

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/scrip-go/scrip/automation/content"
)

// marker names a key for a search: one word, of which no key is a part of another's.
func marker(key string) string { return "scrip-" + digest("post", key) }

// comment is how a post carries its marker.
func comment(key string) string { return "\n<!-- " + marker(key) + " -->" }

// pictureMarker names a picture of a post. Another picture in its place has another one.
func pictureMarker(key string, img content.PostImage) string {
	return "scrip-" + digest("picture", key, string(img.Type), fmt.Sprint(img.Ordinal), img.Blob.SHA256)
}

// digest tells lists of texts apart.
func digest(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}
