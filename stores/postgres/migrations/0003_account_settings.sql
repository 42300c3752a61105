-- major: 1
--
-- What accounts set for themselves, each change whole: the one with the highest number is in force. Numbers are of all
-- accounts together, so that one look tells whether anything has changed.
CREATE TABLE scrip.account_settings (
	number   bigint           NOT NULL PRIMARY KEY CHECK (number >= 1),
	account  text COLLATE "C" NOT NULL CHECK (octet_length(account) BETWEEN 1 AND 200),
	at       timestamptz      NOT NULL,
	who      text             NOT NULL CHECK (who <> ''),
	why      text             NOT NULL CHECK (why <> ''),
	settings json             NOT NULL
);

CREATE UNIQUE INDEX account_settings_account ON scrip.account_settings (account, number);
