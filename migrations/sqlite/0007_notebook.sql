-- Items that learners took out of their notebooks of wrong answers; what stands in those follows from the steps.

CREATE TABLE notebook_removals (
    learner BLOB    NOT NULL REFERENCES people (id),
    bank    BLOB    NOT NULL REFERENCES banks (id),
    code    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (learner, bank, code)
) STRICT, WITHOUT ROWID;
