package credits_test

import (
	"errors"
	"testing"

	"github.com/scrip-go/scrip/credits"
)

func TestAsTextRefusesNamesAndMendsWhatAProviderSaid(t *testing.T) {
	holder := credits.Holder{ID: "h\xff"}
	for _, op := range []credits.Op{
		credits.Grant{Account: "a\xff", Key: "k"},
		credits.Grant{Account: "a", Key: "k\x00"},
		credits.Grant{Account: "a", Key: "k", Note: "\xff"},
		credits.Adjust{Account: "a", Key: "k", Who: "\xff"},
		credits.Refund{Account: "a", Key: "k", Charge: "c\xff"},
		credits.Charge{Account: "a", Key: "k", Operation: "\xff"},
		credits.HoldRequest{Account: "a", Key: "k", Scope: "\xff"},
		credits.ExtendRequest{Account: "a", Key: "k", Holder: holder},
		credits.SettleRequest{Account: "a", Key: "k", Record: credits.UsageRecord{Attempt: "\xff"}},
		credits.ReleaseRequest{Account: "a", Key: "k", Holder: holder},
		credits.BeginRequest{Account: "a", Key: "k", Attempt: credits.Attempt{ID: "\xff"}},
		credits.FinishRequest{Account: "a", Key: "k", Attempt: credits.Attempt{ID: "\xff"}},
		credits.Cap{Account: "a", Name: "\xff"},
		credits.RemoveCap{Account: "a", Name: "\xff"},
		credits.Alert{Account: "a\xff"},
	} {
		if _, err := credits.AsText(op); !errors.Is(err, credits.ErrInvalid) {
			t.Errorf("AsText(%+v) = %v, want ErrInvalid", op, err)
		}
	}
	given := credits.SettleRequest{Account: "a", Key: "ké", Result: []byte("\xff\x00"),
		Record: credits.UsageRecord{Model: "m\xff", Shadow: credits.Shadow{Reason: "r\x00"}}, Last: credits.Attempt{ID: "i", RequestID: "r\x00\xff\xfe"}}
	op, err := credits.AsText(given)
	if err != nil {
		t.Fatal(err)
	}
	got := op.(credits.SettleRequest)
	if got.Key != "ké" || string(got.Result) != "\xff\x00" || got.Record.Model != "m\uFFFD" || got.Record.Shadow.Reason != "r\uFFFD" || got.Last.RequestID != "r\uFFFD\uFFFD" {
		t.Errorf("AsText(%+v) = %+v", given, got)
	}
	if given.Record.Model != "m\xff" {
		t.Error("AsText has changed what it was given")
	}
}
