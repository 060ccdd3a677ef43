-- Recorded tables: what people decided. They follow from the ledger alone.
CREATE TABLE matter (
  name     TEXT PRIMARY KEY,
  title    TEXT NOT NULL,
  question TEXT NOT NULL,
  client   TEXT NOT NULL,
  opened   INTEGER NOT NULL,            -- Unix ms, the first time
  closed   INTEGER NOT NULL DEFAULT 0,  -- 0 while open
  reason   TEXT NOT NULL DEFAULT ''     -- of closing
) WITHOUT ROWID;

CREATE TABLE matter_item (
  matter   TEXT NOT NULL,
  item     TEXT NOT NULL,    -- "s-…" or "sha256-…"
  decision TEXT NOT NULL,    -- pinned | excluded
  reason   TEXT NOT NULL,
  by       TEXT NOT NULL,
  at       INTEGER NOT NULL, -- Unix ms
  entry    INTEGER NOT NULL,
  PRIMARY KEY (matter, item)
) WITHOUT ROWID;

CREATE TABLE matter_exhibit (
  matter TEXT NOT NULL,
  ref    BLOB NOT NULL,
  size   INTEGER NOT NULL,
  name   TEXT NOT NULL,
  media  TEXT NOT NULL,
  note   TEXT NOT NULL,
  by     TEXT NOT NULL,
  at     INTEGER NOT NULL,
  entry  INTEGER NOT NULL,
  PRIMARY KEY (matter, ref)
) WITHOUT ROWID;

CREATE TABLE matter_note (
  entry  INTEGER PRIMARY KEY,
  matter TEXT NOT NULL,
  text   TEXT NOT NULL,
  by     TEXT NOT NULL,
  at     INTEGER NOT NULL
);

CREATE TABLE correction (
  statement TEXT PRIMARY KEY,
  ref  BLOB NOT NULL,
  was  TEXT NOT NULL,
  kind TEXT NOT NULL,
  note TEXT NOT NULL,
  by   TEXT NOT NULL,
  at   INTEGER NOT NULL
) WITHOUT ROWID;

-- Derived: what waits for somebody. cursor('watch') tells up to which blob.
CREATE TABLE open_item (
  statement TEXT NOT NULL,
  blob      INTEGER NOT NULL,
  type      TEXT NOT NULL,
  client    TEXT NOT NULL,
  due       TEXT NOT NULL,    -- YYYY-MM-DD, '' without
  date      INTEGER NOT NULL, -- of the message, Unix s
  PRIMARY KEY (statement, type)
) WITHOUT ROWID;
CREATE INDEX open_item_blob ON open_item (blob);
CREATE INDEX open_item_client ON open_item (client, date);
CREATE TABLE watch_again (blob INTEGER PRIMARY KEY);  -- read differently since
