package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/providers/providertest"
)

// madeUp answers in place of a model: the same ticket gets the same answer.
type madeUp struct{ providertest.Echo }

var marks = []struct{ word, language string }{{"Guten", "German"}, {"Passwort", "German"}, {"Groet", "Dutch"}, {"Bonjour", "French"}, {"Hola", "Spanish"},
	{"Buongiorno", "Italian"}, {"Olá", "Portuguese"}}

// Text implements [providertest.Responder].
func (madeUp) Text(c providertest.TextCall) (string, error) {
	ticket := c.Messages[len(c.Messages)-1].Text
	subject, _, _ := strings.Cut(ticket, "\n")
	d := Digest{Language: "English", Urgency: "normal"}
	for _, m := range marks {
		if strings.Contains(ticket, m.word) {
			d.Language = m.language
			break
		}
	}
	if strings.Contains(ticket, "urgent") {
		d.Urgency = "urgent"
	}
	d.English = fmt.Sprintf("(Made up: here would be %d words in English.)", len(strings.Fields(ticket)))
	d.Summary = fmt.Sprintf("(Made up.) The customer writes about “%s”.", subject)
	b, err := json.Marshal(d)
	return string(b), err
}
