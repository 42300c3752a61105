package openai

import (
	"math"
	"strconv"

	"github.com/scrip-go/scrip/usage"
)

// usageReport is usage as the wire has it: the details are parts of the counts above them, so reasoning and rejected
// predictions are in completion_tokens, and cached tokens are in prompt_tokens.
type usageReport struct {
	Prompt     count `json:"prompt_tokens"`
	Completion count `json:"completion_tokens"`
	Total      count `json:"total_tokens"`

	PromptDetails struct {
		Cached     count `json:"cached_tokens"`
		CacheWrite count `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		Reasoning count `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// count is a number of tokens; one that is null or missing is not known. It is no pointer, because those of an answer
// would be as many allocations.
type count struct {
	n     int64
	known bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *count) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	*c = count{n, err == nil}
	return err
}

// classes translates the report to disjoint classes. sound is false if a count is missing or negative, a part is
// larger than its whole, or the total is another one; the usage then has what can be told apart.
func (r *usageReport) classes() (u usage.Usage, sound bool) {
	var in, out bool
	u.Input, u.CachedInput, u.CacheWrite, in = split(r.Prompt, r.PromptDetails.Cached, r.PromptDetails.CacheWrite)
	u.Output, u.Reasoning, _, out = split(r.Completion, r.CompletionDetails.Reasoning, count{})
	if !in || !out {
		return u, false
	}
	if r.Prompt.n > math.MaxInt64-r.Completion.n {
		return usage.Usage{}, false
	}
	return u, !r.Total.known || r.Total.n == r.Prompt.n+r.Completion.n
}

// split takes the parts out of a whole. If they do not fit, all of the whole is the rest.
func split(whole, a, b count) (rest, first, second usage.Count, ok bool) {
	if !whole.known || whole.n < 0 {
		return rest, first, second, false
	}
	n := whole.n
	for _, part := range []struct {
		count
		to *usage.Count
	}{{a, &first}, {b, &second}} {
		if !part.known {
			continue
		}
		if part.n < 0 || part.n > n {
			return usage.Exactly(whole.n), usage.Count{}, usage.Count{}, false
		}
		n -= part.n
		*part.to = usage.Exactly(part.n)
	}
	return usage.Exactly(n), first, second, true
}
