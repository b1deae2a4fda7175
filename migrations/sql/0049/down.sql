DROP FUNCTION end_session(text, integer, timestamptz, timestamptz, text);
DROP FUNCTION note_session_ending(text, integer, text, text, text);
DROP TABLE session_endings;
