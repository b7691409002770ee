-- The whole life cycle: what a ticket remembers beside its state, who helps, who supervises, who looked, and the chain of events.

-- How many events there are; each change counts it up, and the event carries the number.
ALTER TABLE ticket ADD COLUMN events BIGINT NOT NULL DEFAULT 0;
UPDATE ticket SET events = (SELECT COALESCE(MAX(seq), 0) FROM ticket_event WHERE ticket_id = ticket.id);
-- 1: only its reporter and the inspectors of its area see it; 2: the inspectors above the county, because it is about the county's own.
ALTER TABLE ticket ADD COLUMN sealed SMALLINT NOT NULL DEFAULT 0;
-- The words of the report, sealed, where `text` holds what a unit may read of them: without what the reporter gave away of
-- himself, and nothing at all of a sealed ticket.
ALTER TABLE ticket ADD COLUMN original TEXT;
-- The unit it is about, which may not be the only one to handle it.
ALTER TABLE ticket ADD COLUMN subject_unit TEXT;
-- Working days asked for and not answered yet; how often more time was given, and how many days in all.
ALTER TABLE ticket ADD COLUMN extension_days BIGINT;
ALTER TABLE ticket ADD COLUMN extensions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN extended_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN supervised SMALLINT NOT NULL DEFAULT 0;
-- When a shelved ticket is looked at again, and how much of the time for its result was left, in milliseconds.
ALTER TABLE ticket ADD COLUMN shelved_until BIGINT;
ALTER TABLE ticket ADD COLUMN time_left BIGINT;
ALTER TABLE ticket ADD COLUMN merged_into BIGINT;
ALTER TABLE ticket ADD COLUMN split_from BIGINT;
-- A dispute was decided: no unit can send it back again.
ALTER TABLE ticket ADD COLUMN arbitrated SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN appealed SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN restored SMALLINT NOT NULL DEFAULT 0;
-- The same thing came back after closing.
ALTER TABLE ticket ADD COLUMN relapse SMALLINT NOT NULL DEFAULT 0;
-- 'proposed' or 'confirmed'.
ALTER TABLE ticket ADD COLUMN unreasonable TEXT;
-- Seen on the spot in this round; struck off the list.
ALTER TABLE ticket ADD COLUMN verified_at BIGINT;
ALTER TABLE ticket ADD COLUMN struck_off_at BIGINT;
-- The deputy whom the reporter chose, until it goes to intake.
ALTER TABLE ticket ADD COLUMN given_to BIGINT;
-- Outside: who has it now.
ALTER TABLE ticket ADD COLUMN handed_to TEXT;
-- A matter of two persons that waits for the second, as JSON.
ALTER TABLE ticket ADD COLUMN proposal TEXT;
CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ticket_given ON ticket (given_to) WHERE given_to IS NOT NULL;

-- `hash` covers the event and the hash of the one before; `before` holds what the change replaced, as JSON by column.
ALTER TABLE ticket_event ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE ticket_event ADD COLUMN before TEXT;
CREATE INDEX ticket_event_actor ON ticket_event (actor_id, at);
CREATE INDEX ticket_event_turn ON ticket_event (turn_key);

-- Units that help the lead unit. `turn_key` and `answer_key` name the turns that wrote a row, for 撤销.
CREATE TABLE co_unit (
    ticket_id   BIGINT NOT NULL,
    unit        TEXT NOT NULL,
    at          BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    turn_key    TEXT NOT NULL,
    opinion     TEXT,
    answered_at BIGINT,
    answer_key  TEXT,
    PRIMARY KEY (ticket_id, unit)
);
CREATE INDEX co_unit_unit ON co_unit (unit);

-- Supervision orders and the written replies to them.
CREATE TABLE supervision (
    id          BIGINT PRIMARY KEY,
    ticket_id   BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    turn_key    TEXT NOT NULL,
    person_id   BIGINT NOT NULL,
    role        TEXT NOT NULL,
    demand      TEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    answer      TEXT,
    answered_at BIGINT,
    answer_key  TEXT
);
CREATE INDEX supervision_ticket ON supervision (ticket_id);

-- Somebody was asked to look on the spot: a deputy, or a group's lead.
CREATE TABLE spot_check (
    id        BIGINT PRIMARY KEY,
    ticket_id BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    turn_key  TEXT NOT NULL,
    asked_by  BIGINT NOT NULL,
    person_id BIGINT,
    group_id  TEXT,
    done_at   BIGINT,
    done_key  TEXT
);
CREATE INDEX spot_check_ticket ON spot_check (ticket_id);

-- Formal proposals of deputies that grew out of tickets.
CREATE TABLE suggestion (
    id        BIGINT PRIMARY KEY,
    person_id BIGINT NOT NULL,
    title     TEXT NOT NULL,
    body      TEXT NOT NULL,
    state     TEXT NOT NULL,
    class     TEXT,
    at        BIGINT NOT NULL,
    due_at    BIGINT,
    unit      TEXT,
    answer    TEXT
);
CREATE INDEX suggestion_person ON suggestion (person_id);
CREATE TABLE suggestion_ticket (
    suggestion_id BIGINT NOT NULL,
    ticket_id     BIGINT NOT NULL,
    PRIMARY KEY (suggestion_id, ticket_id)
);

-- Who of a unit looked a ticket up, for the inspector; and every other act that an auditor reads: exports, changes of rights, audits.
-- One chain over all rows, as in ticket_event.
CREATE TABLE audit_event (
    seq      BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    turn_key TEXT NOT NULL,
    actor_id BIGINT,
    what     TEXT NOT NULL,
    detail   TEXT NOT NULL,
    hash     TEXT NOT NULL
);
CREATE TABLE look (
    id        BIGINT PRIMARY KEY,
    ticket_id BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor_id  BIGINT NOT NULL,
    unit      TEXT
);
CREATE INDEX look_ticket ON look (ticket_id);
CREATE INDEX look_at ON look (at);
