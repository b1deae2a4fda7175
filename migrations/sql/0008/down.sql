ALTER TABLE conversations
    DROP CONSTRAINT uq_conversations_conversation_id,
    ADD CONSTRAINT uq_conversations_conversation_id UNIQUE (conversation_id);
