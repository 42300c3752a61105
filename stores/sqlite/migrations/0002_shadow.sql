-- major: 1
-- What a charge would have come to by the registry version that was to come when it was made. All three are NULL if there
-- was none, and in what a release wrote that does not know them. Nobody pays by them, and no hash covers them.
ALTER TABLE scrip_usage_records ADD COLUMN shadow_version INTEGER CHECK (shadow_version > 0);
ALTER TABLE scrip_usage_records ADD COLUMN shadow_credits INTEGER CHECK (shadow_credits >= 0);  -- as priced; NULL if it could not be
ALTER TABLE scrip_usage_records ADD COLUMN shadow_reason TEXT;  -- why they are not what was priced for the charge; NULL if they are

-- For the report of a version. Records without a shadow are not in it.
CREATE INDEX scrip_usage_records_shadow ON scrip_usage_records (shadow_version, account, at) WHERE shadow_version IS NOT NULL;
