-- What the logs say of conversations (who decided, which run or template wrote) they say by public id; a filter wants the
-- internal one. With both in the unique index a set of any size is found without reading the table. It names no other
-- column, so a decision still leaves it alone.
ALTER TABLE conversations
    DROP CONSTRAINT uq_conversations_conversation_id,
    ADD CONSTRAINT uq_conversations_conversation_id UNIQUE (conversation_id) INCLUDE (id);
