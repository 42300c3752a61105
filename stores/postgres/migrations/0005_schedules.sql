-- major: 1
--
-- When runs are to be started. next_run is the time that is compared and set when it is dealt with, so that any number of
-- processes may look for what is due; last_run is the time before it, as it was due, and what became of it.
CREATE TABLE scrip.schedules (
	id          text COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 180),
	site        text COLLATE "C" NOT NULL CHECK (site <> ''),
	account     text COLLATE "C" NOT NULL CHECK (account <> ''),
	every       text             NOT NULL CHECK (every IN ('daily', 'weekly', 'monthly')),
	weekday     bigint           NOT NULL CHECK (weekday BETWEEN 0 AND 6),  -- of a weekly one; 0 is Sunday
	day         bigint           NOT NULL CHECK (day BETWEEN 0 AND 31),  -- of a monthly one; in shorter months their last
	hour        bigint           NOT NULL CHECK (hour BETWEEN 0 AND 23),
	minute      bigint           NOT NULL CHECK (minute BETWEEN 0 AND 59),
	zone        text             NOT NULL,  -- a name of the IANA database; UTC if empty
	catch_up    bigint           NOT NULL CHECK (catch_up >= 0),  -- microseconds; 0 for the default
	active      boolean          NOT NULL,
	request     bytea,  -- opaque
	next_run    timestamptz,  -- none while it is not active
	last_run    timestamptz,
	last_result text             NOT NULL CHECK (last_result IN ('', 'started', 'skipped')),
	last_detail text             NOT NULL,
	CHECK ((next_run IS NOT NULL) = active),
	CHECK ((last_run IS NULL) = (last_result = '')),
	CHECK (day > 0 OR every <> 'monthly')
);

CREATE INDEX schedules_site ON scrip.schedules (site, id);
CREATE INDEX schedules_due ON scrip.schedules (next_run, id);
