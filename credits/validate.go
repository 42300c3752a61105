package credits

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/shopspring/decimal"
)

// MaxName is how many bytes the name of an operation, a provider, a model, a cap or an attempt may have.
const MaxName = 200

// What other names may have at most, in bytes. A database has to keep several of all of them in one key of an index.
const (
	maxAccount = 200
	maxKey     = 400
	maxScope   = 400
)

// lastYear is the last one of which every store can keep a time: later ones are another time in some of them.
const lastYear = 9999

// maxDigits bounds a price in either direction. One that is short in JSON may be a gigabyte of digits (1e999999999).
const maxDigits = 200

// Keepable reports whether a price is one that every store can keep: of at most 200 digits, and at most as many places
// before and behind its point.
func Keepable(price decimal.Decimal) bool { return priceable("", price) == "" }

// priceable returns why a price cannot be kept.
func priceable(what string, d decimal.Decimal) string {
	switch {
	case d.Exponent() < -maxDigits || d.Exponent() > maxDigits:
		return fmt.Sprintf("%s has the exponent %d", what, d.Exponent())
	case d.NumDigits() > maxDigits:
		return fmt.Sprintf("%s has %d digits, at most %d are kept", what, d.NumDigits(), maxDigits)
	}
	return ""
}

// Validate returns an error that matches [ErrInvalid] for a name that no account can have: an empty one, and one of more
// than 200 bytes.
func (a Account) Validate() error { return a.validate("account") }

func (a Account) validate(act string) error {
	switch {
	case a == "":
		return fmt.Errorf("credits: %s: %w: the account is empty", act, ErrInvalid)
	case len(a) > maxAccount:
		return fmt.Errorf("credits: %s: %w: the account has %d bytes, at most %d are allowed", act, ErrInvalid, len(a), maxAccount)
	}
	return nil
}

func (r Ref) validate(act string) error {
	if err := r.Account.validate(act); err != nil {
		return err
	}
	switch {
	case r.Key == "":
		return fmt.Errorf("credits: %s: account %q: %w: the key is empty", act, r.Account, ErrInvalid)
	case len(r.Key) > maxKey:
		return fmt.Errorf("credits: %s: account %q: %w: the key has %d bytes, at most %d are allowed", act, r.Account, ErrInvalid, len(r.Key), maxKey)
	}
	return nil
}

// names returns why an operation and its scope cannot be kept.
func names(operation, scope string) string {
	switch {
	case operation == "":
		return "the operation is empty"
	case len(operation) > MaxName:
		return fmt.Sprintf("the operation has %d bytes, at most %d are allowed", len(operation), MaxName)
	case len(scope) > maxScope:
		return fmt.Sprintf("the scope has %d bytes, at most %d are allowed", len(scope), maxScope)
	}
	return ""
}

// validate returns why what a charge was for cannot be kept.
func (r *UsageRecord) validate(act string, ref Ref) error {
	switch {
	case len(r.Provider) > MaxName:
		return fail(act, ref.Account, ref.Key, ErrInvalid, fmt.Sprintf("the record's provider has %d bytes, at most %d are allowed", len(r.Provider), MaxName))
	case len(r.Model) > MaxName:
		return fail(act, ref.Account, ref.Key, ErrInvalid, fmt.Sprintf("the record's model has %d bytes, at most %d are allowed", len(r.Model), MaxName))
	case len(r.Attempt) > MaxName:
		return fail(act, ref.Account, ref.Key, ErrInvalid, fmt.Sprintf("the record's attempt has %d bytes, at most %d are allowed", len(r.Attempt), MaxName))
	}
	if why := cmp.Or(r.Shadow.invalid(), priceable("the exact price", r.Exact), priceable("the cost", r.Cost),
		priceable("the reported cost", r.ReportedCost.Decimal)); why != "" {
		return fail(act, ref.Account, ref.Key, ErrInvalid, why)
	}
	if err := r.Usage.Validate(); err != nil {
		return fail(act, ref.Account, ref.Key, ErrInvalid, err.Error())
	}
	return nil
}

func (h Holder) validate(act string, ref Ref) error {
	switch {
	case h.ID == "":
		return fail(act, ref.Account, ref.Key, ErrInvalid, "the holder's ID is empty")
	case h.Fence < 0:
		return fail(act, ref.Account, ref.Key, ErrInvalid, fmt.Sprintf("the fence is %d", h.Fence))
	case h.Lease <= 0:
		return fail(act, ref.Account, ref.Key, ErrInvalid, fmt.Sprintf("the lease is %s", h.Lease))
	}
	return nil
}

func (a Attempt) validate(act string, ref Ref, finished bool) error {
	switch {
	case a.ID == "":
		return fail(act, ref.Account, ref.Key, ErrInvalid, "the attempt has no id")
	case len(a.ID) > MaxName:
		return fail(act, ref.Account, ref.Key, ErrInvalid, fmt.Sprintf("the attempt's id has %d bytes, at most %d are allowed", len(a.ID), MaxName))
	case finished && a.Fate == "":
		return fail(act, ref.Account, ref.Key, ErrInvalid, "the attempt has no fate")
	}
	if why := cmp.Or(priceable("the attempt's cost", a.Cost.Decimal), priceable("the attempt's reported cost", a.ReportedCost.Decimal)); why != "" {
		return fail(act, ref.Account, ref.Key, ErrInvalid, why)
	}
	if err := a.Usage.Validate(); err != nil {
		return fail(act, ref.Account, ref.Key, ErrInvalid, err.Error())
	}
	return nil
}

// Validate implements [Op].
func (g Grant) Validate() error {
	if err := g.Ref().validate("grant"); err != nil {
		return err
	}
	if g.Amount <= 0 {
		return fail("grant", g.Account, g.Key, ErrInvalid, fmt.Sprintf("the amount is %d, want at least 1", g.Amount))
	}
	switch g.Kind {
	case Plan, Purchase, Bonus, Promo:
	default:
		return fail("grant", g.Account, g.Key, ErrInvalid, fmt.Sprintf("unknown kind %.40q", g.Kind))
	}
	if year := g.ExpiresAt.UTC().Year(); year > lastYear {
		return fail("grant", g.Account, g.Key, ErrInvalid, fmt.Sprintf("it expires in the year %d: leave the time out for never", year))
	}
	if g.Renew && g.Kind != Plan {
		return fail("grant", g.Account, g.Key, ErrInvalid, fmt.Sprintf("only plan credits are renewed, not %s", g.Kind))
	}
	return nil
}

func validateAct(act string, ref Ref, who, why string) error {
	if err := ref.validate(act); err != nil {
		return err
	}
	if strings.TrimSpace(who) == "" || strings.TrimSpace(why) == "" {
		return fail(act, ref.Account, ref.Key, ErrInvalid, "who and why must be set")
	}
	return nil
}

// Validate implements [Op].
func (r Adjust) Validate() error {
	if err := validateAct("adjust", r.Ref(), r.Who, r.Why); err != nil {
		return err
	}
	if r.Amount == 0 || r.Amount == math.MinInt64 {
		return fail("adjust", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the amount is %d", r.Amount))
	}
	return nil
}

// Validate implements [Op].
func (r Refund) Validate() error {
	if err := validateAct("refund", r.Ref(), r.Who, r.Why); err != nil {
		return err
	}
	if err := (Ref{r.Account, r.Charge}).validate("refund a charge"); err != nil {
		return err
	}
	switch {
	case r.Charge == r.Key:
		return fail("refund", r.Account, r.Key, ErrInvalid, "a refund has a key of its own, not its charge's")
	case r.Amount <= 0:
		return fail("refund", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the amount is %d, want at least 1", r.Amount))
	}
	return nil
}

// Validate implements [Op].
func (r Charge) Validate() error {
	if err := r.Ref().validate("charge"); err != nil {
		return err
	}
	if why := names(r.Operation, r.Scope); why != "" {
		return fail("charge", r.Account, r.Key, ErrInvalid, why)
	}
	switch {
	case r.Amount <= 0:
		return fail("charge", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the amount is %d, want at least 1", r.Amount))
	case r.Record.Attempt != "":
		return fail("charge", r.Account, r.Key, ErrInvalid, "the record names an attempt: a charge has none, as nothing is dispatched under it")
	case len(r.Result) > MaxResult:
		return fail("charge", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the result has %d bytes, at most %d are kept", len(r.Result), MaxResult))
	}
	return r.Record.validate("charge", r.Ref())
}

// Validate implements [Op].
func (r HoldRequest) Validate() error {
	ref := r.Ref()
	if err := ref.validate("hold"); err != nil {
		return err
	}
	if err := r.Holder.validate("hold", ref); err != nil {
		return err
	}
	if why := names(r.Operation, r.Scope); why != "" {
		return fail("hold", r.Account, r.Key, ErrInvalid, why)
	}
	switch {
	case r.Amount <= 0:
		return fail("hold", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the amount is %d, want at least 1", r.Amount))
	case r.TTL < r.Holder.Lease:
		return fail("hold", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the TTL %s is shorter than the lease %s", r.TTL, r.Holder.Lease))
	}
	if r.First.ID != "" {
		return r.First.validate("hold", ref, false)
	}
	return nil
}

// Validate implements [Op].
func (r ExtendRequest) Validate() error {
	ref := r.Ref()
	if err := ref.validate("extend"); err != nil {
		return err
	}
	if err := r.Holder.validate("extend", ref); err != nil {
		return err
	}
	switch {
	case r.Total <= 0:
		return fail("extend", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the total is %d, want at least 1", r.Total))
	case r.TTL != 0 && r.TTL < r.Holder.Lease:
		return fail("extend", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the TTL %s is shorter than the lease %s", r.TTL, r.Holder.Lease))
	}
	return nil
}

// Validate implements [Op].
func (r SettleRequest) Validate() error {
	ref := r.Ref()
	if err := ref.validate("settle"); err != nil {
		return err
	}
	switch {
	case r.Amount < 0:
		return fail("settle", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the amount is %d", r.Amount))
	case len(r.Result) > MaxResult:
		return fail("settle", r.Account, r.Key, ErrInvalid, fmt.Sprintf("the result has %d bytes, at most %d are kept", len(r.Result), MaxResult))
	}
	if err := r.Record.validate("settle", ref); err != nil {
		return err
	}
	if r.Last.ID != "" {
		return r.Last.validate("settle", ref, true)
	}
	return nil
}

// Validate implements [Op].
func (r ReleaseRequest) Validate() error {
	ref := r.Ref()
	if err := ref.validate("release"); err != nil {
		return err
	}
	if err := r.Holder.validate("release", ref); err != nil {
		return err
	}
	if r.Last.ID != "" {
		return r.Last.validate("release", ref, true)
	}
	return nil
}

// Validate implements [Op].
func (r BeginRequest) Validate() error {
	ref := r.Ref()
	if err := ref.validate("begin attempt"); err != nil {
		return err
	}
	if err := r.Holder.validate("begin attempt", ref); err != nil {
		return err
	}
	return r.Attempt.validate("begin attempt", ref, false)
}

// Validate implements [Op].
func (r FinishRequest) Validate() error {
	ref := r.Ref()
	if err := ref.validate("finish attempt"); err != nil {
		return err
	}
	return r.Attempt.validate("finish attempt", ref, true)
}

// Validate implements [Op].
func (c Cap) Validate() error {
	if err := c.Account.validate("cap"); err != nil {
		return err
	}
	if c.Name == "" || len(c.Name) > MaxName {
		return failCap(c.Account, c.Name, fmt.Sprintf("the name has %d bytes, want 1 to %d", len(c.Name), MaxName))
	}
	if len(c.Operation) > MaxName || len(c.Scope) > maxScope {
		return failCap(c.Account, c.Name, fmt.Sprintf("no operation has more than %d bytes, and no scope more than %d", MaxName, maxScope))
	}
	days := 0 // among which the window's first can be chosen
	switch c.Window {
	case Ever, PerDay:
	case PerWeek:
		days = 7
	case PerMonth:
		days = 31
	default:
		return failCap(c.Account, c.Name, fmt.Sprintf("unknown window %.40q", c.Window))
	}
	switch _, err := loadZone(c.Zone); {
	case err != nil:
		return fmt.Errorf("credits: account %q: cap %.40q: %w", c.Account, c.Name, err)
	case c.FirstDay < 0 || c.FirstDay > days:
		return failCap(c.Account, c.Name, fmt.Sprintf("the first day of the window %s is %d, want 0 to %d", c.Window, c.FirstDay, days))
	case c.Limit < 0 || c.WarnAt < 0:
		return failCap(c.Account, c.Name, fmt.Sprintf("the limit is %d and the warning at %d: neither is negative", c.Limit, c.WarnAt))
	}
	return nil
}

// Validate implements [Op].
func (r RemoveCap) Validate() error {
	if err := r.Account.validate("remove a cap"); err != nil {
		return err
	}
	if r.Name == "" || len(r.Name) > MaxName {
		return failCap(r.Account, r.Name, fmt.Sprintf("the name has %d bytes, want 1 to %d", len(r.Name), MaxName))
	}
	return nil
}

// Validate implements [Op].
func (r Alert) Validate() error {
	if err := r.Account.validate("alert"); err != nil {
		return err
	}
	if r.Below < 0 {
		return fmt.Errorf("credits: alert: account %q: %w: below %d: a debt is told as soon as the balance falls below any amount", r.Account, ErrInvalid, r.Below)
	}
	return nil
}
