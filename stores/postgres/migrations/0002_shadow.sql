-- major: 1
-- What a charge would have come to by the registry version that was to come when it was made. All three are NULL if there
-- was none, and in what a release wrote that does not know them. Nobody pays by them, and no hash covers them.
ALTER TABLE scrip.usage_records
	ADD COLUMN shadow_version bigint CHECK (shadow_version > 0),
	ADD COLUMN shadow_credits bigint CHECK (shadow_credits >= 0),  -- as priced; NULL if it could not be
	ADD COLUMN shadow_reason  text;  -- why they are not what was priced for the charge; NULL if they are

-- For the report of a version. Records without a shadow are not in it.
CREATE INDEX usage_records_shadow ON scrip.usage_records (shadow_version, account, at) WHERE shadow_version IS NOT NULL;
