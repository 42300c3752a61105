// Package operatingproof holds docs/operating.md to the truth: its tests run every command, statement and function that the
// page shows, against SQLite and PostgreSQL.
package operatingproof
