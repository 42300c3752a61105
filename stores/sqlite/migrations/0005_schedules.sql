-- major: 1
--
-- When runs are to be started. next_run is the time that is compared and set when it is dealt with, so that any number of
-- processes may look for what is due; last_run is the time before it, as it was due, and what became of it.
CREATE TABLE scrip_schedules (
	id          TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 180),
	site        TEXT    NOT NULL CHECK (site <> ''),
	account     TEXT    NOT NULL CHECK (account <> ''),
	every       TEXT    NOT NULL CHECK (every IN ('daily', 'weekly', 'monthly')),
	weekday     INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6),  -- of a weekly one; 0 is Sunday
	day         INTEGER NOT NULL CHECK (day BETWEEN 0 AND 31),     -- of a monthly one; in shorter months their last
	hour        INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
	minute      INTEGER NOT NULL CHECK (minute BETWEEN 0 AND 59),
	zone        TEXT    NOT NULL,                                  -- a name of the IANA database; UTC if empty
	catch_up    INTEGER NOT NULL CHECK (catch_up >= 0),            -- microseconds; 0 for the default
	active      INTEGER NOT NULL CHECK (active IN (0, 1)),
	request     BLOB,                                              -- opaque
	next_run    INTEGER,                                           -- microseconds since 1970 in UTC; none while it is not active
	last_run    INTEGER,
	last_result TEXT    NOT NULL CHECK (last_result IN ('', 'started', 'skipped')),
	last_detail TEXT    NOT NULL,
	CHECK ((next_run IS NOT NULL) = active),
	CHECK ((last_run IS NULL) = (last_result = '')),
	CHECK (day > 0 OR every <> 'monthly')
) STRICT;

CREATE INDEX scrip_schedules_site ON scrip_schedules (site, id);
CREATE INDEX scrip_schedules_due ON scrip_schedules (next_run, id);
