-- major: 1
--
-- Errands: runs of one stage about some rows. There may be several of them beside a site's run, so what is unique by site is a run
-- that is none. Building the index reads the runs once.
ALTER TABLE scrip.runs ADD COLUMN items text[] CHECK (cardinality(items) > 0); -- the rows that an errand is about; none of another run

CREATE UNIQUE INDEX runs_only ON scrip.runs (site) WHERE state NOT IN ('cancelled', 'failed', 'done') AND items IS NULL;
DROP INDEX scrip.runs_live;
CREATE INDEX runs_live ON scrip.runs (site) WHERE state NOT IN ('cancelled', 'failed', 'done');

-- Rows that unfinished runs have taken up, so that no two of them do the same at once. Tasks that are there already have none: only
-- an errand that is started while such a run goes on could take up a row of them.
CREATE TABLE scrip.claims (
	site   text COLLATE "C" NOT NULL,
	stage  text COLLATE "C" NOT NULL,
	row_id text COLLATE "C" NOT NULL CHECK (row_id <> ''),
	run    text COLLATE "C" NOT NULL REFERENCES scrip.runs (id),
	item   text COLLATE "C" NOT NULL,  -- the task that takes it up; empty as long as an errand is not planned
	PRIMARY KEY (site, stage, row_id)
);

CREATE INDEX claims_run ON scrip.claims (run, stage, item);
