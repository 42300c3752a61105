package credits_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/usage"
)

func TestWhatIsWrongByItselfIsRefused(t *testing.T) {
	bad := usage.Tokens(-1, 0)
	ends := []string{`account "acme"`, `key "k"`}
	ofCap := []string{`account "acme"`, "cap "}
	from := func(day int) func(*credits.Cap) { return func(c *credits.Cap) { c.FirstDay = day } }
	for _, c := range []struct {
		rule string
		op   credits.Op
		says []string
	}{
		{"AGrantOfNothing", credits.Grant{Account: acme, Key: key, Kind: credits.Plan}, append(ends, "the amount is 0, want at least 1")},
		{"ANegativeGrant", credits.Grant{Account: acme, Key: key, Kind: credits.Plan, Amount: -1}, append(ends, "the amount is -1")},
		{"AGrantOfAnUnknownKind", credits.Grant{Account: acme, Key: key, Kind: "gift", Amount: 1}, append(ends, `unknown kind "gift"`)},
		{"ARenewalOfWhatIsNotAPlan", granted(key, 1, func(g *credits.Grant) { g.Renew = true }), append(ends, "only plan credits are renewed, not purchase")},
		{"AGrantOfARefund", granted(key, 1, ofKind(credits.Refunded)), append(ends, `unknown kind "refund"`)},
		{"AGrantOfAnAdjustment", granted(key, 1, ofKind(credits.Adjustment)), append(ends, `unknown kind "adjustment"`)},
		{"AGrantThatExpiresWhenNoStoreCanTell", granted(key, 1, func(g *credits.Grant) { g.ExpiresAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) }), append(ends, "the year 10000: leave the time out")},
		{"AGrantThatExpiresAfterAllTime", granted(key, 1, func(g *credits.Grant) { g.ExpiresAt = time.Unix(1<<60, 0) }), append(ends, "leave the time out")},
		{"AnAdjustmentOfNothing", adjust(key, 0), append(ends, "the amount is 0")},
		{"AnAdjustmentThatCannotBeNegated", adjust(key, math.MinInt64), append(ends, "the amount is -9223372036854775808")},
		{"AnAdjustmentByNobody", change(adjust(key, 1), func(r *credits.Adjust) { r.Who = " " }), append(ends, "who and why must be set")},
		{"AnAdjustmentForNoReason", change(adjust(key, 1), func(r *credits.Adjust) { r.Why = "\n" }), append(ends, "who and why must be set")},
		{"ARefundByNobody", change(refund(key, 1), func(r *credits.Refund) { r.Charge, r.Who = "c", "" }), append(ends, "who and why must be set")},
		{"ARefundForNoReason", change(refund(key, 1), func(r *credits.Refund) { r.Charge, r.Why = "c", "" }), append(ends, "who and why must be set")},
		{"ARefundOfNoCharge", change(refund(key, 1), func(r *credits.Refund) { r.Charge = "" }), []string{`account "acme"`, "refund a charge", "the key is empty"}},
		{"ARefundUnderItsChargesKey", refund(key, 1), append(ends, "a refund has a key of its own")},
		{"ARefundOfNothing", change(refund(key, 0), func(r *credits.Refund) { r.Charge = "c" }), append(ends, "the amount is 0")},
		{"ANegativeRefund", change(refund(key, -1), func(r *credits.Refund) { r.Charge = "c" }), append(ends, "the amount is -1")},
		{"AChargeWithoutAnOperation", change(charge(1), func(r *credits.Charge) { r.Operation = "" }), append(ends, "the operation is empty")},
		{"AChargeOfNothing", charge(0), append(ends, "the amount is 0")},
		{"AChargeOfAnAttempt", change(charge(1), func(r *credits.Charge) { r.Record.Attempt = "a" }), append(ends, "the record names an attempt")},
		{"AChargeOfALongResult", change(charge(1), func(r *credits.Charge) { r.Result = make([]byte, credits.MaxResult+1) }), append(ends, "1048577 bytes, at most 1048576")},
		{"AChargeOfAbsurdUsage", change(charge(1), func(r *credits.Charge) { r.Record.Usage = bad }), append(ends, "count -1")},
		{"AHoldWithoutAnOperation", change(hold(1, me), func(r *credits.HoldRequest) { r.Operation = "" }), append(ends, "the operation is empty")},
		{"AHoldOfNothing", hold(0, me), append(ends, "the amount is 0")},
		{"AHoldWithoutAHolder", hold(1, credits.Holder{Lease: time.Second}), append(ends, "the holder's ID is empty")},
		{"AHoldWithANegativeFence", hold(1, credits.Holder{ID: "h", Fence: -1, Lease: time.Second}), append(ends, "the fence is -1")},
		{"AHoldWithoutALease", hold(1, credits.Holder{ID: "h"}), append(ends, "the lease is 0s")},
		{"AHoldThatExpiresBeforeItsLease", change(hold(1, me), func(r *credits.HoldRequest) { r.TTL = me.Lease - 1 }), append(ends, "shorter than the lease 10s")},
		{"AHoldWhoseFirstAttemptIsAbsurd", change(hold(1, me), func(r *credits.HoldRequest) { r.First = credits.Attempt{ID: "a", Usage: bad} }), append(ends, "count -1")},
		{"AnExtensionToNothing", extend(0, me), append(ends, "the total is 0")},
		{"AnExtensionWithoutAHolder", extend(1, credits.Holder{}), append(ends, "the holder's ID is empty")},
		{"AnExtensionThatExpiresBeforeItsLease", change(extend(1, me), func(r *credits.ExtendRequest) { r.TTL = -1 }), append(ends, "the TTL -1ns")},
		{"ANegativeSettle", settle(-1), append(ends, "the amount is -1")},
		{"ASettleOfALongResult", change(settle(1), func(r *credits.SettleRequest) { r.Result = make([]byte, credits.MaxResult+1) }), append(ends, "1048577 bytes, at most 1048576")},
		{"ASettleOfAbsurdUsage", change(settle(1), func(r *credits.SettleRequest) { r.Record.Usage = bad }), append(ends, "count -1")},
		{"ASettleWithAnAttemptThatHasNotEnded", change(settle(1), func(r *credits.SettleRequest) { r.Last.ID = "a" }), append(ends, "the attempt has no fate")},
		{"AReleaseWithoutAHolder", release(credits.Holder{}), append(ends, "the holder's ID is empty")},
		{"AReleaseWithAnAttemptThatHasNotEnded", change(release(me), func(r *credits.ReleaseRequest) { r.Last.ID = "a" }), append(ends, "the attempt has no fate")},
		{"ABeginWithoutAHolder", begin("a", credits.Holder{}), append(ends, "the holder's ID is empty")},
		{"ABeginOfNothing", begin("", me), append(ends, "the attempt has no id")},
		{"AFinishOfNothing", finish(""), append(ends, "the attempt has no id")},
		{"AFinishWithoutAFate", credits.FinishRequest{Account: acme, Key: key, Attempt: credits.Attempt{ID: "a"}}, append(ends, "the attempt has no fate")},
		{"AFinishOfAbsurdUsage", credits.FinishRequest{Account: acme, Key: key, Attempt: credits.Attempt{ID: "a", Fate: "executed", Usage: bad}}, append(ends, "count -1")},
		{"AHoldOfALongOperation", change(hold(1, me), func(r *credits.HoldRequest) { r.Operation = long(201) }), append(ends, "the operation has 201 bytes, at most 200")},
		{"AHoldOfALongScope", change(hold(1, me), func(r *credits.HoldRequest) { r.Scope = long(401) }), append(ends, "the scope has 401 bytes, at most 400")},
		{"AChargeOfALongOperation", change(charge(1), func(r *credits.Charge) { r.Operation = long(201) }), append(ends, "the operation has 201 bytes, at most 200")},
		{"AChargeOfALongScope", change(charge(1), func(r *credits.Charge) { r.Scope = long(401) }), append(ends, "the scope has 401 bytes, at most 400")},
		{"AChargeOfALongProvider", change(charge(1), func(r *credits.Charge) { r.Record.Provider = long(201) }), append(ends, "the record's provider has 201 bytes, at most 200")},
		{"ASettleOfALongProvider", change(settle(1), func(r *credits.SettleRequest) { r.Record.Provider = long(201) }), append(ends, "the record's provider has 201 bytes, at most 200")},
		{"ASettleOfALongModel", change(settle(1), func(r *credits.SettleRequest) { r.Record.Model = long(201) }), append(ends, "the record's model has 201 bytes, at most 200")},
		{"AChargeOfAGigabyteOfDigits", change(charge(1), func(r *credits.Charge) { r.Record.Exact = decimal.New(1, 999_999_999) }), append(ends, "the exact price has the exponent 999999999")},
		{"ASettleThatCostAlmostNothing", change(settle(1), func(r *credits.SettleRequest) { r.Record.Cost = decimal.New(1, -201) }), append(ends, "the cost has the exponent -201")},
		{"ASettleOfALongReportedCost", change(settle(1), func(r *credits.SettleRequest) { r.Record.ReportedCost = digits(201) }), append(ends, "the reported cost has 201 digits, at most 200")},
		{"ASettleOfALongAttempt", change(settle(1), func(r *credits.SettleRequest) { r.Record.Attempt = long(201) }), append(ends, "the record's attempt has 201 bytes")},
		{"ABeginOfALongAttempt", begin(long(201), me), append(ends, "the attempt's id has 201 bytes, at most 200")},
		{"AFinishOfAHugeCost", change(finish("a"), func(r *credits.FinishRequest) { r.Attempt.Cost = decimal.NewNullDecimal(decimal.New(1, 201)) }), append(ends, "the attempt's cost has the exponent 201")},
		{"AReleaseOfAHugeReportedCost", change(release(me), func(r *credits.ReleaseRequest) { r.Last = ended("a"); r.Last.ReportedCost = digits(201) }), append(ends, "the attempt's reported cost has 201 digits")},
		{"ACapOfNobody", change(capped("c", 1), func(c *credits.Cap) { c.Account = "" }), []string{"credits: cap", "the account is empty"}},
		{"ACapWithoutAName", capped("", 1), append(ofCap, "the name has 0 bytes, want 1 to 200")},
		{"ACapWithALongName", capped(long(201), 1), append(ofCap, "the name has 201 bytes, want 1 to 200")},
		{"ACapOfALongOperation", capped("c", 1, ofOperation(long(201))), append(ofCap, "no operation has more than 200 bytes")},
		{"ACapOfALongScope", capped("c", 1, ofScope(long(401))), append(ofCap, "no scope more than 400")},
		{"ACapOfAnUnknownWindow", capped("c", 1, per("year")), append(ofCap, `unknown window "year"`)},
		{"ACapWithoutAWindow", capped("c", 1, per("")), append(ofCap, `unknown window ""`)},
		{"ACapOfALocalZone", capped("c", 1, inZone("Local")), append(ofCap, `unknown zone "Local"`)},
		{"ACapOfAnUnknownZone", capped("c", 1, inZone("Europe/Atlantis")), append(ofCap, `unknown zone "Europe/Atlantis"`)},
		{"ACapOfAnUnknownZoneForEver", capped("c", 1, per(credits.Ever), inZone("Europe/Atlantis")), append(ofCap, "unknown zone")},
		{"ADayThatBeginsOnADay", capped("c", 1, from(1)), append(ofCap, "the first day of the window day is 1, want 0 to 0")},
		{"AWeekThatBeginsOnItsEighthDay", capped("c", 1, per(credits.PerWeek), from(8)), append(ofCap, "the first day of the window week is 8, want 0 to 7")},
		{"AMonthThatBeginsOnADayThatNoMonthHas", capped("c", 1, per(credits.PerMonth), from(32)), append(ofCap, "is 32, want 0 to 31")},
		{"AMonthThatBeginsBeforeItsFirst", capped("c", 1, per(credits.PerMonth), from(-1)), append(ofCap, "is -1, want 0 to 31")},
		{"ACapBelowNothing", capped("c", -1), append(ofCap, "the limit is -1 and the warning at 0")},
		{"AWarningBelowNothing", capped("c", 1, warning(-1)), append(ofCap, "the limit is 1 and the warning at -1")},
		{"TheRemovalOfACapOfNobody", credits.RemoveCap{Name: "c"}, []string{"credits: remove a cap", "the account is empty"}},
		{"TheRemovalOfACapWithoutAName", credits.RemoveCap{Account: acme}, append(ofCap, "the name has 0 bytes")},
		{"TheRemovalOfACapWithALongName", credits.RemoveCap{Account: acme, Name: long(201)}, append(ofCap, "the name has 201 bytes")},
		{"AnAlertOfNobody", credits.Alert{Below: 1}, []string{"credits: alert", "the account is empty"}},
		{"AnAlertBelowNothing", alert(-1), []string{`alert: account "acme"`, "below -1"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			err := c.op.Validate()
			if len(err.Error()) > 400 {
				t.Errorf("the error is as long as what it refuses: %d bytes", len(err.Error()))
			}
			wantError(t, err, credits.ErrInvalid)
			wantText(t, err, c.says...)
			opened(t, 100).refused(c.op, credits.ErrInvalid)
		})
	}
}

// digits is a price of so many.
func digits(n int) decimal.NullDecimal {
	return decimal.NewNullDecimal(decimal.RequireFromString(strings.Repeat("7", n)))
}

func long(n int) string { return strings.Repeat("x", n) }

func TestTheLongestOfEverythingIsKept(t *testing.T) {
	l := opened(t, 100)
	l.must(capped(long(200), 100, ofOperation(long(200)), ofScope(long(400))))
	h := hold(1, me)
	h.Operation, h.Scope = long(200), long(400)
	l.must(h)
	s := settle(1)
	s.Record.Provider, s.Record.Model = long(200), long(200)
	s.Record.Exact, s.Record.Cost, s.Record.ReportedCost = decimal.New(1, 200), decimal.New(1, -200), digits(200)
	l.must(begin(long(200), me))
	s.Last, s.Record.Attempt = ended(long(200)), long(200)
	l.must(s)
	l.must(granted("lasts", 1, func(g *credits.Grant) { g.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }))
	l.wantUsed(long(200) + " 1")
	l.must(credits.RemoveCap{Account: acme, Name: long(200)})
	l.must(capped("week", 1, per(credits.PerWeek), func(c *credits.Cap) { c.FirstDay = 7 }))
	l.must(capped("month", 1, per(credits.PerMonth), func(c *credits.Cap) { c.FirstDay = 31 }))
	l.must(alert(0))
}

func change[T any](v T, f func(*T)) T {
	f(&v)
	return v
}

func TestEveryMutationNeedsAnAccountAndAKey(t *testing.T) {
	for _, c := range []struct {
		rule    string
		account credits.Account
		key     credits.Key
		says    string // empty if it is allowed
	}{
		{"NoAccount", "", key, "the account is empty"},
		{"ALongAccount", credits.Account(long(201)), key, "the account has 201 bytes, at most 200"},
		{"NoKey", acme, "", "the key is empty"},
		{"ALongKey", acme, credits.Key(long(401)), "the key has 401 bytes, at most 400"},
		{"TheLongestOfBoth", credits.Account(long(200)), credits.Key(long(400)), ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for act, op := range map[string]credits.Op{
				"grant":          credits.Grant{Account: c.account, Key: c.key, Kind: credits.Plan, Amount: 1},
				"adjust":         change(adjust("", 1), func(r *credits.Adjust) { r.Account, r.Key = c.account, c.key }),
				"refund":         change(refund("", 1), func(r *credits.Refund) { r.Account, r.Key, r.Charge = c.account, c.key, "its charge" }),
				"charge":         change(charge(1), func(r *credits.Charge) { r.Account, r.Key = c.account, c.key }),
				"hold":           change(hold(1, me), func(r *credits.HoldRequest) { r.Account, r.Key = c.account, c.key }),
				"extend":         change(extend(1, me), func(r *credits.ExtendRequest) { r.Account, r.Key = c.account, c.key }),
				"settle":         change(settle(1), func(r *credits.SettleRequest) { r.Account, r.Key = c.account, c.key }),
				"release":        change(release(me), func(r *credits.ReleaseRequest) { r.Account, r.Key = c.account, c.key }),
				"begin attempt":  change(begin("a", me), func(r *credits.BeginRequest) { r.Account, r.Key = c.account, c.key }),
				"finish attempt": change(finish("a"), func(r *credits.FinishRequest) { r.Account, r.Key = c.account, c.key }),
			} {
				err := op.Validate()
				if c.says == "" {
					wantError(t, err, nil)
					continue
				}
				wantError(t, err, credits.ErrInvalid)
				wantText(t, err, "credits: "+act, c.says)
				if len(err.Error()) > 300 {
					t.Errorf("the error is as long as what it refuses: %d bytes", len(err.Error()))
				}
			}
		})
	}
}
