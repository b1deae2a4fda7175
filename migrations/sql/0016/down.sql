DROP FUNCTION note_model(bigint, bigint, text);
