package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// FaultKind names something that goes wrong.
type FaultKind string

// The kinds of fault. Each says whether the request runs and is billed.
const (
	Status401   FaultKind = "status401"     // the key is refused; not billed
	Status403   FaultKind = "status403"     // the key may not do this; not billed
	Status429   FaultKind = "status429"     // too many requests, with RetryAfter; not billed
	Status500   FaultKind = "status500"     // the upstream failed; not billed
	Status502   FaultKind = "status502html" // a gateway's HTML page; not billed
	Status503   FaultKind = "status503"     // overloaded, with RetryAfter; not billed
	Quota       FaultKind = "quota"         // the upstream's account is empty; not billed
	Redirect    FaultKind = "redirect"      // a 302 to /elsewhere; not billed
	DropBefore  FaultKind = "dropBefore"    // the connection is closed and nothing runs; not billed
	DropAfter   FaultKind = "dropAfter"     // it runs, then the connection is closed without an answer; billed
	CutBody     FaultKind = "cutBody"       // half of the answer, then the connection is closed; billed
	Slow        FaultKind = "slow"          // Delay before the headers; billed
	SlowBody    FaultKind = "slowBody"      // the headers at once, then the body drips for Delay; billed
	HugeBody    FaultKind = "hugeBody"      // 200 with a gigabyte of blanks, generated; billed
	GzipBomb    FaultKind = "gzipBomb"      // 200 with gigabytes of blanks in a few megabytes of gzip; billed
	EmptyBody   FaultKind = "emptyBody"     // 200 with nothing; billed
	WrongType   FaultKind = "wrongType"     // the right answer, announced as text/html; billed
	Twice       FaultKind = "twice"         // the right answer, and then the same again in one body; billed
	InvalidBody FaultKind = "invalidBody"   // 200 with a body that is not JSON; billed
	ErrorIn200  FaultKind = "errorIn200"    // 200 with an error object; billed
	Refusal     FaultKind = "refusal"       // text: the model refuses, billed; pictures: the prompt is blocked, not billed
	NotJSON     FaultKind = "notJSON"       // text: the completion is prose; billed
	WrongShape  FaultKind = "wrongShape"    // text: the completion is JSON of another schema; billed
	Length      FaultKind = "length"        // text: the completion stops halfway at the token limit; billed
	NoUsage     FaultKind = "noUsage"       // the answer has no usage, Runware's no cost; billed
	AbsurdUsage FaultKind = "absurdUsage"   // the answer's usage does not add up; billed
	ExcessUsage FaultKind = "excessUsage"   // text: usage that adds up and is ten times the bound; billed
	BadPicture  FaultKind = "badPicture"    // the picture cannot be decoded; billed
)

// kinds says on which routes a kind means something, in the order of the constants.
var kinds = []struct {
	kind   FaultKind
	routes []string
}{
	{Status401, everywhere}, {Status403, everywhere}, {Status429, everywhere}, {Status500, everywhere}, {Status502, everywhere},
	{Status503, everywhere}, {Quota, everywhere}, {Redirect, everywhere}, {DropBefore, everywhere}, {DropAfter, everywhere},
	{CutBody, everywhere}, {Slow, everywhere}, {SlowBody, everywhere}, {HugeBody, everywhere}, {GzipBomb, everywhere},
	{EmptyBody, everywhere}, {WrongType, everywhere}, {Twice, everywhere}, {InvalidBody, everywhere},
	{ErrorIn200, billed}, {Refusal, billed},
	{NotJSON, []string{RouteText}}, {WrongShape, []string{RouteText}}, {Length, []string{RouteText}},
	{NoUsage, billed}, {AbsurdUsage, []string{RouteText, RouteImage}}, {ExcessUsage, []string{RouteText}},
	{BadPicture, []string{RouteImage, RouteRunware, RouteFile}},
}

var (
	billed     = []string{RouteText, RouteImage, RouteRunware}
	everywhere = []string{RouteText, RouteImage, RouteRunware, RoutePoll, RouteFile}
)

// Kinds returns every kind of fault, so that a table of them misses none.
func Kinds() []FaultKind {
	all := make([]FaultKind, len(kinds))
	for i, k := range kinds {
		all[i] = k.kind
	}
	return all
}

// Routes returns the routes on which the kind means something, none if there is no such kind.
func (k FaultKind) Routes() []string {
	for _, known := range kinds {
		if known.kind == k {
			return slices.Clone(known.routes)
		}
	}
	return nil
}

// Fault is a rule: what goes wrong, and for which requests. The zero fields choose every request of the routes.
type Fault struct {
	Kind  FaultKind
	Route string // one of the Route constants; if empty, those of text, image and runware on which Kind means something
	After int    // lets this many requests pass first
	Every int    // then strikes the first of every so many; 0 and 1 mean each
	Count int    // strikes this many times in all; 0 is for ever
	// Probability strikes with this chance, in percent, drawn from a generator seeded with Seed; 0 means always.
	Probability int
	Seed        uint64
	RetryAfter  time.Duration // what status429 and status503 ask the caller to wait; no header if 0
	Delay       time.Duration // how long slow waits and slowBody drips; a Runware task that runs is at work for as long, whatever the kind
}

// faultJSON is a Fault on the wire, with durations as people write them.
type faultJSON struct {
	Kind        FaultKind `json:"kind"`
	Route       string    `json:"route,omitempty"`
	After       int       `json:"after,omitempty"`
	Every       int       `json:"every,omitempty"`
	Count       int       `json:"count,omitempty"`
	Probability int       `json:"probability,omitempty"`
	Seed        uint64    `json:"seed,omitempty"`
	RetryAfter  string    `json:"retry_after,omitempty"`
	Delay       string    `json:"delay,omitempty"`
}

// MarshalJSON writes the rule with snake-case names and its durations as texts such as "1.5s".
func (f Fault) MarshalJSON() ([]byte, error) {
	j := faultJSON{f.Kind, f.Route, f.After, f.Every, f.Count, f.Probability, f.Seed, "", ""}
	if f.RetryAfter != 0 {
		j.RetryAfter = f.RetryAfter.String()
	}
	if f.Delay != 0 {
		j.Delay = f.Delay.String()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var j faultJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*f = Fault{j.Kind, j.Route, j.After, j.Every, j.Count, j.Probability, j.Seed, 0, 0}
	return errors.Join(parse(j.RetryAfter, &f.RetryAfter), parse(j.Delay, &f.Delay))
}

func parse(s string, d *time.Duration) (err error) {
	if s != "" {
		*d, err = time.ParseDuration(s)
	}
	return err
}

func (f Fault) validate() error {
	routes := f.Kind.Routes()
	switch {
	case routes == nil:
		return fmt.Errorf("unknown kind %q", f.Kind)
	case f.Route != "" && !slices.Contains(routes, f.Route):
		return fmt.Errorf("kind %q has no meaning on route %q", f.Kind, f.Route)
	case f.After < 0, f.Every < 0, f.Count < 0, f.RetryAfter < 0, f.Delay < 0, f.Probability < 0, f.Probability > 100:
		return fmt.Errorf("kind %q: a number is out of range", f.Kind)
	}
	return nil
}

func (f Fault) concerns(route string) bool {
	if f.Route != "" {
		return f.Route == route
	}
	return slices.Contains(billed, route) && slices.Contains(f.Kind.Routes(), route)
}
