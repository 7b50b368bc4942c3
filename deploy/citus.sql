-- Spreads the learner tables over a sharding PostgreSQL (Citus). Apply it once as the owner of the database, on the
-- coordinator, after keju has made its schema and before there is much data (what is there is moved), while no server runs:
--
--     psql --single-transaction --set ON_ERROR_STOP=1 --file deploy/citus.sql postgres://keju@coordinator/keju
--
-- Servers connect to the coordinator. What one learner has lies on one shard, and what is written and read while an
-- exam is taken names the learner. Lists over all learners (an exam's sessions, what is due) ask every shard.
--
-- Distributed tables have no triggers; the owner has given up the right to change their rows all the same. Reference
-- tables have none either: item_versions is then kept by the service alone. `audit`, `settings`, `latest_times` and
-- `migrations` stay on the coordinator, the audit log with its trigger.

DROP TRIGGER steps_unchanged ON steps;
DROP TRIGGER lesson_steps_unchanged ON lesson_steps;
DROP TRIGGER ledger_unchanged ON ledger;
DROP TRIGGER certificates_unchanged ON certificates;
DROP TRIGGER revocations_unchanged ON revocations;
DROP TRIGGER item_versions_unchanged ON item_versions;
DROP TRIGGER key_versions_unchanged ON key_versions;

-- A table with an identity column cannot be moved while it refers to a reference table; see below.
ALTER TABLE overrides DROP CONSTRAINT overrides_person_fkey;

-- Small tables that all learners share: whole on every node.
SELECT create_reference_table('people');
SELECT create_reference_table('units');
SELECT create_reference_table('banks');
SELECT create_reference_table('item_versions');
SELECT create_reference_table('item_spans');
SELECT create_reference_table('courses');
SELECT create_reference_table('exams');
SELECT create_reference_table('key_versions');
SELECT create_reference_table('lessons');
SELECT create_reference_table('course_lessons');
SELECT create_reference_table('partners');

-- What a learner has: together.
SELECT create_distributed_table('attempts', 'learner');
SELECT create_distributed_table('steps', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('ledger', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('certificates', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('revocations', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('notebook_removals', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('overrides', 'person', colocate_with => 'attempts');
-- Citus sends on the text it was given, which must be this statement alone, however the file is sent.
DO $$ BEGIN
    EXECUTE 'ALTER TABLE overrides ADD CONSTRAINT overrides_person_fkey FOREIGN KEY (person) REFERENCES people (id)';
END $$;
SELECT create_distributed_table('studies', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('lesson_progress', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('lesson_steps', 'learner', colocate_with => 'attempts');
SELECT create_distributed_table('outbox', 'learner', colocate_with => 'attempts');

-- Looked up by what the client sends, before it is known whose it is.
SELECT create_distributed_table('sessions', 'token_hash', colocate_with => 'none');
SELECT create_distributed_table('spent_tickets', 'nonce', colocate_with => 'none');

-- Numbers go on after those that rows have already: a table that is spread begins again with 1.
SELECT setval(pg_get_serial_sequence('item_versions', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM item_versions), false);
SELECT setval(pg_get_serial_sequence('overrides', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM overrides), false);
