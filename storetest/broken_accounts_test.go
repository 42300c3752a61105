package storetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/registry"
)

func (s *toyModels) overAccounts(ctx context.Context) error {
	if s.makes("IgnoresTheContextOfSettings") {
		return nil
	}
	return ctx.Err()
}

func (s *toyModels) copyOfSettings(a registry.AccountSettings) registry.AccountSettings {
	if s.makes("SharesItsSettings") {
		return a
	}
	b, err := json.Marshal(a.Settings)
	if err != nil {
		panic(err)
	}
	a.Settings = registry.Settings{}
	if err := json.Unmarshal(b, &a.Settings); err != nil {
		panic(err)
	}
	return a
}

func (s *toyModels) LatestAccount(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.makes("SeesNoNewSettings") {
		return 0, s.overAccounts(ctx)
	}
	return int64(len(s.accounts)), s.overAccounts(ctx)
}

func (s *toyModels) Account(ctx context.Context, account credits.Account) (registry.AccountSettings, error) {
	for a, err := range s.AccountHistory(ctx, account, 0) {
		return a, err
	}
	return registry.AccountSettings{Account: account}, nil
}

func (s *toyModels) SaveAccount(ctx context.Context, c registry.AccountChange) (registry.AccountSettings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.overAccounts(ctx); err != nil {
		return registry.AccountSettings{}, err
	}
	err := s.judge(c, s.now(), s.judges())
	if err != nil && !(errors.Is(err, registry.ErrNotFound) && s.makes("SavesSettingsWithoutAConfiguration")) {
		return registry.AccountSettings{}, err
	}
	newest := int64(0)
	for _, a := range s.accounts {
		if a.Account == c.Account {
			newest = a.Number
		}
	}
	if newest != c.Base && !s.makes("AcceptsAStaleBaseOfSettings") {
		return registry.AccountSettings{}, registry.ErrConflict
	}
	if s.makes("ChecksTheBaseOfSettingsAndThenAppends") || s.makes("JudgesVersionsAndSettingsApart") {
		s.mu.Unlock()
		time.Sleep(20 * time.Millisecond) // however busy the machine is
		s.mu.Lock()
	}
	a := registry.AccountSettings{Number: int64(len(s.accounts)) + 1, Account: c.Account, At: s.now(), Who: c.Who, Why: c.Why, Settings: c.Next}
	switch s.mistake {
	case "NumbersEachAccountApart":
		a.Number = newest + 1
	case "LosesWhoMadeSettings":
		a.Who = ""
	}
	s.accounts = append(s.accounts, s.copyOfSettings(a))
	return s.copyOfSettings(a), nil
}

// judges yields the versions that a change of settings is held to. The lock is held.
func (s *toyModels) judges() iter.Seq2[registry.Version, error] {
	versions := slices.Clone(s.versions)
	slices.Reverse(versions)
	if s.makes("JudgesSettingsByTheVersionInForce") {
		versions = slices.DeleteFunc(versions, func(v registry.Version) bool { return v.EffectiveAt.After(s.now()) })
	}
	return func(yield func(registry.Version, error) bool) {
		for i, v := range versions {
			if s.makes("JudgesSettingsByWhatWasCancelled") && v.EffectiveAt.After(s.now()) { // as if each were alone
				v.EffectiveAt = s.now().Add(time.Hour - time.Duration(i)*time.Minute)
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// newest yields what a version is held to. The lock is held.
func (s *toyModels) newest() iter.Seq2[registry.AccountSettings, error] {
	return func(yield func(registry.AccountSettings, error) bool) {
		seen := map[credits.Account]bool{}
		accounts := slices.Clone(s.accounts)
		slices.SortStableFunc(accounts, func(a, b registry.AccountSettings) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(b.Number, a.Number))
		})
		for _, a := range accounts {
			if seen[a.Account] && !s.makes("LooksAtOldSettingsToo") {
				continue
			}
			if seen[a.Account] = true; s.makes("LooksAtOnePageOfAccounts") && len(seen) > manyAccounts-10 {
				continue
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (s *toyModels) AccountHistory(ctx context.Context, account credits.Account, before int64) iter.Seq2[registry.AccountSettings, error] {
	return func(yield func(registry.AccountSettings, error) bool) {
		if err := s.overAccounts(ctx); err != nil {
			yield(registry.AccountSettings{}, err)
			return
		}
		s.mu.Lock()
		list := slices.Clone(s.accounts)
		s.mu.Unlock()
		if !s.makes("ListsTheOldestSettingsFirst") {
			slices.Reverse(list)
		}
		for _, a := range list {
			if a.Account != account && !s.makes("ListsTheSettingsOfAll") && !s.makes("MixesAccountsUp") || before != 0 && a.Number >= before {
				continue
			}
			if !yield(s.copyOfSettings(a), nil) {
				return
			}
		}
	}
}
