-- Exports: what was asked for, and what became of it. Times are milliseconds since the epoch.
CREATE TABLE exports (
  n            INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of the list
  id           TEXT    NOT NULL UNIQUE,
  organization TEXT    NOT NULL,
  integration  TEXT    NOT NULL,
  artifact     TEXT    NOT NULL UNIQUE, -- the name of its file
  request      TEXT    NOT NULL, -- JSON
  requested_by TEXT    NOT NULL,
  updated_by   TEXT    NOT NULL,
  state        INTEGER NOT NULL, -- 0 pending, 1 in progress, 2 completed, 3 error, 4 canceled
  attempts     INTEGER NOT NULL, -- that were begun
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER,
  error        TEXT,
  total        INTEGER, -- rows
  size         INTEGER, -- bytes of the file
  cut          INTEGER  -- the seq of the ledger that it shows
) STRICT;

CREATE INDEX exports_by_organization ON exports (organization, n);
CREATE INDEX exports_by_integration ON exports (integration, state);
CREATE INDEX exports_by_start ON exports (organization, started_at);
CREATE INDEX exports_waiting ON exports (n) WHERE state = 0;
CREATE INDEX exports_by_end ON exports (finished_at) WHERE finished_at IS NOT NULL;

-- What an organization's links are signed with.
CREATE TABLE keys (
  organization TEXT PRIMARY KEY,
  key          BLOB NOT NULL
) STRICT, WITHOUT ROWID;
