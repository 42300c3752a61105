package openai

import (
	"math"

	"github.com/scrip-go/scrip/usage"
)

// usageReport is usage as the wire has it: the details are parts of the counts above them, so reasoning and rejected
// predictions are in completion_tokens, and cached tokens are in prompt_tokens.
type usageReport struct {
	Prompt     *int64 `json:"prompt_tokens"`
	Completion *int64 `json:"completion_tokens"`
	Total      *int64 `json:"total_tokens"`

	PromptDetails struct {
		Cached     *int64 `json:"cached_tokens"`
		CacheWrite *int64 `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		Reasoning *int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// classes translates the report to disjoint classes. sound is false if a count is missing or negative, a part is
// larger than its whole, or the total is another one; the usage then has what can be told apart.
func (r *usageReport) classes() (u usage.Usage, sound bool) {
	if r == nil {
		return usage.Usage{}, false
	}
	var in, out bool
	u.Input, u.CachedInput, u.CacheWrite, in = split(r.Prompt, r.PromptDetails.Cached, r.PromptDetails.CacheWrite)
	u.Output, u.Reasoning, _, out = split(r.Completion, r.CompletionDetails.Reasoning, nil)
	if !in || !out || *r.Prompt > math.MaxInt64-*r.Completion {
		return u, false
	}
	return u, r.Total == nil || *r.Total == *r.Prompt+*r.Completion
}

// split takes the parts out of a whole. If they do not fit, all of the whole is the rest.
func split(whole, a, b *int64) (rest, first, second usage.Count, ok bool) {
	if whole == nil || *whole < 0 {
		return rest, first, second, false
	}
	n := *whole
	for _, part := range []struct {
		n  *int64
		to *usage.Count
	}{{a, &first}, {b, &second}} {
		if part.n == nil {
			continue
		}
		if *part.n < 0 || *part.n > n {
			return usage.Exactly(*whole), usage.Count{}, usage.Count{}, false
		}
		n -= *part.n
		*part.to = usage.Exactly(*part.n)
	}
	return usage.Exactly(n), first, second, true
}
