-- The outbox has a queue for each channel: `route` is the channel that a pending message waits for, empty while its way is not
-- chosen or nothing stands in it. A platform that is gone then costs the others nothing: its queue is not looked at.

ALTER TABLE outbox ADD COLUMN route TEXT NOT NULL DEFAULT '';

CREATE INDEX outbox_queue ON outbox (route, not_before, id) WHERE state IN ('pending', 'held', 'sending');
