-- The targets stand in workspace_setting_changes.
DROP FUNCTION set_coverage_target(text, text, text, text, integer);
DROP TABLE coverage_targets;
DROP TRIGGER hold_chunks ON conversations;
DROP TRIGGER feed_retired_chunks ON chunks;
DROP FUNCTION hold_chunks(), feed_retired_chunks();
