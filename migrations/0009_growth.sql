-- Indexes for a database that has grown: what waits is found among what is open, however much is over.
--
-- SQLite uses a partial index only where the statement holds the same condition word for word: `tickets::store::open()` writes it.
-- PostgreSQL sees by itself that it follows.

CREATE INDEX ticket_open_area ON ticket (state, area_code) WHERE state IN ('submitted', 'need_info', 'accepted', 'dispatched', 'sent_back', 'disputed', 'working', 'in_review', 'callback', 'shelved');
CREATE INDEX ticket_open_unit ON ticket (lead_unit, state) WHERE state IN ('submitted', 'need_info', 'accepted', 'dispatched', 'sent_back', 'disputed', 'working', 'in_review', 'callback', 'shelved');
CREATE INDEX ticket_open_point ON ticket (lat, lng) WHERE lat IS NOT NULL AND state IN ('submitted', 'need_info', 'accepted', 'dispatched', 'sent_back', 'disputed', 'working', 'in_review', 'callback', 'shelved');
-- Short numbers, the latest first, with what tells whose they are; what is over, the latest first.
CREATE INDEX ticket_seq ON ticket (seq, submitted_at, lead_unit, area_code);
CREATE INDEX ticket_submitted ON ticket (submitted_at);
-- The last ticket of a place and field that was closed; what is closed and may be forgotten.
CREATE INDEX ticket_closed ON ticket (area_code, field_id, closed_at) WHERE closed_at IS NOT NULL;

CREATE INDEX ticket_event_reveal ON ticket_event (at) WHERE command = 'reveal';
-- Nameless reporters who are not forgotten yet.
CREATE INDEX reporter_nameless ON reporter (ticket_id) WHERE mode = 'anonymous' AND sealed <> '';

CREATE INDEX spot_check_person ON spot_check (person_id) WHERE done_at IS NULL;
CREATE INDEX spot_check_group ON spot_check (group_id) WHERE done_at IS NULL;
CREATE INDEX suggestion_open ON suggestion (id) WHERE state IN ('filed', 'under_way', 'answered');

-- What was kept as one, and whose words are not forgotten yet.
CREATE INDEX outbox_as_one ON outbox (lane, ticket_id) WHERE state = 'superseded' AND why = 'kept as one';
CREATE INDEX outbox_said ON outbox (lane, at) WHERE body <> '' OR turn_key <> '';

CREATE INDEX media_turn ON media (turn_key);
CREATE INDEX media_loose ON media (at) WHERE ticket_id IS NULL;

-- Staff are few, citizens are many.
CREATE INDEX person_staff ON person (id) WHERE citizen = 0;
