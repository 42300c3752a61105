-- major: 1
--
-- Times are microseconds since 1970 in UTC. Credits are whole numbers; money of the real world is a decimal as text,
-- because SQLite's own numbers would round it. What is opaque to the ledger is a BLOB. A column has the name that the
-- field has in Go and in JSON. A word out of several is checked by OR, because for IN of more than two SQLite fills a
-- table at every statement.

-- Ledger

-- What an account has. The row sums up its entries, its buckets and its open holds, so that most is read in one row.
CREATE TABLE scrip_accounts (
	account TEXT    NOT NULL PRIMARY KEY CHECK (octet_length(account) BETWEEN 1 AND 200),
	posted  INTEGER NOT NULL,                      -- credits: the sum of all entries; negative is debt
	held    INTEGER NOT NULL CHECK (held >= 0),    -- credits: the sum of the open holds, expired ones not yet closed included
	debt    INTEGER NOT NULL CHECK (debt >= 0),    -- credits charged beyond what there was, and not paid yet
	entries INTEGER NOT NULL CHECK (entries >= 0), -- the number of the last entry
	head    BLOB    NOT NULL CHECK (length(head) = 32),  -- the hash of the last entry
	events  INTEGER NOT NULL CHECK (events >= 0),           -- the number of the last event
	alert_below INTEGER NOT NULL CHECK (alert_below >= 0),  -- credits: there is an event when posted falls below; 0 for none
	alerted     INTEGER NOT NULL CHECK (alerted IN (0, 1))  -- whether it is below, and there was the event
) STRICT, WITHOUT ROWID;

-- The immutable lines of an account.
CREATE TABLE scrip_entries (
	account       TEXT    NOT NULL REFERENCES scrip_accounts,
	number        INTEGER NOT NULL CHECK (number >= 1),  -- 1, 2, 3 … without gaps in an account
	kind          TEXT    NOT NULL,
	amount        INTEGER NOT NULL,                      -- credits: positive if it adds to the account
	balance_after INTEGER NOT NULL,                      -- posted after this entry
	key           TEXT    NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 400),
	charge        TEXT    NOT NULL,                      -- the key that a refund is of
	operation     TEXT    NOT NULL,
	scope         TEXT    NOT NULL,
	who           TEXT    NOT NULL,
	note          TEXT    NOT NULL,
	lots          TEXT    NOT NULL CHECK (json_valid(lots)),  -- the buckets that it moved credits of
	at            INTEGER NOT NULL,
	hash          BLOB    NOT NULL CHECK (length(hash) = 32),
	PRIMARY KEY (account, number),
	CHECK (CASE kind WHEN 'settle' THEN amount <= 0 WHEN 'grant' THEN amount > 0 WHEN 'renew' THEN amount > 0
		WHEN 'refund' THEN amount > 0 WHEN 'expired' THEN amount < 0 WHEN 'adjust' THEN amount <> 0 ELSE 0 END),
	CHECK ((kind = 'refund') = (charge <> '')),
	CHECK ((kind IN ('refund', 'adjust')) = (who <> ''))
) STRICT, WITHOUT ROWID;

-- A key posts once, so that it can be answered again. A settled key is found by its hold.
CREATE UNIQUE INDEX scrip_entries_keyed ON scrip_entries (account, key) WHERE kind <> 'settle' AND kind <> 'expired';

-- Credits that were added together, and what became of them.
CREATE TABLE scrip_buckets (
	account    TEXT    NOT NULL,
	number     INTEGER NOT NULL,  -- of the entry that made it
	key        TEXT    NOT NULL,
	kind       TEXT    NOT NULL CHECK (kind = 'plan' OR kind = 'purchase' OR kind = 'bonus' OR kind = 'promo' OR kind = 'adjustment' OR kind = 'refund'),
	priority   INTEGER NOT NULL,  -- the lower, the earlier it is burned
	expires_at INTEGER,           -- never if NULL
	renewed_at INTEGER,           -- when a renewal ended it before that
	amount     INTEGER NOT NULL CHECK (amount > 0),
	charged    INTEGER NOT NULL CHECK (charged >= 0),
	refunded   INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND charged),
	expired    INTEGER NOT NULL CHECK (expired >= 0),
	paid_debt  INTEGER NOT NULL CHECK (paid_debt >= 0),
	pinned     INTEGER NOT NULL CHECK (pinned BETWEEN 0 AND amount + refunded - charged - expired - paid_debt),
	PRIMARY KEY (account, number),
	FOREIGN KEY (account, number) REFERENCES scrip_entries (account, number)
) STRICT, WITHOUT ROWID;

-- Every decision about an account reads the buckets of which something remains.
CREATE INDEX scrip_buckets_left ON scrip_buckets (account) WHERE amount + refunded - charged - expired - paid_debt > 0;

-- Credits set aside for one operation. One row for each key, for ever: a later hold of the key takes the row over.
-- The table has a rowid because pinned can be long.
CREATE TABLE scrip_holds (
	account      TEXT    NOT NULL REFERENCES scrip_accounts,
	key          TEXT    NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 400),
	operation    TEXT    NOT NULL CHECK (operation <> ''),
	scope        TEXT    NOT NULL,
	state        TEXT    NOT NULL CHECK (state = 'open' OR state = 'settled' OR state = 'released' OR state = 'expired'),
	amount       INTEGER NOT NULL CHECK (amount > 0),  -- credits; what the hold took, also after it was closed
	fingerprint  BLOB    NOT NULL CHECK (length(fingerprint) = 32),
	holder       TEXT    NOT NULL CHECK (holder <> ''),
	fence        INTEGER NOT NULL CHECK (fence >= 0),
	lease        INTEGER NOT NULL CHECK (lease > 0),   -- microseconds that the holder may be silent
	lease_until  INTEGER NOT NULL,                     -- when another holder may take over
	expires_at   INTEGER NOT NULL,                     -- when the hold gives its credits back by itself
	pinned       BLOB,                                 -- opaque
	created_at   INTEGER NOT NULL,
	lots         TEXT    NOT NULL CHECK (json_valid(lots)),  -- the buckets that an open hold has taken, or that a settled one was charged to
	refunded     INTEGER NOT NULL CHECK (refunded >= 0),     -- credits of the charge that were given back
	PRIMARY KEY (account, key)
) STRICT;

-- Each decision about an account looks for holds to expire, and each balance sums them up.
CREATE INDEX scrip_holds_open ON scrip_holds (account, expires_at, amount) WHERE state = 'open';

-- Dispatches to a provider.
CREATE TABLE scrip_attempts (
	seq           INTEGER PRIMARY KEY,  -- the order in which they were begun
	account       TEXT    NOT NULL,
	key           TEXT    NOT NULL,
	id            TEXT    NOT NULL CHECK (id <> ''),
	scope         TEXT    NOT NULL,
	holder        TEXT    NOT NULL,     -- the holder that began it
	provider      TEXT    NOT NULL,
	model         TEXT    NOT NULL,
	key_id        TEXT    NOT NULL,     -- names the API key
	job_id        TEXT    NOT NULL,     -- the upstream's id of an asynchronous job
	request_id    TEXT    NOT NULL,     -- the upstream's id of the request
	fate          TEXT    NOT NULL,     -- empty while the attempt is open
	error         TEXT    NOT NULL,
	-- What was measured, in units. NULL is unknown, which is not zero.
	input              INTEGER CHECK (input >= 0),
	cached_input       INTEGER CHECK (cached_input >= 0),
	cache_write        INTEGER CHECK (cache_write >= 0),
	image_input        INTEGER CHECK (image_input >= 0),
	cached_image_input INTEGER CHECK (cached_image_input >= 0),
	output             INTEGER CHECK (output >= 0),
	reasoning          INTEGER CHECK (reasoning >= 0),
	image_output       INTEGER CHECK (image_output >= 0),
	images             INTEGER CHECK (images >= 0),
	cost          TEXT,                 -- USD by the pinned prices
	reported_cost TEXT,                 -- USD as the provider said
	begun_at      INTEGER NOT NULL,
	finished_at   INTEGER,
	UNIQUE (account, key, id),
	FOREIGN KEY (account, key) REFERENCES scrip_holds (account, key),
	CHECK ((fate = '') = (finished_at IS NULL))
) STRICT;

CREATE INDEX scrip_attempts_account ON scrip_attempts (account);
CREATE INDEX scrip_attempts_scope ON scrip_attempts (account, scope) WHERE scope <> '';

-- What a charge was for; one row for each settle entry.
CREATE TABLE scrip_usage_records (
	account       TEXT    NOT NULL,
	entry         INTEGER NOT NULL,  -- the number of the settle entry
	key           TEXT    NOT NULL,
	operation     TEXT    NOT NULL,
	scope         TEXT    NOT NULL,
	provider      TEXT    NOT NULL,
	model         TEXT    NOT NULL,
	attempt       TEXT    NOT NULL,  -- the id of the attempt whose answer was delivered; may be empty
	input              INTEGER CHECK (input >= 0),
	cached_input       INTEGER CHECK (cached_input >= 0),
	cache_write        INTEGER CHECK (cache_write >= 0),
	image_input        INTEGER CHECK (image_input >= 0),
	cached_image_input INTEGER CHECK (cached_image_input >= 0),
	output             INTEGER CHECK (output >= 0),
	reasoning          INTEGER CHECK (reasoning >= 0),
	image_output       INTEGER CHECK (image_output >= 0),
	images             INTEGER CHECK (images >= 0),
	exact         TEXT    NOT NULL,                             -- credits before rounding
	charged       INTEGER NOT NULL CHECK (charged >= 0),        -- credits
	written_off   INTEGER NOT NULL CHECK (written_off >= 0),    -- credits above the hold
	cost          TEXT    NOT NULL,                             -- USD
	reported_cost TEXT,                                         -- USD
	price_version INTEGER NOT NULL,
	at            INTEGER NOT NULL,
	PRIMARY KEY (account, entry),
	FOREIGN KEY (account, entry) REFERENCES scrip_entries (account, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX scrip_usage_records_scope ON scrip_usage_records (account, scope, entry) WHERE scope <> '';

-- What a settled key brought. The primary key is the rule that a key is settled once, for ever.
-- The table has a rowid because result can be long.
CREATE TABLE scrip_receipts (
	account     TEXT    NOT NULL,
	key         TEXT    NOT NULL,
	fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
	entry       INTEGER NOT NULL,
	charged     INTEGER NOT NULL CHECK (charged >= 0),  -- credits
	result      BLOB    CHECK (length(result) <= 1048576),
	digest      BLOB    NOT NULL CHECK (length(digest) = 32),  -- SHA-256 of result
	pruned      INTEGER NOT NULL CHECK (pruned IN (0, 1)),     -- whether result was let go
	PRIMARY KEY (account, key),
	UNIQUE (account, entry),
	FOREIGN KEY (account, key) REFERENCES scrip_holds (account, key),
	FOREIGN KEY (account, entry) REFERENCES scrip_usage_records (account, entry),
	CHECK (pruned = 0 OR result IS NULL)
) STRICT;

-- What an account may use, and what counts against that.
CREATE TABLE scrip_caps (
	account    TEXT    NOT NULL REFERENCES scrip_accounts,
	name       TEXT    NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
	operation  TEXT    NOT NULL,  -- that it counts; empty for all
	scope      TEXT    NOT NULL,  -- that it counts; empty for all
	"window"   TEXT    NOT NULL CHECK ("window" = 'ever' OR "window" = 'day' OR "window" = 'week' OR "window" = 'month'),
	first_day  INTEGER NOT NULL,  -- of the week or the month
	zone       TEXT    NOT NULL,  -- whose midnight it is; empty for UTC
	"limit"    INTEGER NOT NULL CHECK ("limit" >= 0),  -- credits
	warn_at    INTEGER NOT NULL CHECK (warn_at >= 0),     -- credits at which there is an event; 0 for none
	used       INTEGER NOT NULL,  -- credits: held, or charged and not refunded, by holds created at or after since
	since      INTEGER,           -- when the window began; NULL for ever
	warned     INTEGER NOT NULL CHECK (warned IN (0, 1)),   -- whether there was the event for warn_at in the window
	reached    INTEGER NOT NULL CHECK (reached IN (0, 1)),  -- whether there was one for a refusal
	PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

-- The sums of usage records by quarters of an hour, in which the days of every zone can be counted. Each record is in two:
-- its account's, and its scope's. A sum of credits or units that does not fit is the largest number.
CREATE TABLE scrip_usage_totals (
	account     TEXT    NOT NULL REFERENCES scrip_accounts,
	scoped      INTEGER NOT NULL CHECK (scoped IN (0, 1)),  -- whether it is the scope's, and not the account's
	slot        INTEGER NOT NULL,  -- when the quarter of an hour began
	scope       TEXT    NOT NULL,
	operation   TEXT    NOT NULL,
	provider    TEXT    NOT NULL,
	model       TEXT    NOT NULL,
	first_entry INTEGER NOT NULL,  -- the lowest number among the records
	last_entry  INTEGER NOT NULL,  -- the highest
	records     INTEGER NOT NULL,  -- how many they are
	charged     INTEGER NOT NULL,  -- credits
	written_off INTEGER NOT NULL,  -- credits
	refunded    INTEGER NOT NULL,  -- credits that were given back, whenever that was
	input              INTEGER,
	cached_input       INTEGER,
	cache_write        INTEGER,
	image_input        INTEGER,
	cached_image_input INTEGER,
	output             INTEGER,
	reasoning          INTEGER,
	image_output       INTEGER,
	images             INTEGER,
	cost        TEXT    NOT NULL,  -- USD
	PRIMARY KEY (account, scoped, slot, scope, operation, provider, model)
) STRICT, WITHOUT ROWID;

CREATE INDEX scrip_usage_totals_scope ON scrip_usage_totals (account, scope, slot) WHERE scoped = 1;
CREATE INDEX scrip_usage_totals_slot ON scrip_usage_totals (scoped, slot);

-- What the host may want to act on, until it is acknowledged.
CREATE TABLE scrip_events (
	account TEXT    NOT NULL REFERENCES scrip_accounts,
	number  INTEGER NOT NULL CHECK (number >= 1),  -- 1, 2, 3 … in an account
	kind    TEXT    NOT NULL CHECK (kind = 'low_balance' OR kind = 'cap_warning' OR kind = 'cap_reached' OR kind = 'written_off'),
	key     TEXT    NOT NULL,  -- of the mutation that caused it; may be empty
	cap     TEXT    NOT NULL,  -- the name of a cap
	amount  INTEGER NOT NULL,  -- credits: written off, or the bound that was met
	now     INTEGER NOT NULL,  -- credits: posted, or used of the cap
	at      INTEGER NOT NULL,
	PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX scrip_events_at ON scrip_events (at, account, number);

-- Registry

-- Every version of the configuration, whole: a version is read and compared as one document and never by its parts. In force
-- is the highest version whose effective_at has come.
CREATE TABLE scrip_configurations (
	version      INTEGER NOT NULL PRIMARY KEY CHECK (version >= 1),
	at           INTEGER NOT NULL,
	effective_at INTEGER NOT NULL CHECK (effective_at >= at),
	who          TEXT    NOT NULL CHECK (who <> ''),
	why          TEXT    NOT NULL CHECK (why <> ''),
	document     TEXT    NOT NULL CHECK (json_valid(document))
) STRICT;

-- Automation

CREATE TABLE scrip_runs (
	seq        INTEGER PRIMARY KEY,  -- the order in which they were created
	id         TEXT    NOT NULL UNIQUE CHECK (id <> ''),
	site       TEXT    NOT NULL CHECK (site <> ''),
	account    TEXT    NOT NULL CHECK (account <> ''),
	state      TEXT    NOT NULL CHECK (state IN ('running', 'pausing', 'paused', 'canceling', 'cancelled', 'failed', 'done')),
	reason     TEXT    NOT NULL,
	detail     TEXT    NOT NULL,
	stage      TEXT    NOT NULL,     -- the stage it is in; the last one once it is done
	estimate   INTEGER NOT NULL,     -- credits
	created_at INTEGER NOT NULL,
	ended_at   INTEGER,              -- when it became terminal
	FOREIGN KEY (id, stage) REFERENCES scrip_stages (run, stage) DEFERRABLE INITIALLY DEFERRED,
	CHECK ((state IN ('cancelled', 'failed', 'done')) = (ended_at IS NOT NULL))
) STRICT;

-- One run of a site that is not terminal.
CREATE UNIQUE INDEX scrip_runs_live ON scrip_runs (site) WHERE state NOT IN ('cancelled', 'failed', 'done');
CREATE INDEX scrip_runs_site ON scrip_runs (site);
CREATE INDEX scrip_runs_claimable ON scrip_runs (id) WHERE state IN ('running', 'canceling');

-- The stages of a run in order, with counters: whether a stage is done is not found by counting its tasks.
CREATE TABLE scrip_stages (
	run      TEXT    NOT NULL REFERENCES scrip_runs (id),
	position INTEGER NOT NULL CHECK (position >= 0),
	stage    TEXT    NOT NULL CHECK (stage <> ''),
	finisher INTEGER NOT NULL CHECK (finisher IN (0, 1)),    -- whether it ends with a Finish task
	state    TEXT    NOT NULL CHECK (state IN ('pending', 'planning', 'running', 'done')),
	total    INTEGER NOT NULL DEFAULT 0 CHECK (total >= 0),  -- tasks planned, the Finish task left out
	done     INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),   -- tasks saved, the Finish task left out
	failed   INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0), -- tasks given up, the Finish task left out
	leased   INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0), -- tasks in state leased, the Finish task included
	created  INTEGER NOT NULL DEFAULT 0,                     -- rows that saving made
	credits  INTEGER NOT NULL DEFAULT 0,                     -- charged for tasks that were saved
	PRIMARY KEY (run, position),
	UNIQUE (run, stage),
	CHECK (done + failed <= total)
) STRICT, WITHOUT ROWID;

CREATE TABLE scrip_tasks (
	seq        INTEGER PRIMARY KEY,  -- the order of planning
	run        TEXT    NOT NULL,
	stage      TEXT    NOT NULL,
	item       TEXT    NOT NULL CHECK (item <> ''),
	input      BLOB,                 -- opaque
	state      TEXT    NOT NULL CHECK (state = 'ready' OR state = 'leased' OR state = 'done' OR state = 'failed' OR state = 'dropped'),
	-- When the task may be claimed: from its planning or its retry on while it is ready, from the end of its lease on
	-- while it is leased.
	due_at     INTEGER NOT NULL,
	owner      TEXT    NOT NULL DEFAULT '',                            -- who leased it
	generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),     -- how often it was claimed
	attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),       -- how many tries failed
	cause      TEXT    NOT NULL DEFAULT '',                            -- why the last try ended, if it was not saved
	UNIQUE (run, stage, item),
	FOREIGN KEY (run, stage) REFERENCES scrip_stages (run, stage),
	CHECK ((state = 'leased') = (owner <> ''))
) STRICT;

-- Claims walk the open tasks of a stage in the order of planning.
CREATE INDEX scrip_tasks_open ON scrip_tasks (run, stage, seq, due_at) WHERE state IN ('ready', 'leased');
CREATE INDEX scrip_tasks_leased ON scrip_tasks (run, due_at) WHERE state = 'leased';
-- Cancelling a run looks for the open tasks that were claimed before.
CREATE INDEX scrip_tasks_touched ON scrip_tasks (run, seq, due_at) WHERE state IN ('ready', 'leased') AND generation > 0;
CREATE INDEX scrip_tasks_failed ON scrip_tasks (run, seq) WHERE state = 'failed';

-- Content
--
-- Each row belongs to a site, and the foreign keys hold the site as well: rows of different sites never meet. Lists
-- inside a row are JSON.

CREATE TABLE scrip_clusters (
	id          TEXT    NOT NULL PRIMARY KEY,
	site        TEXT    NOT NULL,
	position    INTEGER NOT NULL,
	status      TEXT    NOT NULL CHECK (status IN ('new', 'mapped')),
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	name        TEXT    NOT NULL CHECK (name <> ''),
	description TEXT    NOT NULL,
	UNIQUE (site, id)
) STRICT;

CREATE INDEX scrip_clusters_order ON scrip_clusters (site, position, id, status);

CREATE TABLE scrip_keywords (
	id         TEXT    NOT NULL PRIMARY KEY,
	site       TEXT    NOT NULL,
	position   INTEGER NOT NULL,
	status     TEXT    NOT NULL CHECK (status IN ('new', 'mapped')),
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	text       TEXT    NOT NULL CHECK (text <> ''),
	volume     INTEGER,  -- searches per month
	difficulty INTEGER,  -- 0 to 100
	cluster    TEXT,     -- once mapped
	FOREIGN KEY (site, cluster) REFERENCES scrip_clusters (site, id),
	CHECK (status <> 'mapped' OR cluster IS NOT NULL)
) STRICT;

CREATE INDEX scrip_keywords_order ON scrip_keywords (site, position, id, status);
CREATE INDEX scrip_keywords_cluster ON scrip_keywords (cluster, position, id) WHERE cluster IS NOT NULL;

CREATE TABLE scrip_ideas (
	id                 TEXT    NOT NULL PRIMARY KEY,
	site               TEXT    NOT NULL,
	position           INTEGER NOT NULL,
	status             TEXT    NOT NULL CHECK (status IN ('new', 'queued', 'completed')),
	created_at         INTEGER NOT NULL,
	updated_at         INTEGER NOT NULL,
	cluster            TEXT    NOT NULL,
	title              TEXT    NOT NULL CHECK (title <> ''),
	description        TEXT    NOT NULL,
	content_type       TEXT    NOT NULL,
	content_structure  TEXT    NOT NULL,
	primary_keyword    TEXT    NOT NULL,
	secondary_keywords TEXT    NOT NULL CHECK (json_valid(secondary_keywords)),
	outline            TEXT    NOT NULL CHECK (json_valid(outline)),
	word_count         INTEGER NOT NULL,
	UNIQUE (site, id),
	FOREIGN KEY (site, cluster) REFERENCES scrip_clusters (site, id)
) STRICT;

CREATE INDEX scrip_ideas_order ON scrip_ideas (site, position, id, status);
CREATE INDEX scrip_ideas_cluster ON scrip_ideas (cluster, position, id);

-- The tasks of the content; those of the automation are in scrip_tasks.
CREATE TABLE scrip_content_tasks (
	id                 TEXT    NOT NULL PRIMARY KEY,
	site               TEXT    NOT NULL,
	position           INTEGER NOT NULL,
	status             TEXT    NOT NULL CHECK (status IN ('queued', 'completed')),
	created_at         INTEGER NOT NULL,
	updated_at         INTEGER NOT NULL,
	cluster            TEXT    NOT NULL,
	idea               TEXT,
	title              TEXT    NOT NULL CHECK (title <> ''),
	description        TEXT    NOT NULL,
	content_type       TEXT    NOT NULL,
	content_structure  TEXT    NOT NULL,
	primary_keyword    TEXT    NOT NULL,
	secondary_keywords TEXT    NOT NULL CHECK (json_valid(secondary_keywords)),
	outline            TEXT    NOT NULL CHECK (json_valid(outline)),
	word_count         INTEGER NOT NULL,
	UNIQUE (site, id),
	FOREIGN KEY (site, cluster) REFERENCES scrip_clusters (site, id),
	FOREIGN KEY (site, idea) REFERENCES scrip_ideas (site, id)
) STRICT;

CREATE INDEX scrip_content_tasks_order ON scrip_content_tasks (site, position, id, status);
CREATE INDEX scrip_content_tasks_cluster ON scrip_content_tasks (cluster, position, id);

CREATE TABLE scrip_articles (
	id                 TEXT    NOT NULL PRIMARY KEY,
	site               TEXT    NOT NULL,
	position           INTEGER NOT NULL,
	status             TEXT    NOT NULL CHECK (status IN ('draft', 'review', 'approved')),
	created_at         INTEGER NOT NULL,
	updated_at         INTEGER NOT NULL,
	cluster            TEXT,
	task               TEXT,
	title              TEXT    NOT NULL CHECK (title <> ''),
	slug               TEXT    NOT NULL CHECK (slug <> ''),
	html               TEXT    NOT NULL CHECK (html <> ''),
	excerpt            TEXT    NOT NULL,
	meta_title         TEXT    NOT NULL,
	meta_description   TEXT    NOT NULL,
	primary_keyword    TEXT    NOT NULL,
	secondary_keywords TEXT    NOT NULL CHECK (json_valid(secondary_keywords)),
	categories         TEXT    NOT NULL CHECK (json_valid(categories)),
	tags               TEXT    NOT NULL CHECK (json_valid(tags)),
	word_count         INTEGER NOT NULL,
	site_status        TEXT    NOT NULL CHECK (site_status IN ('not_published', 'published', 'failed')),
	external_id        TEXT    NOT NULL,
	external_url       TEXT    NOT NULL,
	raw                BLOB,  -- the model's whole answer
	UNIQUE (site, id),
	UNIQUE (site, slug),
	FOREIGN KEY (site, cluster) REFERENCES scrip_clusters (site, id),
	FOREIGN KEY (site, task) REFERENCES scrip_content_tasks (site, id)
) STRICT;

CREATE INDEX scrip_articles_order ON scrip_articles (site, position, id, status);
CREATE INDEX scrip_articles_cluster ON scrip_articles (cluster, position, id) WHERE cluster IS NOT NULL;

-- The bytes of a picture are in the blob store; the row says where.
CREATE TABLE scrip_images (
	id          TEXT    NOT NULL PRIMARY KEY,
	site        TEXT    NOT NULL,
	position    INTEGER NOT NULL,
	status      TEXT    NOT NULL CHECK (status IN ('pending', 'generated', 'failed')),
	created_at  INTEGER NOT NULL,
	updated_at  INTEGER NOT NULL,
	article     TEXT    NOT NULL,
	type        TEXT    NOT NULL CHECK (type IN ('featured', 'in_article')),
	ordinal     INTEGER NOT NULL,
	prompt      TEXT    NOT NULL CHECK (prompt <> ''),
	alt         TEXT    NOT NULL,
	blob_name   TEXT    NOT NULL,
	blob_sha256 TEXT    NOT NULL,
	blob_size   INTEGER NOT NULL,  -- bytes
	blob_type   TEXT    NOT NULL,
	blob_width  INTEGER NOT NULL,  -- pixels
	blob_height INTEGER NOT NULL,
	UNIQUE (article, type, ordinal),
	FOREIGN KEY (site, article) REFERENCES scrip_articles (site, id),
	CHECK (status <> 'generated' OR blob_name <> '')
) STRICT;

CREATE INDEX scrip_images_order ON scrip_images (site, position, id, status);
CREATE INDEX scrip_images_article ON scrip_images (article, position, id);

-- API keys
--
-- What is sealed does not open without the host's key ring, which is never in the database, nor at another place.

-- The history of all keys, also of those that were deleted. Its last number is what tells other processes of a change.
CREATE TABLE scrip_key_changes (
	number   INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),  -- 1, 2, 3 … without gaps
	provider TEXT    NOT NULL,
	account  TEXT    NOT NULL,
	id       TEXT    NOT NULL,
	action   TEXT    NOT NULL CHECK (action = 'added' OR action = 'replaced' OR action = 'deleted'),
	active   INTEGER NOT NULL CHECK (active IN (0, 1)),  -- whether the key was active after it
	ring_key TEXT    NOT NULL,                           -- that sealed it after the change; empty if it was deleted
	who      TEXT    NOT NULL CHECK (who <> ''),
	why      TEXT    NOT NULL CHECK (why <> ''),
	at       INTEGER NOT NULL,
	CHECK (action <> 'deleted' OR active = 0 AND ring_key = '')
) STRICT;

CREATE TABLE scrip_keys (
	provider TEXT    NOT NULL CHECK (octet_length(provider) BETWEEN 1 AND 200),
	account  TEXT    NOT NULL CHECK (octet_length(account) <= 200),  -- whose key it is; empty for the system's
	id       TEXT    NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 64),
	version  INTEGER NOT NULL UNIQUE REFERENCES scrip_key_changes,  -- the number of its last change
	added    INTEGER NOT NULL UNIQUE REFERENCES scrip_key_changes,  -- the number of the change that added it
	active   INTEGER NOT NULL CHECK (active IN (0, 1)),             -- whether it is used
	sealed   BLOB    NOT NULL CHECK (length(sealed) > 0),           -- the form says which ring key opens it
	who      TEXT    NOT NULL CHECK (who <> ''),                    -- made the last change
	why      TEXT    NOT NULL CHECK (why <> ''),
	at       INTEGER NOT NULL,                                      -- of the last change
	PRIMARY KEY (provider, account, id),
	CHECK (added <= version)
) STRICT, WITHOUT ROWID;
