-- Format 2. The first answers to requests with an Idempotency-Key; they expire, so they stand outside the log.
CREATE TABLE answers (
  organization TEXT    NOT NULL,
  actor        TEXT    NOT NULL, -- the credential, by its public id
  route        TEXT    NOT NULL, -- method and path
  key          TEXT    NOT NULL,
  request      BLOB    NOT NULL, -- SHA-256 of the body
  status       INTEGER NOT NULL,
  headers      TEXT    NOT NULL, -- JSON: [[name, value], …]
  body         BLOB    NOT NULL,
  expires_at   INTEGER NOT NULL, -- milliseconds since the epoch
  PRIMARY KEY (organization, actor, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_expiry ON answers (expires_at);

-- The audit log reads one organization's revisions, newest first; what it is filtered by stands in the index.
CREATE INDEX revisions_by_organization ON revisions (organization, seq, kind, at, actor);
