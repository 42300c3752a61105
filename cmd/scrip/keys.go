package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/scrip-go/scrip/registry"
	"github.com/scrip-go/scrip/secret"
)

type keysCommands struct {
	List       keysListCommand       `cmd:"" help:"List the keys, without what they are."`
	Set        keysSetCommand        `cmd:"" help:"Seal the key of a provider and keep it. It is read from standard input, or asked for at the terminal without an echo."`
	Activate   keysActivateCommand   `cmd:"" help:"Use a key again that is kept."`
	Deactivate keysDeactivateCommand `cmd:"" help:"Revoke a key: it is kept, and not used."`
	Rotate     keysRotateCommand     `cmd:"" help:"Seal every key anew with the first key of the ring."`
}

type ringFlags struct {
	RingFile string `placeholder:"FILE" help:"The key ring as a file of id:key entries, the first of which seals. SCRIP_KEY_RING of the environment has the same text if it is not given."`
}

func (r ringFlags) ring(a *app) (*secret.Ring, error) {
	text := a.env("SCRIP_KEY_RING")
	if r.RingFile != "" {
		file, err := os.ReadFile(r.RingFile)
		if err != nil {
			return nil, err
		}
		text = string(file)
	}
	if strings.TrimSpace(text) == "" {
		return nil, misuse("no key ring: give --ring-file or set SCRIP_KEY_RING; an entry of one is made by: echo \"2026:$(openssl rand -base64 32)\"")
	}
	return secret.ParseRing(text)
}

// vault opens the database for writing keys that the ring seals.
func (a *app) vault(ring *secret.Ring, do func(v *secret.Vault) error) error {
	return a.with(writing, func(db *database) error {
		v, err := secret.StoreKeys(db.keys, ring, nil)
		if err != nil {
			return err
		}
		return do(v)
	})
}

// keyLine is a stored key without what is sealed.
type keyLine struct {
	secret.Place
	Active  bool      `json:"active"`
	RingKey string    `json:"ring_key"` // that seals it
	Version int64     `json:"version"`
	Added   int64     `json:"added"`
	Who     string    `json:"who"`
	Why     string    `json:"why"`
	At      time.Time `json:"at"`
}

func keyLineOf(k secret.StoredKey) keyLine {
	return keyLine{k.Place, k.Active, k.Sealed.RingKey(), k.Version, k.Added, k.Who, k.Why, k.At}
}

type keysListCommand struct{}

func (c *keysListCommand) Run(a *app) error {
	return a.with(reading, func(db *database) error {
		lines := []keyLine{}
		q := secret.KeyQuery{All: true}
		for {
			page, err := db.keys.List(a.ctx, q)
			if err != nil {
				return err
			}
			for _, k := range page {
				lines = append(lines, keyLineOf(k))
			}
			if len(page) < q.Rows() {
				break
			}
			q.After = page[len(page)-1].Place
		}
		if a.JSON {
			return a.document(map[string]any{"keys": lines})
		}
		t := a.table("PROVIDER", "ACCOUNT", "KEY", "ACTIVE", "RING KEY", "CHANGED", "WHO", "WHY")
		for _, k := range lines {
			t.row(k.Provider, k.Account, k.ID, yes(k.Active), k.RingKey, k.At.UTC().Format(time.RFC3339), k.Who, k.Why)
		}
		return t.end()
	})
}

// placeFlags say which key is meant.
type placeFlags struct {
	Provider string `arg:"" help:"Whose key it is: the id of a provider."`
	Account  string `placeholder:"ACCOUNT" help:"For calls of this account only; for all if it is not given."`
	ID       string `name:"id" default:"main" placeholder:"ID" help:"Names the key: another id keeps the one before it, to go back to. main if it is not given."`
}

func (p placeFlags) place() secret.Place {
	return secret.Place{Provider: p.Provider, Account: p.Account, ID: p.ID}
}

type keysSetCommand struct {
	placeFlags
	ringFlags
	signature
}

func (c *keysSetCommand) Run(a *app) error {
	who, err := c.who(a)
	if err != nil {
		return err
	}
	ring, err := c.ring(a)
	if err != nil {
		return err
	}
	if err := a.with(reading, func(db *database) error { return db.knowsProvider(a, c.Provider) }); err != nil {
		return err
	}
	key, err := a.readKey() // with nothing locked: it may take a person to find it
	if err != nil {
		return err
	}
	return a.vault(ring, func(v *secret.Vault) error {
		stored, err := v.Set(a.ctx, c.place(), key, secret.By{Who: who, Why: c.Why})
		if err != nil {
			return err
		}
		if a.JSON {
			return a.document(keyLineOf(stored))
		}
		did := "added"
		if stored.Version != stored.Added {
			did = "replaced"
		}
		a.say("The %s is %s, sealed with %q of the ring.", stored.Name(), did, stored.Sealed.RingKey())
		return nil
	})
}

// knowsProvider refuses a key that nobody would ever ask for. The name is not shown: it may be the key, in the wrong place.
func (db *database) knowsProvider(a *app, id string) error {
	v, err := db.models.Load(a.ctx, 0)
	if errors.Is(err, registry.ErrNotFound) { // keys may come first
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range v.Configuration.Providers {
		if p.ID == id {
			return nil
		}
	}
	return fmt.Errorf("keys set: the registry has no provider of this name: %w: scrip models list provider names those that there are", registry.ErrNotFound)
}

// maxKey is how many bytes are read for a key; the vault takes fewer.
const maxKey = 64 << 10

// readKey reads a key from where it leaves no trace: not from the arguments, which other users of the machine can see.
func (a *app) readKey() (secret.Secret, error) {
	if a.terminal != nil {
		text, err := a.terminal.secret(a.ctx, "API key (not shown): ")
		if err != nil {
			return secret.Secret{}, err
		}
		return secret.New(text), nil
	}
	text, err := a.all(a.stdin, maxKey)
	if err != nil {
		return secret.Secret{}, err
	}
	return secret.New(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")), nil
}

type keysRotateCommand struct {
	ringFlags
	signature
}

// rotated is what rotate prints.
type rotated struct {
	secret.Resealed
	RingKeys map[string]int `json:"ring_keys"` // how many keys each ring key seals now
}

func (c *keysRotateCommand) Run(a *app) error {
	who, err := c.who(a)
	if err != nil {
		return err
	}
	ring, err := c.ring(a)
	if err != nil {
		return err
	}
	return a.vault(ring, func(v *secret.Vault) error {
		counts, failure := v.Reseal(a.ctx, secret.By{Who: who, Why: c.Why})
		sealed, err := v.RingKeys(a.ctx)
		if err != nil {
			return errors.Join(failure, err)
		}
		if a.JSON {
			return errors.Join(a.document(rotated{counts, sealed}), failure)
		}
		a.say("%d sealed anew, %d were already, %d could not be opened.", counts.Resealed, counts.Already, counts.Failed)
		t := a.table("RING KEY", "SEALS")
		for _, id := range sortedKeys(sealed) {
			t.row(id, sealed[id])
		}
		return errors.Join(t.end(), failure)
	})
}
