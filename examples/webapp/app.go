package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.ParseFS(assets, "assets/*.html"))

// app is the web service. It keeps nothing that a crash could lose: all of its state is the ledger.
type app struct {
	ledger   credits.Ledger
	engine   *engine.Engine
	describe *engine.Function[Product, Description]
	progress *progress
	webhook  string
	log      *slog.Logger
}

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.signedIn(a.getHome))
	mux.HandleFunc("POST /login", a.postLogin)
	mux.HandleFunc("POST /descriptions", a.signedIn(a.postDescription))
	mux.HandleFunc("GET /descriptions/{key}", a.signedIn(a.getDescription))
	mux.HandleFunc("GET /progress", a.signedIn(a.getProgress))
	mux.HandleFunc("POST /buy", a.signedIn(a.postBuy))
	mux.HandleFunc("POST /webhook", a.postWebhook)
	mux.HandleFunc("GET /usage", a.signedIn(a.getUsage))
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	var foreign http.CrossOriginProtection // no other site's form spends a customer's credits
	return headers(foreign.Handler(mux))
}

// headers are those that cost nothing. The pages have no inline script or style.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}

// page is what the templates show; each shows a part of it.
type page struct {
	Account credits.Account
	Balance credits.Balance
	Entries []credits.Entry
	Price   credits.Amount // the most that a description costs
	Payment string         // names the payment that the button makes
	Form    form

	Message string         // what went wrong, in words for a customer
	Missing credits.Amount // credits to be bought before the form can be sent again
	Key     string         // of the description that is shown, or waited for
	Answer  *Description
	Charged credits.Amount
	Days    []credits.UsageRow
}

// form is what a customer typed, with the key that names the call for ever.
type form struct {
	Key string
	Product
}

// key keeps the forms' keys apart from those of payments: an account has one set of keys.
func key(form string) credits.Key { return credits.Key("description/" + form) }

// The customers. Real ones come from the host's own accounts, and prove who they are.
var customers = map[string]bool{"alice": true, "bob": true}

// postLogin believes what it is told. A new customer gets some credits, once: the key says so.
func (a *app) postLogin(w http.ResponseWriter, r *http.Request) {
	name := r.PostFormValue("account")
	if !customers[name] {
		http.Error(w, "there is no such customer", http.StatusForbidden)
		return
	}
	_, err := a.ledger.Grant(r.Context(), credits.Grant{Account: credits.Account(name), Key: "welcome", Kind: credits.Bonus, Amount: 12, Note: "welcome"})
	if err != nil {
		a.fail(w, r, credits.Account(name), page{}, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "account", Value: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// signedIn asks the cookie who it is; a host asks its sessions.
func (a *app) signedIn(next func(http.ResponseWriter, *http.Request, credits.Account)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("account")
		if err != nil || !customers[c.Value] {
			a.execute(w, http.StatusUnauthorized, "login.html", page{})
			return
		}
		next(w, r, credits.Account(c.Value))
	}
}

func (a *app) getHome(w http.ResponseWriter, r *http.Request, account credits.Account) {
	a.show(w, r, account, http.StatusOK, "home.html", page{})
}

// postDescription has a product described. It does not end with its request: a customer who goes away in the middle comes back
// with the key, and finds what was paid for. The engine's own deadlines end it.
func (a *app) postDescription(w http.ResponseWriter, r *http.Request, account credits.Account) {
	f := form{r.PostFormValue("key"), Product{r.PostFormValue("name"), r.PostFormValue("facts")}}
	_, err := engine.Run(context.WithoutCancel(r.Context()), a.engine, a.describe, engine.Call{Account: account, Key: key(f.Key)}, f.Product)
	if err != nil {
		a.fail(w, r, account, page{Form: f, Key: f.Key}, err)
		return
	}
	http.Redirect(w, r, "/descriptions/"+url.PathEscape(f.Key), http.StatusSeeOther)
}

// getDescription shows what the ledger knows of a key: its receipt has the answer.
func (a *app) getDescription(w http.ResponseWriter, r *http.Request, account credits.Account) {
	p := page{Key: r.PathValue("key")}
	held, err := a.ledger.Lookup(r.Context(), account, key(p.Key))
	switch {
	case errors.Is(err, credits.ErrNotFound):
		p.Message = "There is no such description. Nothing was charged for it."
		a.show(w, r, account, http.StatusNotFound, "home.html", p)
	case err != nil:
		a.fail(w, r, account, p, err)
	case held.Receipt != nil:
		if err := json.Unmarshal(held.Receipt.Result, &p.Answer); err != nil {
			a.fail(w, r, account, p, err)
			return
		}
		p.Charged = held.Receipt.Charged
		a.show(w, r, account, http.StatusOK, "description.html", p)
	case held.Hold.State == credits.Open:
		a.wait(w, r, account, http.StatusAccepted, p)
	default:
		p.Message = "This description was not written. Nothing was charged for it."
		a.show(w, r, account, http.StatusNotFound, "home.html", p)
	}
}

// wait is for a description that is being written: the page looks again by itself.
func (a *app) wait(w http.ResponseWriter, r *http.Request, account credits.Account, status int, p page) {
	w.Header().Set("Retry-After", "2")
	w.Header().Set("Refresh", "2; url=/descriptions/"+url.PathEscape(p.Key))
	a.show(w, r, account, status, "wait.html", p)
}

// fail says what went wrong, and offers the form again where that helps: with its key, because the same form again is the same
// call.
func (a *app) fail(w http.ResponseWriter, r *http.Request, account credits.Account, p page, err error) {
	var short *credits.InsufficientError
	var provider *providers.Error
	status := http.StatusInternalServerError
	p.Message = "Something broke here. Send the same form again in a while: it is charged once at most."
	switch {
	case errors.As(err, &short):
		status, p.Missing = http.StatusPaymentRequired, short.Need-short.Available
		p.Message = "Your credits do not suffice. Nothing was charged."
	case errors.Is(err, credits.ErrInProgress):
		a.wait(w, r, account, http.StatusConflict, p)
		return
	case errors.Is(err, credits.ErrKeyReused):
		status, p.Form.Key = http.StatusConflict, rand.Text()
		p.Message = "This form was sent before, with other words. Send it again to have these described as well."
	case errors.Is(err, credits.ErrResultPruned):
		status, p.Message = http.StatusGone, "This description is too old: it was charged then, and is not kept any more."
	case errors.Is(err, engine.ErrInput), errors.Is(err, credits.ErrInvalid):
		status, p.Message = http.StatusBadRequest, "Please give the product a short name and some facts. Nothing was charged."
	case errors.As(err, &provider), errors.Is(err, engine.ErrAnswer):
		status, p.Message = http.StatusBadGateway, "The model did not deliver. Nothing was charged; you may send the form again."
	}
	if status >= 500 {
		a.log.Error("request failed", "path", r.URL.Path, "account", account, "error", err) // errors carry no key and no prompt
	}
	a.show(w, r, account, status, "home.html", p)
}

// payment is what a payment service reports.
type payment struct {
	ID      string          `json:"id"`
	Account credits.Account `json:"account"`
	Credits credits.Amount  `json:"credits"`
}

// paid grants what was paid for. The payment's id is the key: however often it is reported, it is granted once.
func (a *app) paid(ctx context.Context, p payment) error {
	_, err := a.ledger.Grant(ctx, credits.Grant{Account: p.Account, Key: credits.Key("payment/" + p.ID), Kind: credits.Purchase, Amount: p.Credits,
		Note: "payment " + p.ID})
	return err
}

// postWebhook is called by a payment service. Here it knows a secret; real ones sign what they send.
func (a *app) postWebhook(w http.ResponseWriter, r *http.Request) {
	var p payment
	if a.webhook == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("Webhook-Secret")), []byte(a.webhook)) == 0 {
		http.Error(w, "who are you?", http.StatusForbidden)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || p.ID == "" {
		http.Error(w, "want a payment", http.StatusBadRequest)
		return
	}
	switch err := a.paid(r.Context(), p); {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, credits.ErrKeyReused), errors.Is(err, credits.ErrInvalid):
		http.Error(w, "this payment cannot be: its id was reported with another amount, or it has none", http.StatusConflict)
	default: // the service will report it again
		a.log.Error("webhook failed", "payment", p.ID, "error", err)
		http.Error(w, "try again", http.StatusInternalServerError)
	}
}

// postBuy plays the payment service: it takes no money, and reports that it did.
func (a *app) postBuy(w http.ResponseWriter, r *http.Request, account credits.Account) {
	if err := a.paid(r.Context(), payment{r.PostFormValue("payment"), account, 50}); err != nil {
		a.fail(w, r, account, page{}, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// getUsage adds the last thirty days up, by day and model. The totals are kept by the ledger: no charge is read.
func (a *app) getUsage(w http.ResponseWriter, r *http.Request, account credits.Account) {
	days, err := a.ledger.Usage(r.Context(), credits.UsageQuery{Account: account, From: time.Now().AddDate(0, 0, -30),
		GroupBy: []credits.Dimension{credits.ByDay, credits.ByModel}})
	if err != nil {
		a.fail(w, r, account, page{}, err)
		return
	}
	a.show(w, r, account, http.StatusOK, "usage.html", page{Days: days})
}

// show completes a page with what all pages have. If the ledger cannot be read, it says that and nothing else.
func (a *app) show(w http.ResponseWriter, r *http.Request, account credits.Account, status int, name string, p page) {
	p.Account, p.Payment = account, rand.Text()
	if p.Form.Key == "" {
		p.Form.Key = rand.Text()
	}
	var err error
	if p.Balance, err = a.ledger.Balance(r.Context(), account); err == nil {
		p.Entries, err = a.lastEntries(r.Context(), account)
	}
	if err == nil {
		p.Price, err = a.price(r.Context(), account)
	}
	if err != nil {
		a.log.Error("page failed", "path", r.URL.Path, "account", account, "error", err)
		http.Error(w, "Something broke here. Please try again in a while.", http.StatusInternalServerError)
		return
	}
	a.execute(w, status, name, p)
}

func (a *app) lastEntries(ctx context.Context, account credits.Account) (list []credits.Entry, err error) {
	for e, err := range a.ledger.Entries(ctx, credits.EntryQuery{Account: account, Newest: true, Limit: 10}) {
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// price is what would be held for the longest product: the most that any costs.
func (a *app) price(ctx context.Context, account credits.Account) (credits.Amount, error) {
	longest := Product{strings.Repeat("x", maxName), strings.Repeat("x", maxFacts)}
	q, err := engine.Quote(ctx, a.engine, a.describe, engine.Call{Account: account}, longest)
	return q.Hold, err
}

func (a *app) execute(w http.ResponseWriter, status int, name string, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, name, p); err != nil {
		a.log.Warn("page not sent", "page", name, "error", err)
	}
}
