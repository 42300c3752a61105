// Package secret holds API keys so that they cannot be printed by accident, says where keys come from, and keeps them
// sealed. It is a leaf that providers, registry, engine and stores share, and needs the standard library only.
//
// A [Secret] formats, marshals and logs as "[secret]", and a walk over it by reflection does not find the text either.
//
// # Where keys come from
//
// The engine asks a [KeySource] before each attempt. There is [Static] for one key each, [EnvKeys] for the environment,
// [StoreKeys] for sealed keys in a database, and [Chain] for a host on its way from one to another: it says each time when
// the first source had no key. A source that has none returns [ErrNoKey]; any other error means that it cannot be told,
// and nobody falls back on it.
//
// # Sealed keys
//
// A [Ring] has key-encryption keys by id, one of which seals. It comes from outside the database, usually from the
// environment ([ParseRing]), and who has the database without it has no API key. What is sealed is bound to its [Place]
// and opens nowhere else. A [Vault], which [StoreKeys] returns, puts keys into a [KeyStore] and takes them out again.
//
// Seals hide a key's text. They do not protect the row around it: who can write to the database can make a key active
// again, delete it, or put back what was sealed at the same place before.
//
// # Rotating the ring
//
// Processes that run at once must all be able to open what one of them seals, so this takes three steps, in which nothing
// stops working:
//
//  1. Give every process a ring that also opens the new key: "2025:…,2026:…". The first entry still seals.
//  2. Then give every process the ring with the new key first: "2026:…,2025:…". What is sealed now is sealed with it.
//  3. Call [Vault.Reseal]. When [Vault.RingKeys] does not name the old key any more, drop it from the ring, and keep it with
//     the backups of the database that were made before.
//
// One ring key must not seal more than 2^32 times, because nonces are random and of 96 bits; a key for each year is far
// below that.
//
// # Errors
//
// Callers branch on [ErrNoKey], [ErrNoRingKey] (a *[NoRingKeyError] names the key), [ErrSealed], [ErrRing], [ErrInvalid] and
// [ErrConflict]. No error carries a key, a part of one, or a ring key.
//
// # Concurrency
//
// Everything here is safe for concurrent use, except writing to a [Static] that is in use.
package secret
