// Package functionstest is a fake of the models behind package functions, for tests, for examples and for the quickstart
// that runs offline. Its [Responder] goes into the fake upstream of package providertest:
//
//	up := providertest.Start(t, providertest.Config{Responder: functionstest.New()})
//
// Its answers are not a model's. Keywords are grouped by the words they share and by the kind of question they ask,
// articles are put together from prepared sentences, and pictures are drawn from a few motifs. They fit the schemas, keep
// within the bounds of the request and read like generic editorial prose in English, whatever the language of the
// keywords; they state no fact about the subject, because nothing here knows any.
//
// The same call gets the same answer, byte for byte, in every process: there is no clock and no shared randomness.
//
// A Responder has no state and is safe for concurrent use.
package functionstest
