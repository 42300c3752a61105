// Package automation runs work in stages, durably: a run survives the death of its process anywhere and goes on where
// it was, nothing is done twice that was saved once, and nothing is paid twice.
//
// It knows no AI and no content. A host gives it [Stage] values; package pipeline has the seven that turn keywords into
// published articles, and a host may bring stages of its own, of which package paid has the part that pays.
//
// # A run
//
// A [Run] belongs to a site and an account and does its stages strictly in order. When a stage begins it is planned:
// [Stage.Plan] yields its items, which become tasks. No task of a stage starts before its planning has ended. A task is
// claimed by a worker under a lease, [Stage.Do] does its work (at least once), and [Stage.Save] writes what came of it
// in the very transaction that marks the task done. The last task of a stage starts the next.
//
// # Generations
//
// Each claim of a task raises its generation. A worker whose task was claimed by another in the meantime cannot complete
// it, and its generation is the fence of the hold behind each paid call, so it cannot stand in the way of the newer one
// either. Paid effects are named by [Call.Key], which does not depend on the generation: the newer claim finds what the
// older one paid for.
//
// # Errands
//
// A run with [Run.Items] is an errand: one stage, for these rows only, beside the site's run. Each row that an item takes up
// ([Item.Takes]) is claimed for its run at that stage until the item comes to its end, so that no two runs do the same row at once;
// [ClaimedError] names the run that has one.
//
// # Schedules
//
// A [Schedule] says when runs of a site are to be started, by the clock in a zone, and a [ScheduleStore] keeps it with its next
// time. A [Scheduler] looks for what is due and calls the host's Start. It starts each time once, in however many processes it
// serves, and wherever one of them is killed: the run's id is made of the schedule and the time, it is created first, and then the
// schedule is advanced.
//
// # Concurrency
//
// A [Runner] and a [Scheduler] are safe for concurrent use. Several runners may work on one store if the store allows several processes. Accounts
// take turns: a worker that is free takes the next task of the account that has the fewest under way.
package automation
