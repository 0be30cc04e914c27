-- Format 4. Figures of the past name objects that were deleted since: their last states are found without reading the log.
CREATE INDEX IF NOT EXISTS revisions_deleted ON revisions (kind, seq) WHERE deleted;
