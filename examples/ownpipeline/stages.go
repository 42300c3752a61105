package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"

	"github.com/scrip-go/scrip/automation"
	"github.com/scrip-go/scrip/automation/paid"
	"github.com/scrip-go/scrip/engine"
	"github.com/scrip-go/scrip/providers"
)

// Ticket is what a customer wrote. It is what the function takes.
type Ticket struct {
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// Digest is what the function makes of it. The schema that the model is sent comes from this type.
type Digest struct {
	Language string `json:"language"` // in English: "German"
	English  string `json:"english"`  // the whole text
	Summary  string `json:"summary"`  // one sentence
	Urgency  string `json:"urgency" jsonschema:"enum=normal,enum=urgent"`
}

// operation is what digests are charged as.
const operation = "ticket_digest"

const instructions = "Translate the support ticket into English, whole. Summarise it in one sentence. Say whether it is urgent: whether the customer cannot work."

func defineDigest() (*engine.Function[Ticket, Digest], error) {
	return engine.Define(engine.Definition[Ticket, Digest]{Name: "digest_ticket", Operation: operation,
		Validate: func(t Ticket) error {
			if t.Body == "" {
				return errors.New("the ticket is empty")
			}
			return nil
		},
		Text: &engine.Text[Ticket, Digest]{
			Messages: func(env engine.Env, t Ticket) ([]providers.Message, error) {
				return []providers.Message{{Role: providers.System, Text: cmp.Or(env.Prompt, instructions)},
					{Role: providers.User, Text: t.Subject + "\n\n" + t.Body}}, nil
			},
			MaxOutput: func(t Ticket) int64 { return 300 + int64(len(t.Body)) },
			Check: func(_ Ticket, d Digest) error {
				if d.English == "" || d.Summary == "" {
					return errors.New("the translation or the summary is empty") // the model is told, and asked once more
				}
				return nil
			},
		}})
}

// readStage reads the tickets that are new into the table. It pays for nothing.
type readStage struct {
	pool  *sql.DB
	files fs.FS
}

func (*readStage) Name() string              { return "read" }
func (*readStage) Policy() automation.Policy { return automation.Policy{} }

// Plan yields an item for each text file that no run has read. Its text is in the item, so that a file that changes, or goes, while
// the run is under way makes no difference.
func (s *readStage) Plan(ctx context.Context, _ automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		entries, err := fs.ReadDir(s.files, ".")
		if err != nil { // it would fail again and again: the run pauses, for a person to see to it
			yield(automation.Item{}, automation.Permanent(err))
			return
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) != ".txt" {
				continue
			}
			var known int
			err := s.pool.QueryRowContext(ctx, `SELECT count(*) FROM tickets WHERE file = ?`, e.Name()).Scan(&known)
			if known > 0 {
				continue
			}
			text, readErr := fs.ReadFile(s.files, e.Name())
			item, itemErr := newItem(e.Name(), string(text))
			if !yield(item, errors.Join(err, readErr, itemErr)) {
				return
			}
		}
	}
}

func newItem(id string, input any) (automation.Item, error) {
	b, err := json.Marshal(input)
	return automation.Item{ID: id, Input: b}, err
}

// Do takes a ticket out of its mail.
func (*readStage) Do(_ context.Context, c automation.Call) (automation.Outcome, error) {
	var mail string
	if err := json.Unmarshal(c.Item.Input, &mail); err != nil {
		return automation.Outcome{}, automation.Permanent(err)
	}
	out, err := json.Marshal(parse(mail))
	return automation.Outcome{Out: out}, err
}

// parse leaves out what is quoted.
func parse(mail string) (t Ticket) {
	head, body, _ := strings.Cut(mail, "\n\n")
	for line := range strings.Lines(head) {
		if subject, ok := strings.CutPrefix(line, "Subject: "); ok {
			t.Subject = strings.TrimSpace(subject)
		}
	}
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, ">") {
			t.Body += line
		}
	}
	t.Body = strings.TrimSpace(t.Body)
	return t
}

func (*readStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	var t Ticket
	if err := json.Unmarshal(out, &t); err != nil {
		return 0, err
	}
	return insert(ctx, tx, `INSERT INTO tickets (file, subject, body) VALUES (?, ?, ?)`, c.Item.ID, t.Subject, t.Body)
}

// insert writes a row in the transaction that completes a task: what stores/sqlite hands over there is a *sql.Tx. Neither the
// row nor the task's end is ever there without the other.
func insert(ctx context.Context, tx automation.Tx, statement string, args ...any) (int, error) {
	own, ok := tx.Unwrap().(*sql.Tx)
	if !ok {
		return 0, fmt.Errorf("the transaction is a %T: these stages work on stores/sqlite", tx.Unwrap())
	}
	_, err := own.ExecContext(ctx, statement, args...)
	return 1, err
}

// digestStage has tickets translated and summarised. What it has of paid.Step is Do, which pays through the gate, Policy, and
// Salvage: when a run is cancelled, or a ticket given up, what was paid for is saved all the same.
type digestStage struct {
	paid.Step[Ticket, Digest]
	pool *sql.DB
	out  string
}

func newDigest(eng *engine.Engine, pool *sql.DB, out string) (*digestStage, error) {
	f, err := defineDigest()
	return &digestStage{paid.Step[Ticket, Digest]{Engine: eng, Function: f}, pool, out}, err
}

var _ automation.Salvager = (*digestStage)(nil)

func (*digestStage) Name() string { return "digest" }

// Plan yields the tickets that have no digest, those included that an earlier run gave up.
func (s *digestStage) Plan(ctx context.Context, _ automation.Inputs) iter.Seq2[automation.Item, error] {
	return func(yield func(automation.Item, error) bool) {
		rows, err := s.pool.QueryContext(ctx, `SELECT file, subject, body FROM tickets WHERE file NOT IN (SELECT file FROM digests) ORDER BY file`)
		if err != nil {
			yield(automation.Item{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var file string
			var t Ticket
			scanErr := rows.Scan(&file, &t.Subject, &t.Body)
			item, itemErr := newItem(file, t)
			if !yield(item, errors.Join(scanErr, itemErr)) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(automation.Item{}, err)
		}
	}
}

func (s *digestStage) Save(ctx context.Context, tx automation.Tx, c automation.Call, out json.RawMessage) (int, error) {
	var d Digest
	if err := json.Unmarshal(out, &d); err != nil {
		return 0, err
	}
	return insert(ctx, tx, `INSERT INTO digests (file, language, english, summary, urgent) VALUES (?, ?, ?, ?, ?)`,
		c.Item.ID, d.Language, d.English, d.Summary, d.Urgency == "urgent")
}

// Finish implements automation.Finisher: once every ticket is done or given up, the report is written.
func (s *digestStage) Finish(ctx context.Context, _ automation.Call) error {
	return writeReport(ctx, s.pool, s.out)
}
