package wire_test

import (
	"testing"

	"github.com/scrip-go/scrip/providers"
	"github.com/scrip-go/scrip/providers/internal/wire"
	"github.com/scrip-go/scrip/providers/internal/wiretest"
	"github.com/scrip-go/scrip/secret"
)

func TestPicture(t *testing.T) {
	const data = "cGljdHVyZQ=="
	for _, c := range []struct {
		rule                 string
		address, base64, uri string
		want                 providers.Image // zero if there is none
	}{
		{"AnAddressComesFirst", "https://x/1.png", data, "", providers.Image{URL: "https://x/1.png"}},
		{"ABase64IsDecoded", "", data, "", providers.Image{Data: []byte("picture")}},
		{"ADataURIIsDecoded", "", "", "data:image/png;base64," + data, providers.Image{Data: []byte("picture")}},
		{"NothingIsNone", "", "", "", providers.Image{}},
		{"AnAddressOfAnotherSchemeIsNone", "file:///etc/passwd", "", "", providers.Image{}},
		{"AnAddressWithoutAHostIsNone", "https:///x", "", "", providers.Image{}},
		{"ABase64WithABlankIsNone", "", data[:4] + " " + data[4:], "", providers.Image{}},
		{"ADataURIWithoutDataIsNone", "", "", "data:image/png;base64,", providers.Image{}},
		{"ADataURIWithoutACommaIsNone", "", "", "data:image/png;base64", providers.Image{}},
		{"ADataURIThatIsNotBase64IsNone", "", "", "data:image/svg+xml,<svg/>", providers.Image{}},
		{"AnotherURIIsNone", "", "", "http://x;base64," + data, providers.Image{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, ok := wire.Picture(c.address, c.base64, c.uri)
			want := c.want.URL != "" || c.want.Data != nil
			if ok != want || ok && (got.URL != c.want.URL || string(got.Data) != string(c.want.Data)) {
				t.Errorf("Picture = %+v, %t; want %+v", got, ok, c.want)
			}
		})
	}
}

func TestAnAttemptMayBringItsOwnAddress(t *testing.T) {
	e, err := wire.NewEndpoint("https://api.example/v1", "/images")
	if err != nil {
		t.Fatal(err)
	}
	for own, want := range map[string]string{"": "https://api.example/v1/images", "https://api.example/v1": "https://api.example/v1/images",
		"https://other.example/v2/": "https://other.example/v2/images"} {
		if u, refused := e.For("p", wiretest.Attempt(own)); refused != nil || u.String() != want {
			t.Errorf("the address under %q is %v, %v; want %s", own, u, refused, want)
		}
	}
	_, refused := e.For("p", wiretest.Attempt("https://u:"+wiretest.APIKey+"@x"))
	wiretest.Failed(t, refused, providers.Invalid, providers.NotSent)
}

func TestCheckRefusesWhatCannotBeSent(t *testing.T) {
	if e := wire.Check("p", wiretest.Attempt("")); e != nil {
		t.Error(e)
	}
	for _, id := range []string{"", "two words", "a\r\nb"} {
		a := wiretest.Attempt("")
		a.ID = id
		wiretest.Failed(t, wire.Check("p", a), providers.Invalid, providers.NotSent)
	}
	for _, key := range []string{"", wiretest.APIKey + "\n", wiretest.APIKey + " ", wiretest.APIKey + "\x7f", wiretest.APIKey + "ü"} {
		a := wiretest.Attempt("")
		a.Key.Secret = secret.New(key)
		wiretest.Failed(t, wire.Check("p", a), providers.Auth, providers.NotSent)
	}
	good := providers.ImageRequest{Model: "m", Prompt: wiretest.Prompt, Width: 1, Height: 1, N: 1}
	if e := wire.CheckImage("p", good); e != nil {
		t.Error(e)
	}
	for rule, change := range map[string]func(*providers.ImageRequest){
		"model": func(r *providers.ImageRequest) { r.Model = "" }, "prompt": func(r *providers.ImageRequest) { r.Prompt = "" },
		"number": func(r *providers.ImageRequest) { r.N = -1 }, "width": func(r *providers.ImageRequest) { r.Width = 0 },
		"height": func(r *providers.ImageRequest) { r.Height = -1 },
	} {
		t.Run(rule, func(t *testing.T) {
			r := good
			change(&r)
			wiretest.Failed(t, wire.CheckImage("p", r), providers.Invalid, providers.NotSent)
		})
	}
}
