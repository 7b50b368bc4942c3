-- The index of commands stays here: several nodes write, and the key is what arbitrates between them.
SELECT 1;
