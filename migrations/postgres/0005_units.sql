-- The tree of units: city, district, unit. A person's `unit` is a code; people may be of a unit that is not in the
-- tree, and then nobody above it oversees them.

CREATE TABLE units (
    code   text COLLATE "C" NOT NULL PRIMARY KEY,
    name   text NOT NULL,
    level  text NOT NULL CHECK (level IN ('city', 'district', 'unit')),
    parent text COLLATE "C" REFERENCES units (code),
    CHECK ((level = 'city') = (parent IS NULL))
);
CREATE INDEX units_parent ON units (parent);

-- Lists of the people of a unit.
CREATE INDEX people_unit ON people (unit, username) WHERE unit IS NOT NULL;
-- All exceptions at an exam, whose they are.
CREATE INDEX overrides_at ON overrides (exam, id);
