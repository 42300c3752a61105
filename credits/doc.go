// Package credits is the ledger of prepaid credits: its words, its rules and the interfaces that stores implement.
//
// # Words
//
// A grant adds credits to an account. A hold sets some of them aside for one operation before it is run. Settling the
// hold charges what the operation used, at most what was held, and gives the rest back; releasing it gives everything
// back. An [Entry] is an immutable, numbered line of the account; a correction is another entry. A [UsageRecord] says
// what was measured, and a [Receipt] keeps what the charge bought. A [Balance] has Posted (the sum of all entries),
// Held (the sum of open holds) and Available, their difference.
//
// # Keys
//
// Every mutation is named by a [Key] that its caller chose, unique in its account. The same key again is the same
// mutation: it returns what the first call returned, and changes nothing. The same key with a different request is
// refused with [ErrKeyReused]. A key is charged at most once, for ever.
//
// # Holders
//
// A hold belongs to a [Holder] for as long as its lease runs. A holder with a higher fence takes the hold over at once;
// any other only after the lease ran out, by the store's clock. Extending, releasing and beginning attempts are for the
// present holder. Settling is for whoever has the answer: the first settle wins, and the loser gets the winner's receipt.
//
// # Limits and reports
//
// A [Cap] limits what an account may have charged or held in a day, a week or a month of a zone, or ever, of all it does or
// of one operation or scope; what it refuses is a [CapError]. An [Event] tells the host of a low balance, of a cap that is
// nearly or wholly used, of a loss that was written off; events are stored with what caused them and stay until they are
// acknowledged. A usage report (Ledger.Usage) is answered from a [UsageTotal] for each quarter of an hour, kept in the same
// transaction as the charges: however many those were, a month is at most 2,976 totals of an operation with a model.
//
// Caps and reports compute with zones of the IANA database, as [time.LoadLocation] finds it: a host that runs where there
// is none, in a bare container for one, imports time/tzdata.
//
// # How it is built
//
// The rules are one pure state machine, [State.Apply]: no I/O, no clock. A store locks the rows that a mutation names,
// loads them into a [State], applies, and saves the [Changes] in the same transaction. Hosts hold the ledger of a store
// (memory.DB.Ledger, sqlite.DB.Ledger); an implementer of a store reads [Ledger] and [State].
//
// Amounts are whole credits, as [Amount]. Money of the real world, what a call cost the operator, is decimal USD; the two
// types cannot be added.
package credits
