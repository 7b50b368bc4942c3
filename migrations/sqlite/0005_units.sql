-- The tree of units: city, district, unit. A person's `unit` is a code; people may be of a unit that is not in the
-- tree, and then nobody above it oversees them.

CREATE TABLE units (
    code   TEXT NOT NULL PRIMARY KEY,
    name   TEXT NOT NULL,
    level  TEXT NOT NULL CHECK (level IN ('city', 'district', 'unit')),
    parent TEXT REFERENCES units (code),
    CHECK ((level = 'city') = (parent IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX units_parent ON units (parent);

-- Lists of the people of a unit.
CREATE INDEX people_unit ON people (unit, username) WHERE unit IS NOT NULL;
-- All exceptions at an exam.
CREATE INDEX overrides_exam ON overrides (exam, id);
