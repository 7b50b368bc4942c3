-- Lessons: what is made of them, what learners do in them, and what partner systems are told.

CREATE TABLE lessons (
    id            uuid        NOT NULL PRIMARY KEY,
    code          text        COLLATE "C" NOT NULL,
    course        uuid        NOT NULL REFERENCES courses (id),
    title         text        NOT NULL,
    duration_ms   bigint      NOT NULL CHECK (duration_ms > 0),
    bank          uuid        NOT NULL REFERENCES banks (id),
    bank_revision bigint      NOT NULL,
    bank_version  text        NOT NULL,
    policy        jsonb       NOT NULL,
    -- Of its own; NULL where the course's hours count.
    hours         bigint,
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX lessons_code ON lessons (code);
CREATE INDEX lessons_course ON lessons (course, code);

-- Lessons of other courses that a course lists: packages. A lesson's own course is not in it.
CREATE TABLE course_lessons (
    course uuid   NOT NULL REFERENCES courses (id),
    place  bigint NOT NULL,
    lesson uuid   NOT NULL REFERENCES lessons (id),
    PRIMARY KEY (course, place)
);
CREATE UNIQUE INDEX course_lessons_lesson ON course_lessons (course, lesson);

CREATE TABLE partners (
    id             uuid        NOT NULL PRIMARY KEY,
    name           text        COLLATE "C" NOT NULL,
    key_hash       bytea       NOT NULL CHECK (length(key_hash) = 32),
    webhook_url    text,
    webhook_secret text,
    -- A list of ids; NULL: every lesson.
    lessons        jsonb,
    created_at     timestamptz NOT NULL,
    revoked_at     timestamptz,
    CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL))
);
CREATE UNIQUE INDEX partners_name ON partners (name);
CREATE UNIQUE INDEX partners_key_hash ON partners (key_hash);

-- Learner tables, keyed and referring as those of exams do.

-- The one study of a learner that may earn credit: whoever holds its epoch holds the fence.
CREATE TABLE studies (
    learner   uuid        NOT NULL PRIMARY KEY REFERENCES people (id),
    study     uuid        NOT NULL,
    epoch     bigint      NOT NULL CHECK (epoch > 0),
    lesson    uuid        NOT NULL,
    partner   uuid,
    opened_at timestamptz NOT NULL
);

-- What the steps come to, for lists, and the coverage earned since the last step.
CREATE TABLE lesson_progress (
    learner      uuid        NOT NULL REFERENCES people (id),
    lesson       uuid        NOT NULL,
    seq          integer     NOT NULL CHECK (seq > 0),
    epoch        bigint      NOT NULL CHECK (epoch > 0),
    state        text        NOT NULL CHECK (state IN ('in_progress', 'completed')),
    covered      jsonb       NOT NULL,
    position_ms  bigint      NOT NULL,
    asked        integer     NOT NULL,
    passed       integer     NOT NULL,
    completed_at timestamptz,
    hours        bigint      NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (learner, lesson),
    CHECK ((state = 'completed') = (completed_at IS NOT NULL))
);

-- What happened. The body is text: byte for byte what was hashed.
CREATE TABLE lesson_steps (
    learner uuid        NOT NULL,
    lesson  uuid        NOT NULL,
    seq     integer     NOT NULL CHECK (seq > 0),
    at      timestamptz NOT NULL,
    actor   uuid,
    node    integer     NOT NULL,
    command uuid,
    digest  bytea,
    body    text        NOT NULL,
    hash    bytea       NOT NULL,
    PRIMARY KEY (learner, lesson, seq),
    CHECK ((command IS NULL) = (digest IS NULL))
);
CREATE UNIQUE INDEX lesson_steps_command ON lesson_steps (learner, lesson, command) WHERE command IS NOT NULL;

-- A lesson with hours of its own names itself; hours of a course, by exam or by its last lesson, name none.
ALTER TABLE ledger ADD COLUMN lesson uuid;
DROP INDEX ledger_grant;
CREATE UNIQUE INDEX ledger_grant ON ledger (learner, course, credit_year) WHERE hours >= 0 AND lesson IS NULL;
CREATE UNIQUE INDEX ledger_lesson_grant ON ledger (learner, lesson, credit_year)
WHERE hours >= 0 AND lesson IS NOT NULL;

-- What partners are still to be told. `due_at` is when to try next; NULL: given up. The body is text: byte for
-- byte what is signed and sent.
CREATE TABLE outbox (
    learner    uuid        NOT NULL REFERENCES people (id),
    id         uuid        NOT NULL,
    partner    uuid        NOT NULL,
    body       text        NOT NULL,
    created_at timestamptz NOT NULL,
    attempts   integer     NOT NULL,
    due_at     timestamptz,
    PRIMARY KEY (learner, id)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL;

-- Tickets that were used, until they would have expired anyway.
CREATE TABLE spent_tickets (
    nonce      bytea       NOT NULL PRIMARY KEY CHECK (length(nonce) = 16),
    expires_at timestamptz NOT NULL
);
CREATE INDEX spent_tickets_expires_at ON spent_tickets (expires_at);

CREATE TRIGGER lesson_steps_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON lesson_steps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('are append-only');

REVOKE UPDATE, DELETE, TRUNCATE ON lesson_steps FROM CURRENT_USER;
