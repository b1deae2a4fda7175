DROP TRIGGER feed_insert ON conversations;
DROP TRIGGER feed_update ON conversations;
DROP TRIGGER feed_delete ON conversations;
DROP TRIGGER note_decision_time ON conversations;
DROP TRIGGER note_cost ON generation_logs;
DROP FUNCTION feed_change(), prune_changes(), note_decision_time(), note_cost(), cost_of_conversation(text);
DROP TABLE conversation_changes;
-- Both are sums of what the logs hold.
ALTER TABLE conversations DROP COLUMN reviewed_at, DROP COLUMN cost_usd, DROP CONSTRAINT ck_conversations_id;
ALTER TABLE conversations RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor);
