-- Certificates of fulfilled years, and their revocations.

CREATE TABLE certificates (
    learner     BLOB    NOT NULL REFERENCES people (id),
    number      TEXT    NOT NULL,
    credit_year INTEGER NOT NULL,
    issue       INTEGER NOT NULL CHECK (issue > 0),
    command     BLOB    NOT NULL CHECK (length(command) = 16),
    holder      TEXT    NOT NULL,
    -- Masked.
    id_number   TEXT,
    -- A JSON list of hundredths, in the order of the buckets.
    hours       TEXT    NOT NULL,
    issued_at   INTEGER NOT NULL,
    seal        BLOB    NOT NULL CHECK (length(seal) = 32),
    PRIMARY KEY (learner, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX certificates_issue ON certificates (learner, credit_year, issue);
CREATE UNIQUE INDEX certificates_command ON certificates (learner, command);
CREATE UNIQUE INDEX certificates_number ON certificates (number);

CREATE TABLE revocations (
    learner    BLOB    NOT NULL,
    number     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    revoked_by BLOB    NOT NULL REFERENCES people (id),
    reason     TEXT    NOT NULL,
    reissue    INTEGER NOT NULL CHECK (reissue IN (0, 1)),
    PRIMARY KEY (learner, number),
    FOREIGN KEY (learner, number) REFERENCES certificates (learner, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER certificates_no_update BEFORE UPDATE ON certificates
BEGIN SELECT RAISE(ABORT, 'certificates are never changed'); END;
CREATE TRIGGER certificates_no_delete BEFORE DELETE ON certificates
BEGIN SELECT RAISE(ABORT, 'certificates are never changed'); END;
CREATE TRIGGER revocations_no_update BEFORE UPDATE ON revocations
BEGIN SELECT RAISE(ABORT, 'revocations are never changed'); END;
CREATE TRIGGER revocations_no_delete BEFORE DELETE ON revocations
BEGIN SELECT RAISE(ABORT, 'revocations are never changed'); END;
