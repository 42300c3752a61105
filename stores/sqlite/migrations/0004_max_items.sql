-- major: 1
--
-- How much of what waits for a stage a run takes up; everything if NULL.
ALTER TABLE scrip_stages ADD COLUMN max_items INTEGER CHECK (max_items >= 1);
