-- What the server says and the ledger does not keep; it is asked for again with the
-- next full comparison of a mailbox.
CREATE TABLE object (
  mailbox     INTEGER NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  id          TEXT NOT NULL,  -- EMAILID or X-GM-MSGID
  thread      TEXT NOT NULL,  -- THREADID or X-GM-THRID, '' when there is none
  labels      TEXT NOT NULL,  -- X-GM-LABELS, a line each
  PRIMARY KEY (mailbox, uidvalidity, uid)
) WITHOUT ROWID;
CREATE INDEX object_id ON object (id);
CREATE INDEX object_thread ON object (thread) WHERE thread <> '';

ALTER TABLE mailbox ADD COLUMN objectid TEXT NOT NULL DEFAULT '';    -- MAILBOXID, '' unknown
-- From the ledger: how often the UIDVALIDITY changed, each time within two days.
ALTER TABLE mailbox ADD COLUMN resets   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN reset_at INTEGER NOT NULL DEFAULT 0;  -- Unix ms
