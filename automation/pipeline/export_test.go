package pipeline

// What the tests of this package look at from outside.
var (
	Batches    = batches
	Classify   = classify
	CountWords = countWords
	Headings   = headings
	Scheduled  = scheduled
)
