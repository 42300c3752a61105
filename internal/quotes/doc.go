// Package quotes holds what is held for a call against what the call is charged, with tokens counted as the models count
// them. It is a module of its own, because the tokenizer weighs more than all the rest, and it has nothing but tests.
package quotes
