package secret_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scrip-go/scrip/internal/reach"
	"github.com/scrip-go/scrip/secret"
)

// ringKey is a ring key of printable bytes, so that it would be seen wherever it is printed.
func ringKey(n int) []byte { return fmt.Appendf(nil, "ring-key-%02d-of-32-printable-byte", n)[:32] }

// ring returns a ring that seals with the first of the keys.
func ring(t testing.TB, numbers ...int) *secret.Ring {
	t.Helper()
	keys := map[string][]byte{}
	for _, n := range numbers {
		keys[fmt.Sprint("k", n)] = ringKey(n)
	}
	r, err := secret.NewRing(fmt.Sprint("k", numbers[0]), keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func entry(n int) string {
	return fmt.Sprintf("k%d:%s", n, base64.StdEncoding.EncodeToString(ringKey(n)))
}

// sealedByAnEarlierBuild is text, sealed for home with ring key 1.
const sealedByAnEarlierBuild = "01026b31aef0638fd3ba2a0f62a6fc95a656e33798854af2b7011ac0d8cb3aab136bbb40d4b5f34684b988a5"

var home = secret.Place{Provider: "openai", Account: "acme", ID: "main"}

func seal(t testing.TB, r *secret.Ring, plain string, at secret.Place) secret.Sealed {
	t.Helper()
	s, err := r.Seal(secret.New(plain), at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quiet fails if an error, however it is printed or walked, has a key or a ring key in it, or a part of one.
func quiet(t *testing.T, err error, canaries ...string) {
	t.Helper()
	for _, canary := range append(canaries, text, string(ringKey(1)), string(ringKey(2)), base64.StdEncoding.EncodeToString(ringKey(1))[:16]) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) || reach.Reaches(err, canary) {
			t.Errorf("the error %q gives %q away", err, canary)
		}
	}
}

func TestARingRefuses(t *testing.T) {
	good := ringKey(1)
	for name, c := range map[string]struct {
		sealing string
		keys    map[string][]byte
	}{
		"NoKeys":                      {"k1", nil},
		"ASealingKeyThatIsNotThere":   {"k2", map[string][]byte{"k1": good}},
		"NoSealingKey":                {"", map[string][]byte{"k1": good}},
		"AShortKey":                   {"k1", map[string][]byte{"k1": good[:31]}},
		"AKeyOfAES128":                {"k1", map[string][]byte{"k1": good[:16]}},
		"ALongKey":                    {"k1", map[string][]byte{"k1": append(slices.Clone(good), 1)}},
		"AKeyOfZeros":                 {"k1", map[string][]byte{"k1": make([]byte, 32)}},
		"TheSameKeyTwice":             {"k1", map[string][]byte{"k1": good, "k2": slices.Clone(good)}},
		"NoID":                        {"", map[string][]byte{"": good}},
		"AnIDWithAColon":              {"a:b", map[string][]byte{"a:b": good}},
		"AnIDThatIsTheKey":            {string(good), map[string][]byte{string(good): good, "k1": ringKey(2)}},
		"AnIDThatIsTheKeyInBase64":    {base64.RawURLEncoding.EncodeToString(good), map[string][]byte{base64.RawURLEncoding.EncodeToString(good): good}},
		"ABadKeyBesideTheSealingOne":  {"k1", map[string][]byte{"k1": good, "k2": good[:5]}},
		"AnIDOf33Bytes":               {strings.Repeat("i", 33), map[string][]byte{strings.Repeat("i", 33): good}},
		"AnIDThatIsNoASCII":           {"schlüssel", map[string][]byte{"schlüssel": good}},
		"ABadKeyThatIsNotTheFirstOne": {"a", map[string][]byte{"a": good, "b": ringKey(2), "c": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := secret.NewRing(c.sealing, c.keys)
			if !errors.Is(err, secret.ErrRing) || r != nil {
				t.Errorf("NewRing = %v, %v, want ErrRing", r, err)
			}
			quiet(t, err)
		})
	}
}

func TestARingKeepsNothingOfTheCallers(t *testing.T) {
	key := ringKey(1)
	keys := map[string][]byte{"k1": key}
	r, err := secret.NewRing("k1", keys)
	if err != nil {
		t.Fatal(err)
	}
	s := seal(t, r, text, home)
	clear(key)
	delete(keys, "k1")
	ids := r.IDs()
	ids[0] = "other"
	if got, err := r.Open(s, home); err != nil || got.Reveal() != text || r.IDs()[0] != "k1" || r.Sealing() != "k1" {
		t.Errorf("after the caller's bytes were overwritten Open = %v, and the ring is %v", err, r)
	}
}

func TestParseRing(t *testing.T) {
	raw := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb, 0xff}, 16)) // "-" and "_" all over
	for name, c := range map[string]struct {
		text, sealing string
		ids           []string
	}{
		"OneEntry":            {entry(1), "k1", []string{"k1"}},
		"TheFirstSeals":       {entry(2) + "," + entry(1), "k2", []string{"k1", "k2"}},
		"WhiteSpaceAndCommas": {"\n " + entry(2) + " ,\r\n\t" + entry(1) + ",\n", "k2", []string{"k1", "k2"}},
		"OfTheURLAlphabet":    {"u:" + raw, "u", []string{"u"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := secret.ParseRing(c.text)
			if err != nil || r.Sealing() != c.sealing || !slices.Equal(r.IDs(), c.ids) {
				t.Errorf("ParseRing = %v, %v, want %q to seal among %q", r, err, c.sealing, c.ids)
			}
		})
	}
	same, err := secret.ParseRing(entry(1))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := same.Open(seal(t, ring(t, 1), text, home), home); err != nil || got.Reveal() != text {
		t.Errorf("the ring of a text does not open what that of the bytes sealed: %v", err)
	}
}

func TestParseRingRefuses(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(ringKey(1))
	for name, c := range map[string]struct{ text, says string }{
		"Nothing":                {" ,\n", "empty"},
		"AKeyWithoutAnID":        {key, "entry 1"},
		"AKeyWithoutAnIDLater":   {entry(2) + "," + key, "entry 2"},
		"AnEmptyID":              {":" + key, "entry 1"},
		"AKeyAndItsIDSwapped":    {key + ":k1", "entry 1"},
		"SwappedWithoutPadding":  {base64.RawURLEncoding.EncodeToString(ringKey(1)) + ":k1", "entry 1"},
		"AnEmptyKey":             {"k1:", "entry 1"},
		"AKeyInHex":              {"k1:" + hex.EncodeToString(ringKey(1)), "entry 1"},
		"AShortKey":              {"k1:" + base64.StdEncoding.EncodeToString(ringKey(1)[:31]), "entry 1"},
		"ALongKey":               {"k1:" + base64.StdEncoding.EncodeToString(append(ringKey(1), 1)), "entry 1"},
		"ACharacterTooMany":      {"k1:" + strings.TrimRight(key, "=") + "!", "entry 1"},
		"BitsThatMeanNothing":    {"k1:" + strings.TrimRight(key, "=")[:42] + "/", "entry 1"},
		"AnIDTwice":              {entry(1) + "," + "k1:" + base64.StdEncoding.EncodeToString(ringKey(2)), "entry 2"},
		"AKeyTwice":              {entry(1) + ",k2:" + key, "the same"},
		"AKeyOfZeros":            {"k1:" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "zeros"},
		"TwoEntriesWithoutComma": {entry(1) + entry(2), "entry 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := secret.ParseRing(c.text)
			if !errors.Is(err, secret.ErrRing) || r != nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("ParseRing = %v, %v, want ErrRing that says %q", r, err, c.says)
			}
			quiet(t, err, key[:10], strings.TrimRight(key, "=")[30:])
		})
	}
}

func TestGenerateRingKey(t *testing.T) {
	one, err := secret.GenerateRingKey("2026")
	other, err2 := secret.GenerateRingKey("2027")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	r, err := secret.ParseRing(one.Reveal() + "," + other.Reveal())
	if err != nil || r.Sealing() != "2026" || len(r.IDs()) != 2 {
		t.Errorf("ParseRing of two generated entries = %v, %v", r, err)
	}
	if again, _ := secret.GenerateRingKey("2026"); again.Reveal() == one.Reveal() {
		t.Error("two generated keys are the same")
	}
	for _, id := range []string{"", "a:b", "a,b", "a b", strings.Repeat("i", 33)} {
		if _, err := secret.GenerateRingKey(id); !errors.Is(err, secret.ErrRing) {
			t.Errorf("GenerateRingKey(%q) = %v, want ErrRing", id, err)
		}
	}
}

func TestARotatedRingOpensWhatWasSealedBefore(t *testing.T) {
	old := ring(t, 1)
	before := seal(t, old, text, home)
	rotated := ring(t, 2, 1)
	after := seal(t, rotated, text, home)
	for _, s := range []secret.Sealed{before, after} {
		if got, err := rotated.Open(s, home); err != nil || got.Reveal() != text {
			t.Errorf("the rotated ring opens %v as %v, %v", s, got, err)
		}
	}
	if before.RingKey() != "k1" || after.RingKey() != "k2" {
		t.Errorf("the ring keys are %q and %q, want k1 and k2", before.RingKey(), after.RingKey())
	}
	for _, c := range []struct {
		ring *secret.Ring
		s    secret.Sealed
		id   string
	}{{old, after, "k2"}, {ring(t, 2), before, "k1"}} {
		_, err := c.ring.Open(c.s, home)
		var missing *secret.NoRingKeyError
		if !errors.Is(err, secret.ErrNoRingKey) || !errors.As(err, &missing) || missing.ID != c.id || errors.Is(err, secret.ErrSealed) || errors.Is(err, secret.ErrNoKey) {
			t.Errorf("Open without the ring key = %v, want a NoRingKeyError that names %q", err, c.id)
		}
		quiet(t, err)
	}
}

func TestASealedTextOpensAtItsPlaceOnly(t *testing.T) {
	r := ring(t, 1, 2)
	s := seal(t, r, text, home)
	for _, at := range []secret.Place{
		{}, {Provider: "openai", ID: "main"}, {Provider: "openai", Account: "globex", ID: "main"}, {Provider: "openai", Account: "acme", ID: "other"},
		{Provider: "runware", Account: "acme", ID: "main"},
		{Provider: "acme", Account: "openai", ID: "main"},                                 // the same fields in another order
		{Provider: "openaia", Account: "cme", ID: "main"},                                 // the same bytes, cut elsewhere
		{Provider: "openai", Account: "acmem", ID: "ain"},                                 //
		{Provider: "openai\x00\x00\x00\x04acme\x00\x00\x00\x04main", Account: "", ID: ""}, // the lengths within a field
	} {
		if got, err := r.Open(s, at); !errors.Is(err, secret.ErrSealed) || !got.IsZero() {
			t.Errorf("Open at %+v = %v, %v, want ErrSealed", at, got, err)
		}
	}
	if got, err := r.Open(s, home); err != nil || got.Reveal() != text {
		t.Errorf("Open at its own place = %v", err)
	}
}

func TestADamagedSealedTextDoesNotOpen(t *testing.T) {
	r := ring(t, 1, 2)
	s := seal(t, r, text, home)
	refuse := func(what string, s secret.Sealed) {
		t.Helper()
		got, err := r.Open(s, home)
		if !errors.Is(err, secret.ErrSealed) && !errors.Is(err, secret.ErrNoRingKey) || !got.IsZero() {
			t.Errorf("Open of %s = %v, %v, want an error", what, got, err)
		}
		quiet(t, err)
	}
	for i := range s {
		for bit := range 8 {
			damaged := slices.Clone(s)
			damaged[i] ^= 1 << bit
			refuse(fmt.Sprintf("what has bit %d of byte %d flipped", bit, i), damaged)
		}
		refuse(fmt.Sprintf("the first %d bytes", i), s[:i])
		refuse(fmt.Sprintf("all but the first %d bytes", i+1), s[i+1:])
	}
	refuse("nothing", nil)
	refuse("what is longer", append(slices.Clone(s), 0))
	renamed := slices.Clone(s)
	copy(renamed[2:], "k2") // a key that the ring has
	refuse("what names another ring key", renamed)
	impostor, err := secret.NewRing("k1", map[string][]byte{"k1": ringKey(9)})
	if err != nil {
		t.Fatal(err)
	}
	refuse("what another key of the same id sealed", seal(t, impostor, text, home))
}

func TestSealRefuses(t *testing.T) {
	r := ring(t, 1)
	for name, c := range map[string]struct {
		plain string
		at    secret.Place
	}{
		"AnEmptyText":   {"", home},
		"ALongText":     {strings.Repeat("x", 8193), home},
		"NoPlace":       {text, secret.Place{}},
		"NoProvider":    {text, secret.Place{ID: "main"}},
		"NoID":          {text, secret.Place{Provider: "openai"}},
		"AnIDWithSlash": {text, secret.Place{Provider: "openai", ID: "acme/main"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := r.Seal(secret.New(c.plain), c.at)
			if !errors.Is(err, secret.ErrInvalid) || s != nil {
				t.Errorf("Seal = %v, %v, want ErrInvalid", s, err)
			}
			quiet(t, err)
		})
	}
	longest := strings.Repeat("x", 8192)
	if got, err := r.Open(seal(t, r, longest, home), home); err != nil || got.Reveal() != longest {
		t.Errorf("the longest text does not open: %v", err)
	}
}

// TestTheFormIsAsDocumented opens what was sealed by the words of the documentation alone, and a text that an earlier
// build sealed: the form of version 1 cannot change any more.
func TestTheFormIsAsDocumented(t *testing.T) {
	r := ring(t, 1)
	s := seal(t, r, text, home)
	if s[0] != 1 || s[1] != 2 || string(s[2:4]) != "k1" || len(s) != 2+2+12+len(text)+16 {
		t.Fatalf("the form is % x", []byte(s))
	}
	block, err := aes.NewCipher(ringKey(1))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	covered := "\x00\x00\x00\x0escrip/secret/1" + "\x00\x00\x00\x02k1" + "\x00\x00\x00\x06openai" + "\x00\x00\x00\x04acme" + "\x00\x00\x00\x04main"
	if got, err := plain.Open(nil, s[4:16], s[16:], []byte(covered)); err != nil || string(got) != text {
		t.Errorf("it does not open as documented: %v", err)
	}
	kept, err := hex.DecodeString(sealedByAnEarlierBuild)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Open(kept, home); err != nil || got.Reveal() != text {
		t.Errorf("what an earlier build sealed opens as %v, %v", got, err)
	}
}

func TestNoncesDiffer(t *testing.T) {
	r := ring(t, 1)
	seen := map[string]bool{}
	for range 1000 {
		s := seal(t, r, text, home)
		nonce := string(s[4:16])
		if seen[nonce] {
			t.Fatal("a nonce was used twice")
		}
		seen[nonce] = true
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, 1, 2)
	s, err := hex.DecodeString(sealedByAnEarlierBuild) // the same in every process that fuzzes
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{nil, s, s[:len(s)-1], append(slices.Clone(s), 0), {1}, {1, 255}, {1, 0}, {2, 2}, append([]byte{1, 32}, bytes.Repeat([]byte{'k'}, 80)...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		given := slices.Clone(b)
		got, err := r.Open(b, home)
		switch {
		case err == nil && !(bytes.Equal(b, s) && got.Reveal() == text):
			t.Errorf("Open of % x, which nobody sealed, = %q", b, got.Reveal())
		case err != nil && !errors.Is(err, secret.ErrSealed) && !errors.Is(err, secret.ErrNoRingKey):
			t.Errorf("Open = %v, want ErrSealed or ErrNoRingKey", err)
		case err != nil && !got.IsZero():
			t.Errorf("Open = %q beside an error", got.Reveal())
		case !bytes.Equal(b, given):
			t.Error("Open wrote to what it was given")
		}
		id := secret.Sealed(b).RingKey()
		if known := id == "k1" || id == "k2"; id != "" && !known != errors.Is(err, secret.ErrNoRingKey) || id == "" && !errors.Is(err, secret.ErrSealed) {
			t.Errorf("RingKey = %q and Open = %v", id, err)
		}
		if printed := fmt.Sprintf("%v %+v %#v %x", secret.Sealed(b), secret.Sealed(b), secret.Sealed(b), secret.Sealed(b)); len(printed) > 200 {
			t.Errorf("it prints as %q", printed)
		}
	})
}
