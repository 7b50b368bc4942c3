-- Rows are changed where they are here: there is nothing to do.
SELECT 1;
