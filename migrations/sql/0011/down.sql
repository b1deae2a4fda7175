-- The targets stand in workspace_setting_changes; what is stale follows from the chunks.
DROP FUNCTION set_coverage_target(text, text, text, text, integer);
DROP TABLE coverage_targets;
DROP TRIGGER note_stale_from_start ON conversations;
DROP TRIGGER note_retired_chunks ON chunks;
DROP FUNCTION note_stale_from_start(), note_retired_chunks();
DROP INDEX ix_conversations_stale;
ALTER TABLE conversations DROP COLUMN stale_at;
