-- The first schema. The learner stands first in every key of the learner tables (attempts, steps, ledger,
-- overrides), and their foreign keys carry the learner: a sharding PostgreSQL then keeps what one learner has on
-- one shard, see deploy/citus.sql. Points and hours are hundredths. Codes and usernames sort by their bytes, as
-- the service compares them.

CREATE TABLE people (
    id                   uuid    NOT NULL PRIMARY KEY,
    username             text    COLLATE "C" NOT NULL,
    name                 text    NOT NULL,
    roles                integer NOT NULL,
    unit                 text,
    id_number            text,
    must_change_password boolean NOT NULL,
    disabled             boolean NOT NULL,
    password_hash        text
);
CREATE UNIQUE INDEX people_username ON people (username);

CREATE TABLE sessions (
    token_hash bytea       NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    person     uuid        NOT NULL REFERENCES people (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE banks (
    id       uuid   NOT NULL PRIMARY KEY,
    code     text   COLLATE "C" NOT NULL,
    title    text   NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 0)
);
CREATE UNIQUE INDEX banks_code ON banks (code);

-- What was written: never changed. The body is text: as written, byte for byte.
CREATE TABLE item_versions (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank         uuid        NOT NULL REFERENCES banks (id),
    code         text        COLLATE "C" NOT NULL,
    version      integer     NOT NULL CHECK (version > 0),
    content_hash bytea       NOT NULL CHECK (length(content_hash) = 32),
    body         text        NOT NULL,
    at           timestamptz NOT NULL
);
CREATE UNIQUE INDEX item_versions_code ON item_versions (bank, code, version);

-- Which version of an item stood in which state from revision `since` on and before revision `until`.
CREATE TABLE item_spans (
    bank         uuid   NOT NULL REFERENCES banks (id),
    code         text   COLLATE "C" NOT NULL,
    since        bigint NOT NULL,
    until        bigint,
    state        text   NOT NULL CHECK (state IN ('draft', 'ready', 'retired')),
    item_version bigint NOT NULL REFERENCES item_versions (id),
    PRIMARY KEY (bank, code, since)
);
CREATE UNIQUE INDEX item_spans_current ON item_spans (bank, code) WHERE until IS NULL;

CREATE TABLE courses (
    id          uuid     NOT NULL PRIMARY KEY,
    code        text     COLLATE "C" NOT NULL,
    title       text     NOT NULL,
    subject     text     NOT NULL CHECK (subject IN ('public', 'professional')),
    obligation  text     NOT NULL CHECK (obligation IN ('compulsory', 'elective')),
    credit_year smallint NOT NULL,
    hours       bigint   NOT NULL
);
CREATE UNIQUE INDEX courses_code ON courses (code);

CREATE TABLE exams (
    id     uuid  NOT NULL PRIMARY KEY,
    code   text  COLLATE "C" NOT NULL,
    course uuid  NOT NULL REFERENCES courses (id),
    bank   uuid  NOT NULL REFERENCES banks (id),
    state  text  NOT NULL CHECK (state IN ('draft', 'published')),
    secret bytea NOT NULL CHECK (length(secret) = 32),
    body   jsonb NOT NULL
);
CREATE UNIQUE INDEX exams_code ON exams (code);

-- The items are text: a repeat is known by its bytes.
CREATE TABLE key_versions (
    exam    uuid        NOT NULL REFERENCES exams (id),
    version text        COLLATE "C" NOT NULL,
    items   text        NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (exam, version)
);

-- Learner tables. Which exam or course a row is about has no foreign key: it would not carry the learner. Exams,
-- courses and people are never deleted, and the service has loaded them before it writes.

CREATE TABLE overrides (
    person     uuid        NOT NULL REFERENCES people (id),
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    exam       uuid        NOT NULL,
    exception  jsonb       NOT NULL,
    reason     text        NOT NULL,
    granted_by uuid        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (person, id)
);
CREATE INDEX overrides_exam ON overrides (person, exam, id);

-- What the steps come to, for lists and workers; written with the steps that change it.
CREATE TABLE attempts (
    learner         uuid        NOT NULL REFERENCES people (id),
    id              uuid        NOT NULL,
    exam            uuid        NOT NULL,
    mode            text        NOT NULL CHECK (mode IN ('exam', 'practice')),
    number          integer     NOT NULL CHECK (number > 0),
    state           text        NOT NULL CHECK (state IN ('open', 'paused', 'submitted', 'expired', 'terminated')),
    started_at      timestamptz NOT NULL,
    deadline        timestamptz NOT NULL,
    due_at          timestamptz,
    closed_at       timestamptz,
    answered        integer     NOT NULL,
    score           bigint,
    passed          boolean,
    hours           bigint      NOT NULL,
    integrity_score bigint      NOT NULL,
    flags           integer     NOT NULL,
    start_command   uuid        NOT NULL,
    start_digest    bytea       NOT NULL CHECK (length(start_digest) = 16),
    PRIMARY KEY (learner, id)
);
CREATE UNIQUE INDEX attempts_start_command ON attempts (learner, start_command);
CREATE UNIQUE INDEX attempts_open ON attempts (learner, exam) WHERE state IN ('open', 'paused');
CREATE UNIQUE INDEX attempts_number ON attempts (learner, exam, mode, number);
-- For lists and for links that name the attempt alone. Ids are made here and are unique without a key.
CREATE INDEX attempts_id ON attempts (id);
CREATE INDEX attempts_exam ON attempts (exam, id);
CREATE INDEX attempts_exam_open ON attempts (exam, id) WHERE state IN ('open', 'paused');
CREATE INDEX attempts_due ON attempts (due_at) WHERE due_at IS NOT NULL;

-- What happened. The body is text: byte for byte what was hashed. That a step's attempt exists is seen to by the
-- statement that writes it; a foreign key would lock the attempt's row for every answer.
CREATE TABLE steps (
    learner uuid        NOT NULL,
    attempt uuid        NOT NULL,
    seq     integer     NOT NULL CHECK (seq > 0),
    at      timestamptz NOT NULL,
    actor   uuid,
    node    integer     NOT NULL,
    command uuid,
    digest  bytea,
    body    text        NOT NULL,
    hash    bytea       NOT NULL,
    PRIMARY KEY (learner, attempt, seq),
    CHECK ((command IS NULL) = (digest IS NULL))
);
CREATE UNIQUE INDEX steps_command ON steps (learner, attempt, command) WHERE command IS NOT NULL;

CREATE TABLE ledger (
    learner     uuid        NOT NULL REFERENCES people (id),
    credit_year smallint    NOT NULL,
    id          uuid        NOT NULL,
    course      uuid        NOT NULL,
    subject     text        NOT NULL CHECK (subject IN ('public', 'professional')),
    obligation  text        NOT NULL CHECK (obligation IN ('compulsory', 'elective')),
    hours       bigint      NOT NULL,
    source      jsonb       NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (learner, credit_year, id)
);
-- A grant comes once; a correction is a counter-entry, whose hours are negative.
CREATE UNIQUE INDEX ledger_grant ON ledger (learner, course, credit_year) WHERE hours >= 0;

-- The site's own tables.

CREATE TABLE audit (
    seq     bigint      NOT NULL PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   uuid,
    act     text        NOT NULL,
    subject text        NOT NULL,
    detail  text        NOT NULL,
    hash    text        NOT NULL
);

CREATE TABLE settings (
    name  text  COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- The latest time of anything kept, which no clock may go behind: a row for each node and each kind of writing, so
-- that nodes do not wait for each other.
CREATE TABLE latest_times (
    node   integer     NOT NULL,
    writer text        NOT NULL,
    at     timestamptz NOT NULL,
    PRIMARY KEY (node, writer)
);

-- Append-only means that not even the service can do otherwise: a trigger says so to whoever tries, and the owner
-- gives the right away (a superuser has it all the same, the chain of hashes tells on them). Foreign keys to item
-- versions are checked with the right to lock them, so that one keeps its right and has the trigger alone.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$;

CREATE TRIGGER steps_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON steps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('are append-only');
CREATE TRIGGER ledger_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('is append-only');
CREATE TRIGGER audit_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('is append-only');
CREATE TRIGGER item_versions_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON item_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('are never changed');
CREATE TRIGGER key_versions_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON key_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('are never changed');

REVOKE UPDATE, DELETE, TRUNCATE ON steps, ledger, audit, key_versions FROM CURRENT_USER;
