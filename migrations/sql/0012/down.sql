DROP TRIGGER look_at_submissions ON batches;
DROP FUNCTION look_at_submissions(),
    close_submission(bigint, bigint, text, text, double precision),
    settle_submission_item(bigint, bigint, bigint, text),
    note_submission(bigint, bigint, text, text, timestamptz, jsonb, text, boolean, text, double precision),
    claim_submission(bigint, text, boolean),
    start_submission(bigint, text, text, boolean, jsonb),
    start_submission_call(bigint, text, bigint, jsonb, jsonb),
    claim_for_submission(bigint, integer, boolean),
    is_out(bigint);
CREATE OR REPLACE FUNCTION claim_items(p_worker_id bigint, p_limit integer, p_is_rehearsal boolean) RETURNS SETOF generation_items
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    -- A worker that was taken for dead, as after a laptop's sleep, and claims again lives; from here on by its lease.
    UPDATE workers SET ended_at = NULL, holds_lock = false, lease_until = clock_timestamp() + interval '20 seconds'
    WHERE id = p_worker_id AND ended_at IS NOT NULL;
    RETURN QUERY
    WITH next AS (
        SELECT item.id FROM generation_items AS item JOIN batches AS batch ON batch.id = item.batch_id
        WHERE item.state = 'queued' AND item.not_before <= clock_timestamp() AND batch.state = 'running'
          AND batch.is_rehearsal = p_is_rehearsal
        ORDER BY item.priority DESC, item.id LIMIT p_limit
        FOR NO KEY UPDATE OF item SKIP LOCKED
    ), claimed AS (
        UPDATE generation_items AS item SET state = 'running', worker_id = p_worker_id, fence = item.fence + 1
        FROM next WHERE item.id = next.id RETURNING item.*
    ), started AS (
        UPDATE conversations SET status = 'generating' FROM claimed WHERE conversations.id = claimed.conversation_id
    )
    SELECT * FROM claimed ORDER BY id;
END
$$;
DROP TABLE batch_submission_items, batch_submissions;
DROP TRIGGER take_mode_of_plan ON batches;
DROP FUNCTION take_mode_of_plan();
ALTER TABLE batches DROP COLUMN mode;
