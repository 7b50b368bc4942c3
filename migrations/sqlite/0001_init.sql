-- The first schema. Ids are the sixteen bytes of a UUID, times are milliseconds since 1970 UTC, points and
-- hours are hundredths.

CREATE TABLE people (
    id                   BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username             TEXT    NOT NULL,
    name                 TEXT    NOT NULL,
    roles                INTEGER NOT NULL,
    unit                 TEXT,
    id_number            TEXT,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    disabled             INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    password_hash        TEXT
) STRICT;
CREATE UNIQUE INDEX people_username ON people (username);

CREATE TABLE sessions (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    person     BLOB    NOT NULL REFERENCES people (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE banks (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code     TEXT    NOT NULL,
    title    TEXT    NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT;
CREATE UNIQUE INDEX banks_code ON banks (code);

-- What was written: never changed.
CREATE TABLE item_versions (
    id           INTEGER NOT NULL PRIMARY KEY,
    bank         BLOB    NOT NULL REFERENCES banks (id),
    code         TEXT    NOT NULL,
    version      INTEGER NOT NULL CHECK (version > 0),
    content_hash BLOB    NOT NULL CHECK (length(content_hash) = 32),
    body         TEXT    NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX item_versions_code ON item_versions (bank, code, version);

-- Which version of an item stood in which state from revision `since` on and before revision `until`.
CREATE TABLE item_spans (
    bank         BLOB    NOT NULL REFERENCES banks (id),
    code         TEXT    NOT NULL,
    since        INTEGER NOT NULL,
    until        INTEGER,
    state        TEXT    NOT NULL CHECK (state IN ('draft', 'ready', 'retired')),
    item_version INTEGER NOT NULL REFERENCES item_versions (id),
    PRIMARY KEY (bank, code, since)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX item_spans_current ON item_spans (bank, code) WHERE until IS NULL;

CREATE TABLE courses (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code        TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    subject     TEXT    NOT NULL CHECK (subject IN ('public', 'professional')),
    obligation  TEXT    NOT NULL CHECK (obligation IN ('compulsory', 'elective')),
    credit_year INTEGER NOT NULL,
    hours       INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX courses_code ON courses (code);

CREATE TABLE exams (
    id     BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code   TEXT NOT NULL,
    course BLOB NOT NULL REFERENCES courses (id),
    bank   BLOB NOT NULL REFERENCES banks (id),
    state  TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    secret BLOB NOT NULL CHECK (length(secret) = 32),
    body   TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX exams_code ON exams (code);

CREATE TABLE overrides (
    id         INTEGER NOT NULL PRIMARY KEY,
    exam       BLOB    NOT NULL REFERENCES exams (id),
    person     BLOB    NOT NULL REFERENCES people (id),
    exception  TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    granted_by BLOB    NOT NULL REFERENCES people (id),
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX overrides_person ON overrides (exam, person, id);

CREATE TABLE key_versions (
    exam    BLOB    NOT NULL REFERENCES exams (id),
    version TEXT    NOT NULL,
    items   TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (exam, version)
) STRICT;

-- What the steps come to, for lists and workers; written with the steps that change it. `no` stands for
-- (learner, id) within this file.
CREATE TABLE attempts (
    no              INTEGER NOT NULL PRIMARY KEY,
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    learner         BLOB    NOT NULL REFERENCES people (id),
    exam            BLOB    NOT NULL REFERENCES exams (id),
    mode            TEXT    NOT NULL CHECK (mode IN ('exam', 'practice')),
    number          INTEGER NOT NULL CHECK (number > 0),
    state           TEXT    NOT NULL CHECK (state IN ('open', 'paused', 'submitted', 'expired', 'terminated')),
    started_at      INTEGER NOT NULL,
    deadline        INTEGER NOT NULL,
    due_at          INTEGER,
    closed_at       INTEGER,
    answered        INTEGER NOT NULL,
    score           INTEGER,
    passed          INTEGER CHECK (passed IN (0, 1)),
    hours           INTEGER NOT NULL,
    integrity_score INTEGER NOT NULL,
    flags           INTEGER NOT NULL,
    start_command   BLOB    NOT NULL CHECK (length(start_command) = 16),
    start_digest    BLOB    NOT NULL CHECK (length(start_digest) = 16)
) STRICT;
CREATE UNIQUE INDEX attempts_id ON attempts (id);
CREATE UNIQUE INDEX attempts_start_command ON attempts (learner, start_command);
CREATE UNIQUE INDEX attempts_open ON attempts (learner, exam) WHERE state IN ('open', 'paused');
CREATE UNIQUE INDEX attempts_number ON attempts (learner, exam, mode, number);
CREATE INDEX attempts_exam ON attempts (exam, id);
CREATE INDEX attempts_exam_open ON attempts (exam, id) WHERE state IN ('open', 'paused');
CREATE INDEX attempts_due ON attempts (due_at) WHERE due_at IS NOT NULL;

-- What happened. Rows lie one behind the other and their keys are short, so that a transaction of many
-- learners' steps changes few pages: pages are what a commit costs. (Clustered by learner and attempt, every
-- step would change two pages that no other learner's step changes.)
CREATE TABLE steps (
    attempt_no INTEGER NOT NULL REFERENCES attempts (no),
    seq        INTEGER NOT NULL CHECK (seq > 0),
    at         INTEGER NOT NULL,
    actor      BLOB,
    node       INTEGER NOT NULL,
    command    BLOB,
    digest     BLOB,
    body       TEXT    NOT NULL,
    hash       BLOB    NOT NULL,
    CHECK ((command IS NULL) = (digest IS NULL))
) STRICT;
CREATE UNIQUE INDEX steps_seq ON steps (attempt_no, seq);
CREATE UNIQUE INDEX steps_command ON steps (attempt_no, command) WHERE command IS NOT NULL;

CREATE TABLE ledger (
    learner     BLOB    NOT NULL REFERENCES people (id),
    credit_year INTEGER NOT NULL,
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    course      BLOB    NOT NULL REFERENCES courses (id),
    subject     TEXT    NOT NULL CHECK (subject IN ('public', 'professional')),
    obligation  TEXT    NOT NULL CHECK (obligation IN ('compulsory', 'elective')),
    hours       INTEGER NOT NULL,
    source      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (learner, credit_year, id)
) STRICT, WITHOUT ROWID;
-- A grant comes once; a correction is a counter-entry, whose hours are negative.
CREATE UNIQUE INDEX ledger_grant ON ledger (learner, course, credit_year) WHERE hours >= 0;

CREATE TABLE audit (
    seq     INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   BLOB,
    act     TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    hash    TEXT    NOT NULL
) STRICT;

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the latest time of anything kept, which no clock may go behind.
CREATE TABLE latest_time (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    at  INTEGER
) STRICT;
INSERT INTO latest_time (one, at) VALUES (1, NULL);

-- Append-only means that not even the service can do otherwise.
CREATE TRIGGER steps_no_update BEFORE UPDATE ON steps BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
CREATE TRIGGER steps_no_delete BEFORE DELETE ON steps BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER item_versions_no_update BEFORE UPDATE ON item_versions
BEGIN SELECT RAISE(ABORT, 'item versions are never changed'); END;
CREATE TRIGGER item_versions_no_delete BEFORE DELETE ON item_versions
BEGIN SELECT RAISE(ABORT, 'item versions are never changed'); END;
CREATE TRIGGER key_versions_no_update BEFORE UPDATE ON key_versions
BEGIN SELECT RAISE(ABORT, 'key versions are never changed'); END;
CREATE TRIGGER key_versions_no_delete BEFORE DELETE ON key_versions
BEGIN SELECT RAISE(ABORT, 'key versions are never changed'); END;
