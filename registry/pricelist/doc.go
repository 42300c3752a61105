// Package pricelist reads the two public price lists, LiteLLM's price map and models.dev's catalogue, and proposes what a
// registry would say after one of them. It is for operators, who look at the proposal before they save it: nothing here
// writes to a store or reaches a network.
//
// [ParseLiteLLM] and [ParseModelsDev] read a list into a [List]: the models whose prices can be said exactly, as an
// [Offer] each, and everything else with the reason why it is refused. [List.Propose] takes the prices of models that a
// configuration has already, adds those that are asked for by name, and tells what changes:
//
//	list, err := pricelist.ParseLiteLLM(text)
//	p, err := list.Propose(snapshot.Configuration, nil)
//	for _, d := range p.Differences { fmt.Println(d) } // what is reviewed
//	_, err = r.Save(ctx, registry.Change{Base: snapshot.Version, Who: "ada", Why: "prices of today", Next: p.Next})
//
// # What is taken
//
// Prices are read as text into decimals and never pass through a float; a price per token is moved by six places and is
// the price per million, to the last digit. What a registry has no rule for is refused and not approximated: above all
// prices that rise with the length of the prompt ([ByLength]), because a long prompt at the base price costs the operator
// twice what is accounted for, and nothing bounds the prompt before the call. A field of a list that speaks of a price
// and is not known here refuses its model too: a list that grows a surcharge must not be read as if it had none. Other
// unknown fields do no harm.
//
// Other services of a model at another price (priority, flex, batches, regions, a cache that lives for an hour) are
// ignored, and the offer's notes say so: the prices are those of a plain call. A price of zero is never taken. Prices of
// pictures by the pixel are quotients that a list has cut off; they are taken as the shortest price that gives the same
// figure, or refused if that says too little.
//
// # Errors and concurrency
//
// A text that is not the list is an error that matches [ErrList]. An entry that cannot be read is a [Refusal] and no
// error, so that one bad row does not cost the other thousands. Nothing in the package is shared or kept; a List may be
// used by several goroutines that do not write to it.
package pricelist
