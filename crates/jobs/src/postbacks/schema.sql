-- Outgoing postbacks: what waits, and what became of the rest. Times are milliseconds since the epoch.
CREATE TABLE cursor (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL -- of the ledger: conversions up to it have their deliveries
) STRICT;

CREATE TABLE deliveries (
  n            INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of the log
  id           TEXT    NOT NULL UNIQUE,
  organization TEXT    NOT NULL,
  integration  TEXT    NOT NULL,
  postback     TEXT    NOT NULL,
  conversion   TEXT    NOT NULL, -- its real_tx_id
  verdict      TEXT    NOT NULL, -- approved, rejected
  method       TEXT    NOT NULL, -- GET, POST
  url          TEXT    NOT NULL,
  body         TEXT,
  host         TEXT    NOT NULL,
  state        INTEGER NOT NULL, -- 0 pending, 1 delivered, 2 failed, 3 canceled
  created_at   INTEGER NOT NULL, -- rises with n
  began_at     INTEGER NOT NULL, -- when it was due first; a day later it may be given up
  due_at       INTEGER NOT NULL, -- of the next attempt
  finished_at  INTEGER,
  attempts     TEXT    NOT NULL  -- JSON
) STRICT;

CREATE INDEX deliveries_waiting ON deliveries (organization, postback) WHERE state = 0;
CREATE INDEX deliveries_by_integration ON deliveries (integration, n);
CREATE INDEX deliveries_by_state ON deliveries (integration, state, n);
CREATE INDEX deliveries_by_postback ON deliveries (postback, n);
CREATE INDEX deliveries_by_conversion ON deliveries (conversion, n);
CREATE INDEX deliveries_by_time ON deliveries (created_at, n);
