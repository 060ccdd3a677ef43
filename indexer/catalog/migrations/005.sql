-- Derived: what reading one message needs of others.
CREATE TABLE closing (          -- the last lines of authors' own words
  address TEXT NOT NULL,
  line    INTEGER NOT NULL,     -- hash
  blob    INTEGER NOT NULL,
  PRIMARY KEY (address, line, blob)
) WITHOUT ROWID;
CREATE INDEX closing_blob ON closing (blob);
CREATE TABLE postponed (blob INTEGER PRIMARY KEY);  -- read alone: mail that it cites may be on its way
CREATE TABLE unsettled (blob INTEGER PRIMARY KEY);  -- read before what it depends on was there
