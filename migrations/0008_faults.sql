-- Faults are looked for by their state, oldest first; when one was run again well, and how often it was tried.
ALTER TABLE fault ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fault ADD COLUMN done_at BIGINT;
CREATE INDEX fault_open ON fault (id) WHERE state = 'open';
