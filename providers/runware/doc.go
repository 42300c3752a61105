// Package runware makes pictures with Runware's API.
//
// Make a [Provider] with [New] and register it with the engine, or call [Provider.GenerateImages] directly:
//
//	p, err := runware.New(runware.Config{})
//
// # Requests
//
// The body is an array of one imageInference task, delivered synchronously, with its cost included. The attempt's id
// is the taskUUID. A picture comes as an address, in the request's Format or else PNG, unless the request's Parameters
// say another outputType or, if the request has no Format, another outputFormat. Parameters go into the task as they
// are, except for taskType, taskUUID, model, positivePrompt and numberResults. The API has no field for the request's
// Quality, which is left out: a model that has qualities takes them in providerSettings.
//
// Models that take long, or are not delivered synchronously at all, have the deliveryMethod async in their Parameters. The
// API then says only that it took the task: an Incomplete error with the fate Unknown, for [Provider.Reconcile] to be
// asked until the picture is there, which the engine does. Such a task makes one picture.
//
// # Answers
//
// Results are matched by taskUUID. Some pictures beside an error are a success with the pictures delivered. The cost is
// the exact sum of the costs reported, and unknown unless every picture has one. If the Parameters ask for a check of the
// contents, a picture that it finds NSFW is not delivered; if there is no other, the call was Blocked, and executed.
//
// # Errors
//
// Every error is a [*providers.Error], typed by the error's code, or by the status if the code is unknown. Runware
// announces failures behind HTTP 200 too and can be asked what became of a task, so what is not a clear refusal has the
// fate Unknown, for [Provider.Reconcile] to resolve: a cut answer, one that cannot be read, a failure of the upstream,
// and a time-out, after which the task may go on and be charged. The code conflictTaskUUID, which says that the task
// was submitted before, is an Upstream error with the fate Unknown for the same reason. Only an answer longer than its
// limit is Executed: asking would bring it again.
//
// # Concurrency
//
// A Provider is immutable and safe for concurrent use. It makes one request per call, follows no redirect, fetches no
// picture and reads no environment variable.
package runware
