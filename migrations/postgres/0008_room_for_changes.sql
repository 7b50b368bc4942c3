-- Rows that change often and between whose indexed columns nothing does: with room left on their page, the new row
-- is written beside the old one and no index has to be. Of rows that are there already it holds once they move.
ALTER TABLE attempts SET (fillfactor = 60);
ALTER TABLE lesson_progress SET (fillfactor = 70);
