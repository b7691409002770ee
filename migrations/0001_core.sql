-- What the framework itself keeps: ids, settings, seen messages, conversations, offers, the outbox, windows, media, faults, jobs.
-- Times are milliseconds UTC, booleans 0 or 1, JSON is text. Columns are portable between SQLite and PostgreSQL.

CREATE TABLE id_block (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO id_block (name, next) VALUES ('id', 1000);

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO setting (name, value) VALUES ('org_version', '0');

-- The keyed hash of the message's key, and the turn it had: the outbox rows of that turn are the stored answer.
CREATE TABLE seen (
    message  TEXT PRIMARY KEY,
    turn_key TEXT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX seen_at ON seen (at);

-- One row for each channel + chat + sender. `hash` finds it, `address` is sealed.
CREATE TABLE conversation (
    id       BIGINT PRIMARY KEY,
    hash     TEXT NOT NULL UNIQUE,
    channel  TEXT NOT NULL,
    address  TEXT NOT NULL,
    state    TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    reminded SMALLINT NOT NULL,
    dialog   TEXT,
    version  BIGINT NOT NULL
);
CREATE INDEX conversation_dialog ON conversation (asked_at) WHERE dialog IS NOT NULL;

-- A push that asks something; `target` as in the outbox.
CREATE TABLE offer (
    id         BIGINT PRIMARY KEY,
    target     TEXT NOT NULL,
    dialog     TEXT NOT NULL,
    preset     TEXT NOT NULL,
    ticket_id  BIGINT,
    priority   SMALLINT NOT NULL,
    state      TEXT NOT NULL,
    at         BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX offer_target ON offer (target, priority, id) WHERE state IN ('waiting', 'open');
CREATE INDEX offer_ticket ON offer (ticket_id) WHERE state IN ('waiting', 'open');

CREATE TABLE outbox (
    id           BIGINT PRIMARY KEY,
    turn_key     TEXT NOT NULL,
    ticket_id    BIGINT,
    target       TEXT NOT NULL,
    except_for   BIGINT,
    lane         TEXT NOT NULL,
    class        TEXT NOT NULL,
    body         TEXT NOT NULL,
    at           BIGINT NOT NULL,
    not_before   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    tries        SMALLINT NOT NULL,
    state        TEXT NOT NULL,
    lease_until  BIGINT NOT NULL,
    sent_at      BIGINT,
    channel      TEXT,
    kept_for     TEXT,
    why          TEXT,
    platform_ref TEXT
);
CREATE INDEX outbox_lane ON outbox (lane, id) WHERE state IN ('pending', 'held', 'sending', 'kept');
CREATE INDEX outbox_turn ON outbox (turn_key);
CREATE INDEX outbox_batch ON outbox (lane, sent_at) WHERE class = 'batch';
CREATE INDEX outbox_kept ON outbox (kept_for) WHERE state = 'kept';

-- How long, how often and by which session address a chat may be written to; `hash` is that of the address.
CREATE TABLE send_window (
    hash      TEXT PRIMARY KEY,
    until     BIGINT NOT NULL,
    left_over BIGINT NOT NULL,
    via       TEXT,
    via_until BIGINT NOT NULL
);

-- API calls made in a month, against the organisation's quota.
CREATE TABLE quota (
    channel TEXT NOT NULL,
    month   TEXT NOT NULL,
    calls   BIGINT NOT NULL,
    warned  SMALLINT NOT NULL,
    PRIMARY KEY (channel, month)
);

CREATE TABLE media (
    id        BIGINT PRIMARY KEY,
    turn_key  TEXT NOT NULL,
    ticket_id BIGINT,
    kind      TEXT NOT NULL,
    channel   TEXT NOT NULL,
    reference TEXT NOT NULL,
    at        BIGINT NOT NULL,
    state     TEXT NOT NULL,
    fetch_by  BIGINT NOT NULL,
    tries     SMALLINT NOT NULL,
    due_at    BIGINT NOT NULL,
    mime      TEXT,
    size      BIGINT
);
CREATE INDEX media_fetching ON media (due_at) WHERE state = 'fetching';
CREATE INDEX media_ticket ON media (ticket_id);

-- Raw updates whose turn failed, sealed.
CREATE TABLE fault (
    id           BIGINT PRIMARY KEY,
    turn_key     TEXT NOT NULL,
    conversation BIGINT NOT NULL,
    version      BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    why          TEXT NOT NULL,
    raw          TEXT NOT NULL,
    state        TEXT NOT NULL
);

CREATE TABLE job (
    name   TEXT PRIMARY KEY,
    due_at BIGINT NOT NULL
);
