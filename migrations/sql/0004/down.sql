DROP TRIGGER guard_metadata_insert ON conversations;
DROP TRIGGER guard_metadata_update ON conversations;
DROP FUNCTION undo_metadata_bulk(text, integer, bigint), undo_metadata(bigint, text), revert_metadata(bigint[], text),
    change_metadata(bigint[], text, jsonb, text[], text, text, text, jsonb),
    metadata_targets(bigint[], text, jsonb, text[], text), metadata_beside(jsonb, jsonb),
    unregister_metadata_key(text), register_metadata_key(text, text, text, text, integer),
    guard_metadata_update(), guard_metadata_insert(), refuse_metadata(text, text, jsonb), hold_metadata_rules(),
    metadata_fits(jsonb, text);
DROP TABLE metadata_keys;
DROP FUNCTION record_metadata_key(), is_metadata_key(text);
