-- Signatures can be made again from the turns. A score keeps its points and sentences; an older Traintui does not know the
-- figures beside them.
DROP TRIGGER queue_unsigned ON conversation_revisions;
DROP FUNCTION take_unsigned(integer), queue_unsigned(), keep_signature(text, bytea, integer),
    conversations_near(bytea, text);
DROP TABLE signature_pending, conversation_bands, conversation_signatures;
DROP FUNCTION keep_bands(), signature_bands(bytea);
UPDATE conversations
SET score_parts = (SELECT jsonb_agg(part - ARRAY['value', 'low', 'high', 'unit'] ORDER BY place)
                   FROM jsonb_array_elements(score_parts) WITH ORDINALITY AS list(part, place))
WHERE score_parts @? '$[*].value';
