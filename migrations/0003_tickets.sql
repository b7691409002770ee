-- Tickets, their history, who reported them, and what reporters say of the result.

CREATE TABLE ticket (
    id               BIGINT PRIMARY KEY,
    number           TEXT NOT NULL UNIQUE,
    day              TEXT NOT NULL,
    seq              BIGINT NOT NULL,
    query_code       TEXT NOT NULL UNIQUE,
    kind             TEXT NOT NULL,
    field_id         TEXT,
    title            TEXT NOT NULL,
    text             TEXT NOT NULL,
    area_code        TEXT NOT NULL,
    place_text       TEXT NOT NULL,
    lat              DOUBLE PRECISION,
    lng              DOUBLE PRECISION,
    source           TEXT NOT NULL,
    on_behalf        SMALLINT NOT NULL,
    identity_mode    TEXT NOT NULL,
    priority         TEXT NOT NULL,
    state            TEXT NOT NULL,
    round            BIGINT NOT NULL,
    lead_unit        TEXT,
    handler_id       BIGINT,
    accept_due_at    BIGINT,
    dispatch_due_at  BIGINT,
    sign_due_at      BIGINT,
    contact_due_at   BIGINT,
    resolve_due_at   BIGINT,
    submitted_at     BIGINT NOT NULL,
    dispatched_at    BIGINT,
    first_contact_at BIGINT,
    resolved_at      BIGINT,
    closed_at        BIGINT,
    signed_off       SMALLINT NOT NULL,
    result           TEXT,
    verification     TEXT,
    method           TEXT,
    asks             BIGINT NOT NULL,
    send_backs       BIGINT NOT NULL,
    reopens          BIGINT NOT NULL,
    urges            BIGINT NOT NULL,
    urged_at         BIGINT,
    version          BIGINT NOT NULL
);

-- Append-only.
CREATE TABLE ticket_event (
    id         BIGINT PRIMARY KEY,
    ticket_id  BIGINT NOT NULL REFERENCES ticket (id),
    seq        BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    turn_key   TEXT NOT NULL,
    actor_id   BIGINT,
    actor_role TEXT NOT NULL,
    command    TEXT NOT NULL,
    from_state TEXT,
    to_state   TEXT NOT NULL,
    reason     TEXT,
    payload    TEXT,
    visible_to TEXT NOT NULL,
    UNIQUE (ticket_id, seq)
);

-- Who reported, apart from the ticket. `holder` is a keyed hash of the person, or of the account alone for an anonymous
-- reporter; `sealed` leads to the person or, for an anonymous one, to the address, and only the courier and intake open it.
CREATE TABLE reporter (
    id        BIGINT PRIMARY KEY,
    ticket_id BIGINT NOT NULL REFERENCES ticket (id),
    mode      TEXT NOT NULL,
    holder    TEXT NOT NULL,
    sealed    TEXT NOT NULL,
    contact   TEXT,
    at        BIGINT NOT NULL
);
CREATE INDEX reporter_holder ON reporter (holder, ticket_id);
CREATE INDEX reporter_ticket ON reporter (ticket_id);

CREATE TABLE rating (
    ticket_id   BIGINT NOT NULL REFERENCES ticket (id),
    round       BIGINT NOT NULL,
    reporter_id BIGINT NOT NULL,
    solved      TEXT,
    value       BIGINT,
    contacted   TEXT,
    words       TEXT,
    reason      TEXT,
    at          BIGINT NOT NULL,
    PRIMARY KEY (ticket_id, round, reporter_id)
);

-- Wrong guesses of query codes.
CREATE TABLE code_guess (
    holder TEXT NOT NULL,
    at     BIGINT NOT NULL
);
CREATE INDEX code_guess_holder ON code_guess (holder, at);
