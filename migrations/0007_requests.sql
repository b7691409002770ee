-- The request that brought the message whose turn caused a row; NULL where nobody asked, or where it would lead to somebody.
ALTER TABLE outbox ADD COLUMN request TEXT;
-- The channel a row was given to last, for counting what waits for which platform.
ALTER TABLE outbox ADD COLUMN via_channel TEXT;
CREATE INDEX outbox_undeliverable ON outbox (via_channel) WHERE state = 'undeliverable';
