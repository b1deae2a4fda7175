DROP FUNCTION note_looks(text[], integer[]);
DROP TABLE conversation_looks;
