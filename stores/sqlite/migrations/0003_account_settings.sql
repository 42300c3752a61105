-- major: 1
--
-- What accounts set for themselves, each change whole: the one with the highest number is in force. Numbers are of all
-- accounts together, so that one look tells whether anything has changed.
CREATE TABLE scrip_account_settings (
	number   INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),
	account  TEXT    NOT NULL CHECK (octet_length(account) BETWEEN 1 AND 200),
	at       INTEGER NOT NULL,
	who      TEXT    NOT NULL CHECK (who <> ''),
	why      TEXT    NOT NULL CHECK (why <> ''),
	settings TEXT    NOT NULL CHECK (json_valid(settings))
) STRICT;

CREATE UNIQUE INDEX scrip_account_settings_account ON scrip_account_settings (account, number);
