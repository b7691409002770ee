-- What several programs share on one database: who does a thing for all of them, and the platforms' access tokens.

-- Whoever holds a lease does the thing; `holder` is a random id of the process.
CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);

-- The access token in force, sealed.
CREATE TABLE access_token (
    name   TEXT PRIMARY KEY,
    sealed TEXT NOT NULL,
    until  BIGINT NOT NULL
);

-- The newest migration a program must know to run beside this database; a migration that takes something away raises it.
INSERT INTO setting (name, value) VALUES ('oldest_program', '6');
