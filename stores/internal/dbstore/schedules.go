package dbstore

import "github.com/scrip-go/scrip/automation"

// ScheduleColumns are the columns of a schedule.
const ScheduleColumns = `id, site, account, every, weekday, day, hour, minute, zone, catch_up, active, request,
	next_run, last_run, last_result, last_detail`

// ScheduleFields are the fields of a schedule, in the order of ScheduleColumns.
func ScheduleFields(s *automation.Schedule, at Instant) []any {
	return []any{&s.ID, &s.Site, &s.Account, &s.Every, &s.Weekday, &s.Day, &s.Hour, &s.Minute, &s.Zone, Span{&s.CatchUp}, &s.Active,
		(*[]byte)(&s.Request), at(&s.NextRun), at(&s.LastRun), &s.LastResult, &s.LastDetail}
}
