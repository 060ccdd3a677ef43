-- Recorded tables: what was found where. All of it but listed, event and the
-- account's state can be made again from archive and ledger.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE account (
  id      INTEGER PRIMARY KEY,
  address TEXT NOT NULL,
  host    TEXT NOT NULL,
  source  TEXT NOT NULL,             -- imap | import
  state   TEXT NOT NULL DEFAULT '',  -- last trouble in one word, '' when the last pass was clean
  detail  TEXT NOT NULL DEFAULT '',
  UNIQUE (address, source)
);

CREATE TABLE mailbox (
  id          INTEGER PRIMARY KEY,
  account     INTEGER NOT NULL REFERENCES account,
  name        BLOB NOT NULL,         -- octets as on the wire: the key
  display     TEXT NOT NULL,
  delim       TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL DEFAULT 0,
  -- the last clean pass; nothing here stands for a message
  uidnext     INTEGER NOT NULL DEFAULT 0,
  modseq      INTEGER NOT NULL DEFAULT 0,
  clean_exists INTEGER NOT NULL DEFAULT 0,
  clean       INTEGER NOT NULL DEFAULT 0,
  last_audit  INTEGER NOT NULL DEFAULT 0,
  -- from the last sync entry of the ledger
  server      INTEGER NOT NULL DEFAULT 0,
  last_sync   INTEGER NOT NULL DEFAULT 0,
  excluded    INTEGER NOT NULL DEFAULT 0,
  listed      INTEGER NOT NULL DEFAULT 1,  -- the last LIST showed it
  UNIQUE (account, name)
);

CREATE TABLE blob (
  id           INTEGER PRIMARY KEY,  -- order of arrival in the archive
  ref          BLOB NOT NULL UNIQUE,
  size         INTEGER NOT NULL,
  segment      INTEGER NOT NULL,
  frame_offset INTEGER NOT NULL,
  frame_length INTEGER NOT NULL,
  entry_offset INTEGER NOT NULL,
  entry        INTEGER NOT NULL DEFAULT -1,  -- ledger index of the first msg.seen
  seen         INTEGER NOT NULL DEFAULT 0    -- its time, Unix ms
);

CREATE TABLE occurrence (
  mailbox      INTEGER NOT NULL,
  uidvalidity  INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  version      INTEGER NOT NULL DEFAULT 0,  -- 0 now; n: what the n-th message under this UID was before
  state        TEXT NOT NULL,          -- listed | stored | quarantined | vanished
  blob         INTEGER,                -- set once stored
  size         INTEGER NOT NULL,
  internaldate INTEGER NOT NULL,       -- Unix s; 0 unknown
  zone         INTEGER NOT NULL,       -- its offset, s east of UTC
  flags        TEXT NOT NULL,
  path         TEXT NOT NULL DEFAULT '',
  tries        INTEGER NOT NULL DEFAULT 0,
  tried_at     INTEGER NOT NULL DEFAULT 0,  -- Unix ms
  error        TEXT NOT NULL DEFAULT '',
  missed       TEXT NOT NULL DEFAULT '',  -- session that missed it first
  missed_at    INTEGER NOT NULL DEFAULT 0,
  gone         INTEGER NOT NULL DEFAULT 0, -- Unix ms; 0 while on the server
  PRIMARY KEY (mailbox, uidvalidity, uid, version)
) WITHOUT ROWID;
CREATE INDEX occurrence_blob ON occurrence (blob) WHERE blob IS NOT NULL;
CREATE INDEX occurrence_open ON occurrence (mailbox) WHERE state IN ('listed', 'quarantined');

CREATE TABLE event (
  id      INTEGER PRIMARY KEY,
  time    INTEGER NOT NULL,
  account TEXT NOT NULL,
  mailbox TEXT NOT NULL,
  kind    TEXT NOT NULL,
  detail  TEXT NOT NULL
);

-- Derived tables: what the reader made of the blobs. cursor('read') tells how
-- far; dropping them and resetting the cursor reads everything again.
CREATE TABLE cursor (stage TEXT PRIMARY KEY, value INTEGER NOT NULL, version TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE message (
  blob    INTEGER PRIMARY KEY,
  date    INTEGER NOT NULL,   -- Unix s of the best date known
  subject TEXT NOT NULL,      -- base subject, lower case
  doc     BLOB NOT NULL       -- catalog.Doc, see doc.go
);
CREATE INDEX message_subject ON message (subject, date) WHERE subject <> '';

CREATE TABLE mention (            -- Message-IDs a message has or cites
  mid  TEXT NOT NULL,
  blob INTEGER NOT NULL,
  own  INTEGER NOT NULL,
  PRIMARY KEY (mid, blob)
) WITHOUT ROWID;
CREATE INDEX mention_blob ON mention (blob);

CREATE TABLE participant (        -- addresses of From, To, Cc
  address TEXT NOT NULL,
  date    INTEGER NOT NULL,
  blob    INTEGER NOT NULL,
  PRIMARY KEY (address, date, blob)
) WITHOUT ROWID;

CREATE TABLE statement (
  id   TEXT PRIMARY KEY,
  blob INTEGER NOT NULL,
  ord  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE stale (blob INTEGER PRIMARY KEY);  -- read again: found in another place since
