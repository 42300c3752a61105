-- major: 1
--
-- The schema is named scrip here and gets the name that the host chose. Credits are whole numbers; money of the real
-- world is numeric, which rounds nothing. What is opaque is bytea. Names have the collation "C": they are compared and
-- ordered by their bytes, as in Go, whatever the database's own order is. A column has the name that the field has in Go
-- and in JSON.

-- Ledger

-- What an account has. The row sums up its entries, its buckets and its open holds, so that most is read in one row.
CREATE TABLE scrip.accounts (
	account text COLLATE "C" NOT NULL PRIMARY KEY CHECK (octet_length(account) BETWEEN 1 AND 200),
	posted  bigint           NOT NULL,  -- credits: the sum of all entries; negative is debt
	held    bigint           NOT NULL CHECK (held >= 0),  -- credits: the sum of the open holds, expired ones not yet closed included
	debt    bigint           NOT NULL CHECK (debt >= 0),  -- credits charged beyond what there was, and not paid yet
	entries bigint           NOT NULL CHECK (entries >= 0),  -- the number of the last entry
	head    bytea            NOT NULL CHECK (length(head) = 32),  -- the hash of the last entry
	events  bigint           NOT NULL CHECK (events >= 0),  -- the number of the last event
	alert_below bigint       NOT NULL CHECK (alert_below >= 0),  -- credits: there is an event when posted falls below; 0 for none
	alerted     boolean      NOT NULL  -- whether it is below, and there was the event
);

-- The immutable lines of an account.
CREATE TABLE scrip.entries (
	account       text COLLATE "C" NOT NULL REFERENCES scrip.accounts,
	number        bigint           NOT NULL CHECK (number >= 1),  -- 1, 2, 3 … without gaps in an account
	kind          text             NOT NULL,
	amount        bigint           NOT NULL,  -- credits: positive if it adds to the account
	balance_after bigint           NOT NULL,  -- posted after this entry
	key           text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 400),
	charge        text COLLATE "C" NOT NULL,  -- the key that a refund is of
	operation     text             NOT NULL,
	scope         text COLLATE "C" NOT NULL,
	who           text             NOT NULL,
	note          text             NOT NULL,
	lots          json             NOT NULL,  -- the buckets that it moved credits of
	at            timestamptz      NOT NULL,
	hash          bytea            NOT NULL CHECK (length(hash) = 32),
	PRIMARY KEY (account, number),
	CHECK (kind IN ('grant', 'renew', 'refund') AND amount > 0 OR kind = 'settle' AND amount <= 0
		OR kind = 'expired' AND amount < 0 OR kind = 'adjust' AND amount <> 0),
	CHECK ((kind = 'refund') = (charge <> '')),
	CHECK ((kind IN ('refund', 'adjust')) = (who <> ''))
);

-- A key posts once, so that it can be answered again. A settled key is found by its hold.
-- "POSIX" compares as "C" does, and is another name to the planner: a look for a key says POSIX and can use this index
-- only, and one for a number cannot use it. Without statistics, on a table that has just begun to grow, it would take the
-- wrong one of two that begin with the account, and read the whole account for each key.
CREATE UNIQUE INDEX entries_keyed ON scrip.entries (account COLLATE "POSIX", key) WHERE kind IN ('grant', 'renew', 'refund', 'adjust');

-- Credits that were added together, and what became of them.
CREATE TABLE scrip.buckets (
	account    text COLLATE "C" NOT NULL,
	number     bigint           NOT NULL,  -- of the entry that made it
	key        text COLLATE "C" NOT NULL,
	kind       text             NOT NULL CHECK (kind IN ('plan', 'purchase', 'bonus', 'promo', 'adjustment', 'refund')),
	priority   bigint           NOT NULL,  -- the lower, the earlier it is burned
	expires_at timestamptz,  -- never if NULL
	renewed_at timestamptz,  -- when a renewal ended it before that
	amount     bigint           NOT NULL CHECK (amount > 0),
	charged    bigint           NOT NULL CHECK (charged >= 0),
	refunded   bigint           NOT NULL CHECK (refunded BETWEEN 0 AND charged),
	expired    bigint           NOT NULL CHECK (expired >= 0),
	paid_debt  bigint           NOT NULL CHECK (paid_debt >= 0),
	pinned     bigint           NOT NULL CHECK (pinned BETWEEN 0 AND amount + refunded - charged - expired - paid_debt),
	PRIMARY KEY (account, number),
	FOREIGN KEY (account, number) REFERENCES scrip.entries (account, number)
);

-- Every decision about an account reads the buckets of which something remains.
CREATE INDEX buckets_left ON scrip.buckets (account) WHERE amount + refunded - charged - expired - paid_debt > 0;

-- Credits set aside for one operation. One row for each key, for ever: a later hold of the key takes the row over.
CREATE TABLE scrip.holds (
	account     text COLLATE "C" NOT NULL REFERENCES scrip.accounts,
	key         text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 400),
	operation   text             NOT NULL CHECK (operation <> ''),
	scope       text COLLATE "C" NOT NULL,
	state       text             NOT NULL CHECK (state IN ('open', 'settled', 'released', 'expired')),
	amount      bigint           NOT NULL CHECK (amount > 0),  -- credits; what the hold took, also after it was closed
	fingerprint bytea            NOT NULL CHECK (length(fingerprint) = 32),
	holder      text             NOT NULL CHECK (holder <> ''),
	fence       bigint           NOT NULL CHECK (fence >= 0),
	lease       bigint           NOT NULL CHECK (lease > 0),  -- microseconds that the holder may be silent
	lease_until timestamptz      NOT NULL,  -- when another holder may take over
	expires_at  timestamptz      NOT NULL,  -- when the hold gives its credits back by itself
	pinned      bytea,  -- opaque
	created_at  timestamptz      NOT NULL,
	lots        json             NOT NULL,  -- the buckets that an open hold has taken, or that a settled one was charged to
	refunded    bigint           NOT NULL CHECK (refunded >= 0),  -- credits of the charge that were given back
	PRIMARY KEY (account, key)
);

-- Each decision about an account looks for holds to expire, and each balance sums them up.
CREATE INDEX holds_open ON scrip.holds (account, expires_at, amount) WHERE state = 'open';

-- Dispatches to a provider.
CREATE TABLE scrip.attempts (
	seq                bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order in which they were begun
	account            text COLLATE "C" NOT NULL,
	key                text COLLATE "C" NOT NULL,
	id                 text COLLATE "C" NOT NULL CHECK (id <> ''),
	scope              text COLLATE "C" NOT NULL,
	holder             text             NOT NULL,  -- the holder that began it
	provider           text             NOT NULL,
	model              text             NOT NULL,
	key_id             text             NOT NULL,  -- names the API key
	job_id             text             NOT NULL,  -- the upstream's id of an asynchronous job
	request_id         text             NOT NULL,  -- the upstream's id of the request
	fate               text             NOT NULL,  -- empty while the attempt is open
	error              text             NOT NULL,
	-- What was measured, in units. NULL is unknown, which is not zero.
	input              bigint           CHECK (input >= 0),
	cached_input       bigint           CHECK (cached_input >= 0),
	cache_write        bigint           CHECK (cache_write >= 0),
	image_input        bigint           CHECK (image_input >= 0),
	cached_image_input bigint           CHECK (cached_image_input >= 0),
	output             bigint           CHECK (output >= 0),
	reasoning          bigint           CHECK (reasoning >= 0),
	image_output       bigint           CHECK (image_output >= 0),
	images             bigint           CHECK (images >= 0),
	cost               numeric,  -- USD by the pinned prices
	reported_cost      numeric,  -- USD as the provider said
	begun_at           timestamptz      NOT NULL,
	finished_at        timestamptz,
	UNIQUE (account, key, id),
	FOREIGN KEY (account, key) REFERENCES scrip.holds (account, key),
	CHECK ((fate = '') = (finished_at IS NULL))
);

-- POSIX, so that a look for the attempts of a key cannot take this index for the one of the keys; see entries_keyed.
CREATE INDEX attempts_account ON scrip.attempts (account COLLATE "POSIX", seq);
CREATE INDEX attempts_scope ON scrip.attempts (account, scope, seq) WHERE scope <> '';

-- What a charge was for; one row for each settle entry.
CREATE TABLE scrip.usage_records (
	account            text COLLATE "C" NOT NULL,
	entry              bigint           NOT NULL,  -- the number of the settle entry
	key                text COLLATE "C" NOT NULL,
	operation          text             NOT NULL,
	scope              text COLLATE "C" NOT NULL,
	provider           text             NOT NULL,
	model              text             NOT NULL,
	attempt            text             NOT NULL,  -- the id of the attempt whose answer was delivered; may be empty
	input              bigint           CHECK (input >= 0),
	cached_input       bigint           CHECK (cached_input >= 0),
	cache_write        bigint           CHECK (cache_write >= 0),
	image_input        bigint           CHECK (image_input >= 0),
	cached_image_input bigint           CHECK (cached_image_input >= 0),
	output             bigint           CHECK (output >= 0),
	reasoning          bigint           CHECK (reasoning >= 0),
	image_output       bigint           CHECK (image_output >= 0),
	images             bigint           CHECK (images >= 0),
	exact              numeric          NOT NULL,  -- credits before rounding
	charged            bigint           NOT NULL CHECK (charged >= 0),  -- credits
	written_off        bigint           NOT NULL CHECK (written_off >= 0),  -- credits above the hold
	cost               numeric          NOT NULL,  -- USD
	reported_cost      numeric,  -- USD
	price_version      bigint           NOT NULL,
	at                 timestamptz      NOT NULL,
	PRIMARY KEY (account, entry),
	FOREIGN KEY (account, entry) REFERENCES scrip.entries (account, number)
);

CREATE INDEX usage_records_scope ON scrip.usage_records (account, scope, entry) WHERE scope <> '';

-- What a settled key brought. The primary key is the rule that a key is settled once, for ever.
CREATE TABLE scrip.receipts (
	account     text COLLATE "C" NOT NULL,
	key         text COLLATE "C" NOT NULL,
	fingerprint bytea            NOT NULL CHECK (length(fingerprint) = 32),
	entry       bigint           NOT NULL,
	charged     bigint           NOT NULL CHECK (charged >= 0),  -- credits
	result      bytea            CHECK (length(result) <= 1048576),
	digest      bytea            NOT NULL CHECK (length(digest) = 32),  -- SHA-256 of result
	pruned      boolean          NOT NULL,  -- whether result was let go
	PRIMARY KEY (account, key),
	UNIQUE (entry, account),  -- in this order, so that a look for a key cannot take it for the primary key's; see entries_keyed
	FOREIGN KEY (account, key) REFERENCES scrip.holds (account, key),
	FOREIGN KEY (account, entry) REFERENCES scrip.usage_records (account, entry),
	CHECK (NOT pruned OR result IS NULL)
);

-- What an account may use, and what counts against that.
CREATE TABLE scrip.caps (
	account            text COLLATE "C" NOT NULL REFERENCES scrip.accounts,
	name               text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
	operation          text COLLATE "C" NOT NULL,  -- that it counts; empty for all
	scope              text COLLATE "C" NOT NULL,  -- that it counts; empty for all
	"window"           text             NOT NULL CHECK ("window" IN ('ever', 'day', 'week', 'month')),
	first_day          bigint           NOT NULL,  -- of the week or the month
	zone               text             NOT NULL,  -- whose midnight it is; empty for UTC
	"limit"            bigint           NOT NULL CHECK ("limit" >= 0),  -- credits
	warn_at            bigint           NOT NULL CHECK (warn_at >= 0),     -- credits at which there is an event; 0 for none
	used               bigint           NOT NULL,  -- credits: held, or charged and not refunded, by holds created at or after since
	since              timestamptz,           -- when the window began; NULL for ever
	warned             boolean          NOT NULL,   -- whether there was the event for warn_at in the window
	reached            boolean          NOT NULL,  -- whether there was one for a refusal
	PRIMARY KEY (account, name)
);

-- The sums of usage records by quarters of an hour, in which the days of every zone can be counted. Each record is in two:
-- its account's, and its scope's. A sum of credits or units that does not fit is the largest number.
CREATE TABLE scrip.usage_totals (
	account            text COLLATE "C" NOT NULL REFERENCES scrip.accounts,
	scoped             boolean          NOT NULL,  -- whether it is the scope's, and not the account's
	slot               timestamptz      NOT NULL,  -- when the quarter of an hour began
	scope              text COLLATE "C" NOT NULL,
	operation          text COLLATE "C" NOT NULL,
	provider           text COLLATE "C" NOT NULL,
	model              text COLLATE "C" NOT NULL,
	first_entry        bigint           NOT NULL,  -- the lowest number among the records
	last_entry         bigint           NOT NULL,  -- the highest
	records            bigint           NOT NULL,  -- how many they are
	charged            bigint           NOT NULL,  -- credits
	written_off        bigint           NOT NULL,  -- credits
	refunded           bigint           NOT NULL,  -- credits that were given back, whenever that was
	input              bigint,
	cached_input       bigint,
	cache_write        bigint,
	image_input        bigint,
	cached_image_input bigint,
	output             bigint,
	reasoning          bigint,
	image_output       bigint,
	images             bigint,
	cost               numeric          NOT NULL,  -- USD
	PRIMARY KEY (account, scoped, slot, scope, operation, provider, model)
);

CREATE INDEX usage_totals_scope ON scrip.usage_totals (account, scope, slot) WHERE scoped;
CREATE INDEX usage_totals_slot ON scrip.usage_totals (scoped, slot);

-- What the host may want to act on, until it is acknowledged.
CREATE TABLE scrip.events (
	account            text COLLATE "C" NOT NULL REFERENCES scrip.accounts,
	number             bigint           NOT NULL CHECK (number >= 1),  -- 1, 2, 3 … in an account
	kind               text             NOT NULL CHECK (kind IN ('low_balance', 'cap_warning', 'cap_reached', 'written_off')),
	key                text COLLATE "C" NOT NULL,  -- of the mutation that caused it; may be empty
	cap                text COLLATE "C" NOT NULL,  -- the name of a cap
	amount             bigint           NOT NULL,  -- credits: written off, or the bound that was met
	now                bigint           NOT NULL,  -- credits: posted, or used of the cap
	at                 timestamptz      NOT NULL,
	PRIMARY KEY (account, number)
);

CREATE INDEX events_at ON scrip.events (at, account, number);

-- The handles that write to the ledger, each with the number of its last batch, which tells a handle that lost its
-- connection during a commit what became of it.
CREATE TABLE scrip.writers (
	writer       text COLLATE "C" NOT NULL PRIMARY KEY,
	batch        bigint           NOT NULL,
	committed_at timestamptz      NOT NULL
) WITH (fillfactor = 50);

-- Registry

-- Every version of the configuration, whole: a version is read and compared as one document and never by its parts. In force
-- is the highest version whose effective_at has come.
CREATE TABLE scrip.configurations (
	version      bigint      NOT NULL PRIMARY KEY CHECK (version >= 1),
	at           timestamptz NOT NULL,
	effective_at timestamptz NOT NULL CHECK (effective_at >= at),
	who          text        NOT NULL CHECK (who <> ''),
	why          text        NOT NULL CHECK (why <> ''),
	document     json        NOT NULL
);

-- Automation

CREATE TABLE scrip.runs (
	seq        bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order in which they were created
	id         text COLLATE "C" NOT NULL UNIQUE CHECK (id <> ''),
	site       text COLLATE "C" NOT NULL CHECK (site <> ''),
	account    text COLLATE "C" NOT NULL CHECK (account <> ''),
	state      text             NOT NULL CHECK (state IN ('running', 'pausing', 'paused', 'canceling', 'cancelled', 'failed', 'done')),
	reason     text             NOT NULL,
	detail     text             NOT NULL,
	stage      text COLLATE "C" NOT NULL,  -- the stage it is in; the last one once it is done
	estimate   bigint           NOT NULL,  -- credits
	created_at timestamptz      NOT NULL,
	ended_at   timestamptz,  -- when it became terminal
	CHECK ((state IN ('cancelled', 'failed', 'done')) = (ended_at IS NOT NULL))
);

-- One run of a site that is not terminal.
CREATE UNIQUE INDEX runs_live ON scrip.runs (site) WHERE state NOT IN ('cancelled', 'failed', 'done');
CREATE INDEX runs_site ON scrip.runs (site, seq);
CREATE INDEX runs_claimable ON scrip.runs (id) WHERE state IN ('running', 'canceling');

-- The stages of a run in order, with counters: whether a stage is done is not found by counting its tasks.
CREATE TABLE scrip.stages (
	run      text COLLATE "C" NOT NULL REFERENCES scrip.runs (id),
	position bigint           NOT NULL CHECK (position >= 0),
	stage    text COLLATE "C" NOT NULL CHECK (stage <> ''),
	finisher boolean          NOT NULL,  -- whether it ends with a Finish task
	state    text             NOT NULL CHECK (state IN ('pending', 'planning', 'running', 'done')),
	total    bigint           NOT NULL DEFAULT 0 CHECK (total >= 0),  -- tasks planned, the Finish task left out
	done     bigint           NOT NULL DEFAULT 0 CHECK (done >= 0),  -- tasks saved, the Finish task left out
	failed   bigint           NOT NULL DEFAULT 0 CHECK (failed >= 0),  -- tasks given up, the Finish task left out
	created  bigint           NOT NULL DEFAULT 0,  -- rows that saving made
	credits  bigint           NOT NULL DEFAULT 0,  -- charged for tasks that were saved
	PRIMARY KEY (run, position),
	UNIQUE (run, stage),
	CHECK (done + failed <= total)
);

ALTER TABLE scrip.runs ADD FOREIGN KEY (id, stage) REFERENCES scrip.stages (run, stage) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE scrip.tasks (
	seq        bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order of planning
	run        text COLLATE "C" NOT NULL,
	stage      text COLLATE "C" NOT NULL,
	item       text COLLATE "C" NOT NULL CHECK (item <> ''),
	input      bytea,  -- opaque
	state      text             NOT NULL CHECK (state IN ('ready', 'leased', 'done', 'failed', 'dropped')),
	-- When the task may be claimed: from its planning or its retry on while it is ready, from the end of its lease on
	-- while it is leased.
	due_at     timestamptz      NOT NULL,
	owner      text             NOT NULL DEFAULT '',  -- who leased it
	generation bigint           NOT NULL DEFAULT 0 CHECK (generation >= 0),  -- how often it was claimed
	attempts   bigint           NOT NULL DEFAULT 0 CHECK (attempts >= 0),  -- how many tries failed
	cause      text             NOT NULL DEFAULT '',  -- why the last try ended, if it was not saved
	UNIQUE (run, stage, item),
	FOREIGN KEY (run, stage) REFERENCES scrip.stages (run, stage),
	CHECK ((state = 'leased') = (owner <> ''))
);

-- Claims walk the open tasks of a stage in the order of planning.
CREATE INDEX tasks_open ON scrip.tasks (run, stage, seq, due_at) WHERE state IN ('ready', 'leased');
CREATE INDEX tasks_leased ON scrip.tasks (run, due_at) WHERE state = 'leased';
-- Cancelling a run looks for the open tasks that were claimed before.
CREATE INDEX tasks_touched ON scrip.tasks (run, seq, due_at) WHERE state IN ('ready', 'leased') AND generation > 0;
CREATE INDEX tasks_failed ON scrip.tasks (run, seq) WHERE state = 'failed';

-- Content
--
-- Each row belongs to a site, and the foreign keys hold the site as well: rows of different sites never meet. Lists
-- inside a row are JSON.

CREATE TABLE scrip.clusters (
	id          text COLLATE "C" NOT NULL PRIMARY KEY,
	site        text COLLATE "C" NOT NULL,
	position    bigint           NOT NULL,
	status      text             NOT NULL CHECK (status IN ('new', 'mapped')),
	created_at  timestamptz      NOT NULL,
	updated_at  timestamptz      NOT NULL,
	name        text             NOT NULL CHECK (name <> ''),
	description text             NOT NULL,
	UNIQUE (site, id)
);

CREATE INDEX clusters_order ON scrip.clusters (site, position, id, status);

CREATE TABLE scrip.keywords (
	id         text COLLATE "C" NOT NULL PRIMARY KEY,
	site       text COLLATE "C" NOT NULL,
	position   bigint           NOT NULL,
	status     text             NOT NULL CHECK (status IN ('new', 'mapped')),
	created_at timestamptz      NOT NULL,
	updated_at timestamptz      NOT NULL,
	text       text             NOT NULL CHECK (text <> ''),
	volume     bigint,  -- searches per month
	difficulty bigint,  -- 0 to 100
	cluster    text COLLATE "C",  -- once mapped
	FOREIGN KEY (site, cluster) REFERENCES scrip.clusters (site, id),
	CHECK (status <> 'mapped' OR cluster IS NOT NULL)
);

CREATE INDEX keywords_order ON scrip.keywords (site, position, id, status);
CREATE INDEX keywords_cluster ON scrip.keywords (cluster, position, id) WHERE cluster IS NOT NULL;

CREATE TABLE scrip.ideas (
	id                 text COLLATE "C" NOT NULL PRIMARY KEY,
	site               text COLLATE "C" NOT NULL,
	position           bigint           NOT NULL,
	status             text             NOT NULL CHECK (status IN ('new', 'queued', 'completed')),
	created_at         timestamptz      NOT NULL,
	updated_at         timestamptz      NOT NULL,
	cluster            text COLLATE "C" NOT NULL,
	title              text             NOT NULL CHECK (title <> ''),
	description        text             NOT NULL,
	content_type       text             NOT NULL,
	content_structure  text             NOT NULL,
	primary_keyword    text             NOT NULL,
	secondary_keywords json             NOT NULL,
	outline            json             NOT NULL,
	word_count         bigint           NOT NULL,
	UNIQUE (site, id),
	FOREIGN KEY (site, cluster) REFERENCES scrip.clusters (site, id)
);

CREATE INDEX ideas_order ON scrip.ideas (site, position, id, status);
CREATE INDEX ideas_cluster ON scrip.ideas (cluster, position, id);

-- The tasks of the content; those of the automation are in scrip.tasks.
CREATE TABLE scrip.content_tasks (
	id                 text COLLATE "C" NOT NULL PRIMARY KEY,
	site               text COLLATE "C" NOT NULL,
	position           bigint           NOT NULL,
	status             text             NOT NULL CHECK (status IN ('queued', 'completed')),
	created_at         timestamptz      NOT NULL,
	updated_at         timestamptz      NOT NULL,
	cluster            text COLLATE "C" NOT NULL,
	idea               text COLLATE "C",
	title              text             NOT NULL CHECK (title <> ''),
	description        text             NOT NULL,
	content_type       text             NOT NULL,
	content_structure  text             NOT NULL,
	primary_keyword    text             NOT NULL,
	secondary_keywords json             NOT NULL,
	outline            json             NOT NULL,
	word_count         bigint           NOT NULL,
	UNIQUE (site, id),
	FOREIGN KEY (site, cluster) REFERENCES scrip.clusters (site, id),
	FOREIGN KEY (site, idea) REFERENCES scrip.ideas (site, id)
);

CREATE INDEX content_tasks_order ON scrip.content_tasks (site, position, id, status);
CREATE INDEX content_tasks_cluster ON scrip.content_tasks (cluster, position, id);

CREATE TABLE scrip.articles (
	id                 text COLLATE "C" NOT NULL PRIMARY KEY,
	site               text COLLATE "C" NOT NULL,
	position           bigint           NOT NULL,
	status             text             NOT NULL CHECK (status IN ('draft', 'review', 'approved')),
	created_at         timestamptz      NOT NULL,
	updated_at         timestamptz      NOT NULL,
	cluster            text COLLATE "C",
	task               text COLLATE "C",
	title              text             NOT NULL CHECK (title <> ''),
	slug               text COLLATE "C" NOT NULL CHECK (slug <> ''),
	html               text             NOT NULL CHECK (html <> ''),
	excerpt            text             NOT NULL,
	meta_title         text             NOT NULL,
	meta_description   text             NOT NULL,
	primary_keyword    text             NOT NULL,
	secondary_keywords json             NOT NULL,
	categories         json             NOT NULL,
	tags               json             NOT NULL,
	word_count         bigint           NOT NULL,
	site_status        text             NOT NULL CHECK (site_status IN ('not_published', 'published', 'failed')),
	external_id        text             NOT NULL,
	external_url       text             NOT NULL,
	raw                bytea,  -- the model's whole answer
	UNIQUE (site, id),
	UNIQUE (site, slug),
	FOREIGN KEY (site, cluster) REFERENCES scrip.clusters (site, id),
	FOREIGN KEY (site, task) REFERENCES scrip.content_tasks (site, id)
);

CREATE INDEX articles_order ON scrip.articles (site, position, id, status);
CREATE INDEX articles_cluster ON scrip.articles (cluster, position, id) WHERE cluster IS NOT NULL;

-- The bytes of a picture are in the blob store; the row says where.
CREATE TABLE scrip.images (
	id          text COLLATE "C" NOT NULL PRIMARY KEY,
	site        text COLLATE "C" NOT NULL,
	position    bigint           NOT NULL,
	status      text             NOT NULL CHECK (status IN ('pending', 'generated', 'failed')),
	created_at  timestamptz      NOT NULL,
	updated_at  timestamptz      NOT NULL,
	article     text COLLATE "C" NOT NULL,
	type        text             NOT NULL CHECK (type IN ('featured', 'in_article')),
	ordinal     bigint           NOT NULL,
	prompt      text             NOT NULL CHECK (prompt <> ''),
	alt         text             NOT NULL,
	blob_name   text             NOT NULL,
	blob_sha256 text             NOT NULL,
	blob_size   bigint           NOT NULL,  -- bytes
	blob_type   text             NOT NULL,
	blob_width  bigint           NOT NULL,  -- pixels
	blob_height bigint           NOT NULL,
	UNIQUE (article, type, ordinal),
	FOREIGN KEY (site, article) REFERENCES scrip.articles (site, id),
	CHECK (status <> 'generated' OR blob_name <> '')
);

CREATE INDEX images_order ON scrip.images (site, position, id, status);
CREATE INDEX images_article ON scrip.images (article, position, id);

-- API keys
--
-- What is sealed does not open without the host's key ring, which is never in the database, nor at another place.

-- The history of all keys, also of those that were deleted. Its last number is what tells other processes of a change.
CREATE TABLE scrip.key_changes (
	number   bigint           NOT NULL PRIMARY KEY CHECK (number >= 1),  -- 1, 2, 3 … without gaps
	provider text COLLATE "C" NOT NULL,
	account  text COLLATE "C" NOT NULL,
	id       text COLLATE "C" NOT NULL,
	action   text             NOT NULL CHECK (action IN ('added', 'replaced', 'deleted')),
	active   boolean          NOT NULL,  -- whether the key was active after it
	ring_key text             NOT NULL,  -- that sealed it after the change; empty if it was deleted
	who      text             NOT NULL CHECK (who <> ''),
	why      text             NOT NULL CHECK (why <> ''),
	at       timestamptz      NOT NULL,
	CHECK (action <> 'deleted' OR NOT active AND ring_key = '')
);

CREATE TABLE scrip.keys (
	provider text COLLATE "C" NOT NULL CHECK (octet_length(provider) BETWEEN 1 AND 200),
	account  text COLLATE "C" NOT NULL CHECK (octet_length(account) <= 200),  -- whose key it is; empty for the system's
	id       text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 64),
	version  bigint           NOT NULL UNIQUE REFERENCES scrip.key_changes,  -- the number of its last change
	added    bigint           NOT NULL UNIQUE REFERENCES scrip.key_changes,  -- the number of the change that added it
	active   boolean          NOT NULL,  -- whether it is used
	sealed   bytea            NOT NULL CHECK (length(sealed) > 0),  -- the form says which ring key opens it
	who      text             NOT NULL CHECK (who <> ''),  -- made the last change
	why      text             NOT NULL CHECK (why <> ''),
	at       timestamptz      NOT NULL,  -- of the last change
	PRIMARY KEY (provider, account, id),
	CHECK (added <= version)
);
