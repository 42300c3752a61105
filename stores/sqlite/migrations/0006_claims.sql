-- major: 1
--
-- Errands: runs of one stage about some rows. There may be several of them beside a site's run, so what is unique by site is a run
-- that is none. scrip_runs_live keeps its name and its rows, because the release before asks for it by name; there its uniqueness
-- goes. Building both reads the runs once.
ALTER TABLE scrip_runs ADD COLUMN items TEXT CHECK (json_valid(items)); -- the rows that an errand is about; none of another run

CREATE UNIQUE INDEX scrip_runs_only ON scrip_runs (site) WHERE state NOT IN ('cancelled', 'failed', 'done') AND items IS NULL;
DROP INDEX scrip_runs_live;
CREATE INDEX scrip_runs_live ON scrip_runs (site) WHERE state NOT IN ('cancelled', 'failed', 'done');

-- Rows that unfinished runs have taken up, so that no two of them do the same at once. Tasks that are there already have none: only
-- an errand that is started while such a run goes on could take up a row of them.
CREATE TABLE scrip_claims (
	site   TEXT NOT NULL,
	stage  TEXT NOT NULL,
	row_id TEXT NOT NULL CHECK (row_id <> ''),
	run    TEXT NOT NULL REFERENCES scrip_runs (id),
	item   TEXT NOT NULL,  -- the task that takes it up; empty as long as an errand is not planned
	PRIMARY KEY (site, stage, row_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX scrip_claims_run ON scrip_claims (run, stage, item);
