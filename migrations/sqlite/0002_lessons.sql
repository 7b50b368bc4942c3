-- Lessons: what is made of them, what learners do in them, and what partner systems are told.

CREATE TABLE lessons (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    code          TEXT    NOT NULL,
    course        BLOB    NOT NULL REFERENCES courses (id),
    title         TEXT    NOT NULL,
    duration_ms   INTEGER NOT NULL CHECK (duration_ms > 0),
    bank          BLOB    NOT NULL REFERENCES banks (id),
    bank_revision INTEGER NOT NULL,
    bank_version  TEXT    NOT NULL,
    policy        TEXT    NOT NULL,
    -- Of its own; NULL where the course's hours count.
    hours         INTEGER,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lessons_code ON lessons (code);
CREATE INDEX lessons_course ON lessons (course, code);

-- Lessons of other courses that a course lists: packages. A lesson's own course is not in it.
CREATE TABLE course_lessons (
    course BLOB    NOT NULL REFERENCES courses (id),
    place  INTEGER NOT NULL,
    lesson BLOB    NOT NULL REFERENCES lessons (id),
    PRIMARY KEY (course, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX course_lessons_lesson ON course_lessons (course, lesson);

CREATE TABLE partners (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name           TEXT    NOT NULL,
    key_hash       BLOB    NOT NULL CHECK (length(key_hash) = 32),
    webhook_url    TEXT,
    webhook_secret TEXT,
    -- A JSON list of ids; NULL: every lesson.
    lessons        TEXT,
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER,
    CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL))
) STRICT;
CREATE UNIQUE INDEX partners_name ON partners (name);
CREATE UNIQUE INDEX partners_key_hash ON partners (key_hash);

-- The one study of a learner that may earn credit: whoever holds its epoch holds the fence.
CREATE TABLE studies (
    learner   BLOB    NOT NULL PRIMARY KEY REFERENCES people (id),
    study     BLOB    NOT NULL CHECK (length(study) = 16),
    epoch     INTEGER NOT NULL CHECK (epoch > 0),
    lesson    BLOB    NOT NULL REFERENCES lessons (id),
    partner   BLOB    REFERENCES partners (id),
    opened_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the steps come to, for lists, and the coverage earned since the last step. `no` stands for
-- (learner, lesson) within this file.
CREATE TABLE lesson_progress (
    no           INTEGER NOT NULL PRIMARY KEY,
    learner      BLOB    NOT NULL REFERENCES people (id),
    lesson       BLOB    NOT NULL REFERENCES lessons (id),
    seq          INTEGER NOT NULL CHECK (seq > 0),
    epoch        INTEGER NOT NULL CHECK (epoch > 0),
    state        TEXT    NOT NULL CHECK (state IN ('in_progress', 'completed')),
    covered      TEXT    NOT NULL,
    position_ms  INTEGER NOT NULL,
    asked        INTEGER NOT NULL,
    passed       INTEGER NOT NULL,
    completed_at INTEGER,
    hours        INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    CHECK ((state = 'completed') = (completed_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX lesson_progress_lesson ON lesson_progress (learner, lesson);

-- What happened, laid one behind the other as the steps of attempts are.
CREATE TABLE lesson_steps (
    progress_no INTEGER NOT NULL REFERENCES lesson_progress (no),
    seq         INTEGER NOT NULL CHECK (seq > 0),
    at          INTEGER NOT NULL,
    actor       BLOB,
    node        INTEGER NOT NULL,
    command     BLOB,
    digest      BLOB,
    body        TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    CHECK ((command IS NULL) = (digest IS NULL))
) STRICT;
CREATE UNIQUE INDEX lesson_steps_seq ON lesson_steps (progress_no, seq);
CREATE UNIQUE INDEX lesson_steps_command ON lesson_steps (progress_no, command) WHERE command IS NOT NULL;

-- A lesson with hours of its own names itself; hours of a course, by exam or by its last lesson, name none.
ALTER TABLE ledger ADD COLUMN lesson BLOB REFERENCES lessons (id);
DROP INDEX ledger_grant;
CREATE UNIQUE INDEX ledger_grant ON ledger (learner, course, credit_year) WHERE hours >= 0 AND lesson IS NULL;
CREATE UNIQUE INDEX ledger_lesson_grant ON ledger (learner, lesson, credit_year)
WHERE hours >= 0 AND lesson IS NOT NULL;

-- Tickets that were used, until they would have expired anyway.
CREATE TABLE spent_tickets (
    nonce      BLOB    NOT NULL PRIMARY KEY CHECK (length(nonce) = 16),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_tickets_expires_at ON spent_tickets (expires_at);

-- What partners are still to be told. `due_at` is when to try next; NULL: given up.
CREATE TABLE outbox (
    learner    BLOB    NOT NULL REFERENCES people (id),
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    partner    BLOB    NOT NULL REFERENCES partners (id),
    body       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    due_at     INTEGER,
    PRIMARY KEY (learner, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;

CREATE TRIGGER lesson_steps_no_update BEFORE UPDATE ON lesson_steps
BEGIN SELECT RAISE(ABORT, 'the steps of lessons are append-only'); END;
CREATE TRIGGER lesson_steps_no_delete BEFORE DELETE ON lesson_steps
BEGIN SELECT RAISE(ABORT, 'the steps of lessons are append-only'); END;
