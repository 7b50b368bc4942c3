-- Certificates of fulfilled years, and their revocations: learner tables, keyed and referring as the others are.

CREATE TABLE certificates (
    learner     uuid        NOT NULL REFERENCES people (id),
    number      text        COLLATE "C" NOT NULL,
    credit_year smallint    NOT NULL,
    issue       integer     NOT NULL CHECK (issue > 0),
    command     uuid        NOT NULL,
    holder      text        NOT NULL,
    -- Masked.
    id_number   text,
    -- A list of hundredths, in the order of the buckets.
    hours       jsonb       NOT NULL,
    issued_at   timestamptz NOT NULL,
    seal        bytea       NOT NULL CHECK (length(seal) = 32),
    PRIMARY KEY (learner, number)
);
CREATE UNIQUE INDEX certificates_issue ON certificates (learner, credit_year, issue);
CREATE UNIQUE INDEX certificates_command ON certificates (learner, command);
-- Whoever checks one knows its number alone. Numbers are random and unique without a key.
CREATE INDEX certificates_number ON certificates (number);

-- That the certificate exists is seen to by the statement that writes.
CREATE TABLE revocations (
    learner    uuid        NOT NULL,
    number     text        COLLATE "C" NOT NULL,
    at         timestamptz NOT NULL,
    revoked_by uuid        NOT NULL,
    reason     text        NOT NULL,
    reissue    boolean     NOT NULL,
    PRIMARY KEY (learner, number)
);

CREATE TRIGGER certificates_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON certificates
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('are never changed');
CREATE TRIGGER revocations_unchanged BEFORE UPDATE OR DELETE OR TRUNCATE ON revocations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('are never changed');

REVOKE UPDATE, DELETE, TRUNCATE ON certificates, revocations FROM CURRENT_USER;
