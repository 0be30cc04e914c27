-- The catalog's tables. `revisions` is the truth; `documents` can be rebuilt from it.
CREATE TABLE revisions (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  organization TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  version      INTEGER NOT NULL,
  at           INTEGER NOT NULL, -- milliseconds since the epoch
  created_at   INTEGER NOT NULL, -- of version 1
  actor        TEXT    NOT NULL,
  doc          BLOB    NOT NULL, -- format byte, then the document; of a deletion, the last document
  deleted      INTEGER NOT NULL,
  UNIQUE (organization, kind, id, version)
) STRICT;

CREATE TRIGGER revisions_are_never_changed BEFORE UPDATE ON revisions
BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END;
CREATE TRIGGER revisions_are_never_deleted BEFORE DELETE ON revisions
BEGIN SELECT RAISE(ABORT, 'revisions are append-only'); END;

-- The newest revision of every object that exists.
CREATE TABLE documents (
  seq          INTEGER PRIMARY KEY,
  organization TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  version      INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  actor        TEXT    NOT NULL,
  doc          BLOB    NOT NULL,
  UNIQUE (organization, kind, id)
) STRICT;

-- The seq of each organization's newest revision: what a write compares and sets.
CREATE TABLE heads (
  organization TEXT    PRIMARY KEY,
  seq          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What proves an identity. `seq` is the revision that came with it, so that other processes can follow.
CREATE TABLE secrets (
  organization TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  seq          INTEGER NOT NULL,
  algorithm    TEXT    NOT NULL, -- sha256, argon2id, key, none
  value        BLOB    NOT NULL,
  PRIMARY KEY (organization, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_by_seq ON secrets (seq);

-- Access tokens. A revocation replaces the row and so takes a new `n`: followers read on from the last one.
CREATE TABLE tokens (
  n            INTEGER PRIMARY KEY AUTOINCREMENT,
  hash         BLOB    NOT NULL UNIQUE,
  organization TEXT    NOT NULL,
  client_id    TEXT    NOT NULL,
  issued_at    INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  revoked_at   INTEGER
) STRICT;
CREATE INDEX tokens_by_expiry ON tokens (expires_at);
