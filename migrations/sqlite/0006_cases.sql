-- Cases: attempts that people have to look at, and what is taken back when they decide that one does not count.

-- Where the case of an attempt stands; NULL: there is none. Derived from the steps as all of the row is.
ALTER TABLE attempts ADD COLUMN case_state TEXT CHECK (case_state IN ('open', 'second_review', 'cleared', 'confirmed'));
ALTER TABLE attempts ADD COLUMN case_opened_at INTEGER;
-- Whether a person's decision stands by which the attempt does not count.
ALTER TABLE attempts ADD COLUMN invalidated INTEGER NOT NULL DEFAULT 0 CHECK (invalidated IN (0, 1));
-- What the steps of attempts from before this say: the score at which a case opens is that of integrity/1.
UPDATE attempts SET case_state = 'open', case_opened_at = coalesce(closed_at, started_at)
WHERE mode = 'exam' AND (integrity_score >= 30 OR state = 'terminated');
CREATE INDEX attempts_case ON attempts (id) WHERE case_state IS NOT NULL;
CREATE INDEX attempts_case_waiting ON attempts (id) WHERE case_state IN ('open', 'second_review');

-- A counter-entry names the entry that it takes back, which can be taken back once. How many were taken back before
-- numbers the next grant, so that there is at most one that stands.
ALTER TABLE ledger ADD COLUMN takes_back BLOB CHECK (length(takes_back) = 16);
ALTER TABLE ledger ADD COLUMN generation INTEGER NOT NULL DEFAULT 1 CHECK (generation > 0);
DROP INDEX ledger_grant;
CREATE UNIQUE INDEX ledger_grant ON ledger (learner, course, credit_year, generation)
WHERE hours >= 0 AND takes_back IS NULL AND lesson IS NULL;
CREATE UNIQUE INDEX ledger_takes_back ON ledger (learner, takes_back) WHERE takes_back IS NOT NULL;
