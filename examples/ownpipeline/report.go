package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
)

// writeReport writes the report anew from all digests. It may be called again after a crash, so the file is put in its place
// whole, and the same rows make the same bytes.
func writeReport(ctx context.Context, pool *sql.DB, file string) error {
	rows, err := pool.QueryContext(ctx, `SELECT file, subject, language, summary, english, urgent FROM tickets JOIN digests USING (file)
		ORDER BY urgent DESC, file`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var b strings.Builder
	b.WriteString("# Tickets\n")
	for rows.Next() {
		var file, subject, language, summary, english string
		var urgent bool
		if err := rows.Scan(&file, &subject, &language, &summary, &english, &urgent); err != nil {
			return err
		}
		mark := ""
		if urgent {
			mark = " **urgent**"
		}
		fmt.Fprintf(&b, "\n## %s (%s)%s\n\n%s\n\n%s\n", subject, file, mark, summary, quote(fmt.Sprintf("From %s:\n%s", language, english)))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", []byte(b.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func quote(text string) string { return "> " + strings.ReplaceAll(text, "\n", "\n> ") }
