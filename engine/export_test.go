package engine

import (
	"encoding/json"
	"net/netip"
)

// Schema is the derived schema of a type, with the reader that checks answers against it.
type Schema struct{ s *schema }

// SchemaOf derives the schema of T.
func SchemaOf[T any]() (Schema, error) {
	s, err := schemaOf[T]("answer")
	return Schema{s}, err
}

// JSON is the schema as it is sent.
func (s Schema) JSON() json.RawMessage { return s.s.json }

// Read finds the object in an answer and checks it.
func (s Schema) Read(answer string) (json.RawMessage, error) { return s.s.read(answer) }

// Public reports whether the engine's own client connects to an address.
func Public(ip netip.Addr) bool { return public(ip) }

// PublicOnly is the client that downloads pictures unless the host has one of its own.
var PublicOnly = publicOnly

// Backoff is how long the engine waits before it sends a request for the n-th time again.
var Backoff = backoff
