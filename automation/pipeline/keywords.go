package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/automation/content"
	"github.com/scrip-go/scrip/engine/functions"
)

// Keyword is a keyword as a host has it.
type Keyword struct {
	Text       string
	Volume     *int64 // searches per month, if known
	Difficulty *int64 // 0 to 100, if known
}

// maxKeywordLength bounds a keyword, in bytes; a longer text is no search query.
const maxKeywordLength = 500

// AddKeywords puts keywords into a site, in order. A text that the site has already, in any case or spacing, is left as
// it is. It returns how many were added. All mistakes are found before the first is stored. Errors: ErrInvalid.
func (p *Pipeline) AddKeywords(ctx context.Context, site string, keywords []Keyword) (added int, err error) {
	seen := map[string]bool{}
	var rows []content.Keyword
	for i, k := range keywords {
		text := strings.Join(strings.Fields(k.Text), " ")
		switch {
		case text == "":
			return 0, fmt.Errorf("pipeline: keyword %d: %w: it is empty", i+1, ErrInvalid)
		case len(text) > maxKeywordLength:
			return 0, fmt.Errorf("pipeline: keyword %d: %w: it has %d bytes, at most %d are allowed", i+1, ErrInvalid, len(text), maxKeywordLength)
		}
		id := content.NewID(site, "keyword", content.Fold(text))
		if seen[id] {
			continue
		}
		seen[id] = true
		rows = append(rows, content.Keyword{Base: content.Base{ID: id, Site: site, Position: int64(i + 1), Status: content.New},
			Text: text, Volume: k.Volume, Difficulty: k.Difficulty})
	}
	known := map[string]bool{}
	for k, err := range p.cfg.Content.Keywords().List(ctx, content.Query{Site: site}) {
		if err != nil {
			return 0, err
		}
		known[k.ID] = true
	}
	fresh := rows[:0]
	for _, row := range rows {
		if !known[row.ID] {
			row.Position += int64(len(known))
			fresh = append(fresh, row)
		}
	}
	if len(fresh)+len(known) < functions.MinKeywords {
		return 0, fmt.Errorf("pipeline: %w: %d keywords, want at least %d to group", ErrInvalid, len(fresh)+len(known), functions.MinKeywords)
	}
	return len(fresh), p.cfg.Content.Keywords().Save(ctx, fresh...)
}

// batches divides n keywords into nearly equal parts of at most size, so that no part falls below what can be grouped.
func batches(n, size int64) []int64 {
	out := make([]int64, parts(n, size))
	for i := range out {
		out[i] = n / int64(len(out))
		if int64(i) < n%int64(len(out)) {
			out[i]++
		}
	}
	return out
}
