// Package usage says what one provider call measured, in classes that do not overlap.
//
// It is a leaf: ledger, registry and providers share it and it imports none of them. A [Usage] is a plain
// value; copy it freely and share it between goroutines as long as nobody writes to it.
package usage

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// ErrInvalid is returned for a usage that cannot be true: a negative count, or a sum beyond an int64.
var ErrInvalid = errors.New("invalid usage")

// Count is a measured number of units. The zero Count is unknown, which is not the same as zero: an unknown
// class cannot be priced, a zero class costs nothing.
type Count struct {
	N     int64 // units; meaningful only if Known
	Known bool
}

// Exactly returns a known count of n units.
func Exactly(n int64) Count { return Count{N: n, Known: true} }

// IsZero reports whether the count is unknown; it is what `json:",omitzero"` asks.
func (c Count) IsZero() bool { return !c.Known }

// MarshalJSON writes a number, or null if the count is unknown.
func (c Count) MarshalJSON() ([]byte, error) {
	if !c.Known {
		return []byte("null"), nil
	}
	return json.Marshal(c.N)
}

// UnmarshalJSON reads a number, or null for an unknown count.
func (c *Count) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = Count{}
		return nil
	}
	var n int64
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*c = Exactly(n)
	return nil
}

// Usage is what one call (or, after [Usage.Add], one operation) measured. The classes are disjoint: their sum is
// everything that was used, so a provider that reports cached tokens as a part of its prompt tokens is
// translated by its adapter. Tokens and pictures are counted in units, never in thousands.
type Usage struct {
	Input            Count `json:"input,omitzero"`              // text tokens read, neither cached nor written to a cache
	CachedInput      Count `json:"cached_input,omitzero"`       // text tokens read from the provider's cache
	CacheWrite       Count `json:"cache_write,omitzero"`        // text tokens written to the provider's cache
	ImageInput       Count `json:"image_input,omitzero"`        // image tokens read, not cached
	CachedImageInput Count `json:"cached_image_input,omitzero"` // image tokens read from the provider's cache
	Output           Count `json:"output,omitzero"`             // text tokens of the visible answer, rejected predictions included
	Reasoning        Count `json:"reasoning,omitzero"`          // tokens of hidden reasoning
	ImageOutput      Count `json:"image_output,omitzero"`       // image tokens produced
	Images           Count `json:"images,omitzero"`             // pictures delivered
}

// Tokens returns a usage of plain input and output tokens.
func Tokens(input, output int64) Usage {
	return Usage{Input: Exactly(input), Output: Exactly(output)}
}

// Images returns a usage of n delivered pictures.
func Images(n int64) Usage { return Usage{Images: Exactly(n)} }

// IsZero reports whether nothing at all is known.
func (u Usage) IsZero() bool { return u == Usage{} }

func (u *Usage) classes() [9]*Count {
	return [9]*Count{&u.Input, &u.CachedInput, &u.CacheWrite, &u.ImageInput, &u.CachedImageInput,
		&u.Output, &u.Reasoning, &u.ImageOutput, &u.Images}
}

// Classes returns the counts of all classes, in the order of the fields.
func (u Usage) Classes() [9]Count {
	return [9]Count{u.Input, u.CachedInput, u.CacheWrite, u.ImageInput, u.CachedImageInput, u.Output, u.Reasoning, u.ImageOutput, u.Images}
}

// Validate returns an error that matches [ErrInvalid] if a known count is negative or the tokens do not fit an int64.
func (u Usage) Validate() error {
	for _, c := range u.classes() {
		if c.Known && c.N < 0 {
			return fmt.Errorf("usage: count %d: %w", c.N, ErrInvalid)
		}
	}
	_, _, err := u.TokenSums()
	return err
}

// TokenSums returns the tokens read and the tokens produced, over all known token classes.
// It returns an error that matches [ErrInvalid] if a sum does not fit an int64.
func (u Usage) TokenSums() (input, output int64, err error) {
	if input, err = sum(u.Input, u.CachedInput, u.CacheWrite, u.ImageInput, u.CachedImageInput); err != nil {
		return 0, 0, err
	}
	if output, err = sum(u.Output, u.Reasoning, u.ImageOutput); err != nil {
		return 0, 0, err
	}
	if _, err = sum(Exactly(input), Exactly(output)); err != nil {
		return 0, 0, err
	}
	return input, output, nil
}

// Add returns the sum by class. A class known on one side only keeps that side's count: it was not a part of
// the other call. Add returns an error that matches [ErrInvalid] if a class does not fit an int64.
func (u Usage) Add(v Usage) (Usage, error) {
	out := u
	for i, c := range out.classes() {
		d := *v.classes()[i]
		if !d.Known {
			continue
		}
		n, err := sum(*c, d)
		if err != nil {
			return Usage{}, err
		}
		*c = Exactly(n)
	}
	return out, nil
}

// Saturated returns the sum by class as Add does, with the largest count there is in place of one that does not fit.
func (u Usage) Saturated(v Usage) Usage {
	out := u
	for i, c := range out.classes() {
		if d := *v.classes()[i]; d.Known {
			n, err := sum(*c, d)
			if err != nil {
				n = math.MaxInt64
			}
			*c = Exactly(n)
		}
	}
	return out
}

func sum(counts ...Count) (int64, error) {
	var total int64
	for _, c := range counts {
		if !c.Known {
			continue
		}
		if c.N < 0 || total > math.MaxInt64-c.N {
			return 0, fmt.Errorf("usage: sum %d + %d: %w", total, c.N, ErrInvalid)
		}
		total += c.N
	}
	return total, nil
}
