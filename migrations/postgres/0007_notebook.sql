-- Items that learners took out of their notebooks of wrong answers; what stands in those follows from the steps.

CREATE TABLE notebook_removals (
    learner uuid        NOT NULL REFERENCES people (id),
    bank    uuid        NOT NULL,
    code    text        COLLATE "C" NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (learner, bank, code)
);
