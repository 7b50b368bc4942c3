-- That a command is kept once is the writer's to know, of which a file has one: an index would be another page for
-- every answer to change.
DROP INDEX steps_command;
