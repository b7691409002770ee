-- Who there is: areas, units, fields, rules, people, accounts, grants, deputy groups, group chats, binding codes.
-- Lists of plain words are JSON. `retired` rows stay for old tickets. `place` keeps the order of the file.

CREATE TABLE area (
    code    TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    prefix  TEXT,
    aliases TEXT NOT NULL,
    retired SMALLINT NOT NULL
);

CREATE TABLE unit (
    id      TEXT PRIMARY KEY,
    place   BIGINT NOT NULL,
    name    TEXT NOT NULL,
    aliases TEXT NOT NULL,
    area    TEXT NOT NULL,
    parent  TEXT,
    retired SMALLINT NOT NULL
);

-- Campaign fields and topics of everyday life.
CREATE TABLE field (
    id       TEXT PRIMARY KEY,
    place    BIGINT NOT NULL,
    name     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    unit     TEXT,
    words    TEXT,
    photo    SMALLINT NOT NULL,
    radius_m BIGINT,
    retired  SMALLINT NOT NULL
);

-- The first that matches wins.
CREATE TABLE rule (
    place BIGINT PRIMARY KEY,
    field TEXT,
    area  TEXT,
    text  TEXT,
    unit  TEXT NOT NULL
);

-- Staff have a reference and a name; citizens neither. A phone is sealed, its keyed hash finds it.
CREATE TABLE person (
    id           BIGINT PRIMARY KEY,
    reference    TEXT UNIQUE,
    name         TEXT,
    phone_hash   TEXT,
    phone_sealed TEXT,
    citizen      SMALLINT NOT NULL,
    retired      SMALLINT NOT NULL,
    merged_into  BIGINT,
    at           BIGINT NOT NULL
);
CREATE UNIQUE INDEX person_phone ON person (phone_hash) WHERE phone_hash IS NOT NULL AND retired = 0;

-- A way to reach a person; `hash` finds it, the address is sealed. `at` is the last contact.
CREATE TABLE account (
    id        BIGINT PRIMARY KEY,
    hash      TEXT NOT NULL UNIQUE,
    channel   TEXT NOT NULL,
    sealed    TEXT NOT NULL,
    person_id BIGINT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX account_person ON account (person_id);

-- Until when a platform's directory is not asked again for the phone with this hash; the empty hash stands for all phones.
CREATE TABLE phone_wait (
    hash    TEXT NOT NULL,
    channel TEXT NOT NULL,
    until   BIGINT NOT NULL,
    PRIMARY KEY (hash, channel)
);

-- A grant ends, it is not removed: who had which right when can be told afterwards. An empty area means: wherever the unit acts.
CREATE TABLE role_grant (
    id        BIGINT PRIMARY KEY,
    person_id BIGINT NOT NULL,
    role      TEXT NOT NULL,
    area      TEXT NOT NULL,
    unit      TEXT,
    field     TEXT,
    from_at   BIGINT NOT NULL,
    until_at  BIGINT
);
CREATE INDEX role_grant_person ON role_grant (person_id) WHERE until_at IS NULL;

CREATE TABLE deputy_group (
    id      TEXT PRIMARY KEY,
    place   BIGINT NOT NULL,
    name    TEXT NOT NULL,
    area    TEXT NOT NULL,
    lead    TEXT,
    members TEXT NOT NULL,
    retired SMALLINT NOT NULL
);

-- `of_kind` is unit, deputies or centre; `of_id` names the first two.
CREATE TABLE chat_group (
    id      TEXT PRIMARY KEY,
    place   BIGINT NOT NULL,
    name    TEXT NOT NULL,
    of_kind TEXT NOT NULL,
    of_id   TEXT,
    channel TEXT,
    chat    TEXT,
    retired SMALLINT NOT NULL
);
CREATE UNIQUE INDEX chat_group_chat ON chat_group (channel, chat) WHERE chat IS NOT NULL AND retired = 0;

-- A keyed hash of a code that binds an account to a person, or makes the first administrator (person_id is null).
CREATE TABLE binding_code (
    hash       TEXT PRIMARY KEY,
    person_id  BIGINT,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
