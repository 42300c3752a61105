-- major: 1
--
-- How much of what waits for a stage a run takes up; everything if NULL.
ALTER TABLE scrip.stages ADD COLUMN max_items bigint CHECK (max_items >= 1);
