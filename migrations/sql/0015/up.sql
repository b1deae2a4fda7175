-- Puts failed items of a batch back into the queue, with all their attempts: those of one reason ('' stands for none), that
-- of one conversation, or all. A batch that was finished runs again. Returns how many.
CREATE FUNCTION retry_items(p_batch_id bigint, p_reason text DEFAULT NULL, p_conversation_id text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    batch batches;
    number integer;
BEGIN
    PERFORM require_role('author');
    SELECT * INTO batch FROM batches WHERE id = p_batch_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no batch %', p_batch_id USING ERRCODE = 'TT002';
    END IF;
    IF batch.state = 'cancelled' THEN
        RAISE EXCEPTION 'batch % is cancelled', p_batch_id USING ERRCODE = 'TT003';
    END IF;
    WITH again AS (
        UPDATE generation_items AS item
        SET state = 'queued', attempts = 0, not_before = clock_timestamp(), finished_at = NULL, last_error = NULL
        WHERE batch_id = p_batch_id AND state = 'failed' AND (p_reason IS NULL OR coalesce(last_error, '') = p_reason)
          AND (p_conversation_id IS NULL OR EXISTS (SELECT FROM conversations AS one
               WHERE one.id = item.conversation_id AND one.conversation_id = p_conversation_id))
        RETURNING item.conversation_id
    ), planned AS (
        UPDATE conversations SET status = 'planned' FROM again WHERE conversations.id = again.conversation_id
    )
    SELECT count(*) INTO number FROM again;
    IF number > 0 AND batch.state = 'finished' THEN
        UPDATE batches SET state = 'queued', state_reason = NULL, finished_at = NULL WHERE id = p_batch_id;
    END IF;
    RETURN number;
END
$$;
REVOKE ALL ON FUNCTION retry_items(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retry_items(bigint, text, text) TO traintui_author;
