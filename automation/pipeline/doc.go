// Package pipeline turns keywords into published articles with pictures, in seven stages of package automation:
//
//	cluster        keywords are grouped            (AI, a batch of keywords)
//	ideas          articles are planned            (AI, a cluster)
//	tasks          plans become tasks              (an idea)
//	content        articles are written            (AI, a task)
//	image_prompts  their pictures are described    (AI, an article)
//	images         the pictures are made           (AI, a picture)
//	publish        articles go to the site         (an article), and then its index
//
// Every AI stage pays through the engine's gate under the item's key, and saves its rows in the transaction that
// completes the item. HTML that a model wrote is sanitised before it is stored.
//
// A run does all stages or those from one to another, takes up no more at a stage than it may, and charges no more than it may;
// see [Request].
//
// [Pipeline.Do] does one stage for some rows beside the site's run, as a button does.
//
// Build a [Pipeline], put keywords in with [Pipeline.AddKeywords], and hand [Pipeline.Stages] to an automation.Runner.
// A Pipeline is safe for concurrent use.
package pipeline
