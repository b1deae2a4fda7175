DROP FUNCTION start_probe(bigint, text, text, jsonb, jsonb, jsonb, boolean, bigint);
DROP FUNCTION forget_capabilities(text);
DROP FUNCTION note_capability(text, text, text, boolean, text, text, bigint, timestamptz);
DROP TABLE provider_capabilities;
