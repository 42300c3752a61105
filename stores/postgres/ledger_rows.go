package postgres

import (
	"fmt"
	"strings"

	"github.com/scrip-go/scrip/credits"
	"github.com/scrip-go/scrip/stores/internal/dbstore"
)

// The rows of the ledger, in the types of their columns: see package dbstore for the columns.

const accountTypes = `text bigint bigint bigint bigint bytea bigint bigint boolean`

const bucketTypes = `text bigint text text bigint timestamptz timestamptz bigint bigint bigint bigint bigint bigint`

const holdTypes = `text text text text text bigint bytea text bigint bigint timestamptz timestamptz bytea timestamptz json bigint`

const attemptColumns = `account, ` + dbstore.AttemptColumns

const attemptTypes = `text text text text text text text text text text text text ` + usageTypes + ` numeric numeric timestamptz timestamptz`

const usageTypes = `bigint bigint bigint bigint bigint bigint bigint bigint bigint`

// attempt is a row of the journal. An attempt does not say whose it is.
type attempt struct {
	account credits.Account
	credits.Attempt
}

func attemptFields(a *attempt) []any {
	return append([]any{&a.account}, dbstore.AttemptFields(&a.Attempt, at)...)
}

const entryTypes = `text bigint text bigint bigint text text text text text text json timestamptz bytea`

const recordTypes = `text text bigint text text text text text ` + usageTypes + ` numeric bigint bigint numeric numeric bigint timestamptz bigint bigint text`

const receiptTypes = `text text bytea bigint bigint bytea bytea boolean`

const capTypes = `text text text text text bigint text bigint bigint bigint timestamptz boolean boolean`

const totalTypes = `text boolean timestamptz text text text text bigint bigint bigint bigint bigint bigint ` + usageTypes + ` numeric`

const eventTypes = `text bigint text text text bigint bigint timestamptz`

// statement writes rows of one table: any number of them as an array for each column, and a single one, of which the batch of
// a lone caller has most, without arrays, which takes the server less time.
type statement struct{ one, many string }

// insert is a statement that inserts rows. It may have an ending.
func insert(table, columns, types, ending string) statement {
	return selecting("INSERT INTO scrip."+table+" ("+columns+")\nSELECT ", columns, types, ending)
}

// selecting is a statement with a SELECT's list of what the rows hold in the middle. Many rows are unnested in that list,
// whose functions give a row at a time, all in step; in FROM, each of them would first lay its whole array aside. What Go
// has as text, decimals and JSON, is sent as text.
func selecting(before, columns, types, after string) statement {
	var one, many []string
	of := strings.Fields(types)
	for i, name := range strings.Split(columns, ", ") {
		sent, kept := of[i], ""
		if sent == "numeric" || sent == "json" {
			sent, kept = "text", "::"+sent
		}
		one = append(one, fmt.Sprintf("$%d::%s%s AS %s", i+1, sent, kept, name))
		many = append(many, fmt.Sprintf("unnest($%d::%s[])%s AS %s", i+1, sent, kept, name))
	}
	return statement{one: before + strings.Join(one, ", ") + after, many: before + strings.Join(many, ", ") + after}
}

// overwrite ends an insert that updates the given columns of a row that is there already.
func overwrite(key, columns string) string {
	var sets []string
	for c := range strings.SplitSeq(columns, ", ") {
		sets = append(sets, c+" = excluded."+c)
	}
	return "\nON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// add ends an insert into a table t that adds the given columns to those of a row that is there already. What is not known
// on one side is what the other says, and a sum that does not fit is the largest number.
func add(columns string) (sets []string) {
	for c := range strings.SplitSeq(columns, ", ") {
		sets = append(sets, fmt.Sprintf(`%[1]s = CASE WHEN coalesce(t.%[1]s, excluded.%[1]s) IS NOT NULL THEN
	least(coalesce(t.%[1]s, 0)::numeric + coalesce(excluded.%[1]s, 0), 9223372036854775807)::bigint END`, c))
	}
	return sets
}

// columns turns rows into the arrays of insert.
func columns[T any](rows []*T, fields func(*T) []any) ([]any, error) {
	var arrays [][]any
	for _, r := range rows {
		v, err := values(fields(r))
		if err != nil {
			return nil, err
		}
		if arrays == nil {
			arrays = make([][]any, len(v))
			for i := range arrays {
				arrays[i] = make([]any, 0, len(rows))
			}
		}
		for i := range v {
			arrays[i] = append(arrays[i], v[i])
		}
	}
	out := make([]any, len(arrays))
	for i := range arrays {
		out[i] = arrays[i]
	}
	return out, nil
}
