-- Recorded: what was found of signatures, and what must not be erased. They follow
-- from the ledger alone; what an entry says is read there.
CREATE TABLE auth (
  blob  INTEGER PRIMARY KEY,
  entry INTEGER NOT NULL  -- ledger index of the newest auth.result
);

CREATE TABLE dns_key (
  entry   INTEGER PRIMARY KEY,
  name    TEXT NOT NULL,
  records TEXT NOT NULL  -- a JSON list
);
CREATE INDEX dns_key_name ON dns_key (name);

CREATE TABLE hold (
  scope  TEXT PRIMARY KEY,  -- "sha256-…" or "client NAME"
  reason TEXT NOT NULL,
  by     TEXT NOT NULL,
  at     INTEGER NOT NULL   -- Unix ms
) WITHOUT ROWID;
