DROP TRIGGER take_template_of_trial ON generation_logs;
DROP FUNCTION take_template_of_trial(), hold_bands(bytea[]), keep_scores(jsonb), call_off_submission(bigint),
    change_priority(bigint, integer);
CREATE OR REPLACE FUNCTION guard_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.conversation_id <> OLD.conversation_id OR NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'the id of % is fixed and its revision only counts up', OLD.conversation_id
            USING ERRCODE = 'TT003';
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION note_submission(
    p_id bigint, p_fence bigint, p_state text, p_provider_id text, p_expires_at timestamptz, p_counts jsonb,
    p_ruled_out text, p_cancelling boolean, p_error text, p_delay_seconds double precision
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    IF p_state NOT IN ('in_progress', 'ended') THEN
        RAISE EXCEPTION '"%" is no state to note', p_state USING ERRCODE = 'TT003';
    END IF;
    UPDATE batch_submissions SET state = coalesce(p_state, state), provider_id = coalesce(p_provider_id, provider_id),
        expires_at = coalesce(p_expires_at, expires_at), counts = coalesce(p_counts, counts),
        ruled_out = CASE WHEN p_ruled_out IS NULL THEN ruled_out ELSE array_append(ruled_out, p_ruled_out) END,
        cancelling_at = CASE WHEN p_cancelling THEN coalesce(cancelling_at, clock_timestamp()) ELSE cancelling_at END,
        error_message = coalesce(p_error, error_message),
        worker_id = CASE WHEN p_delay_seconds IS NULL THEN worker_id END,
        looks = CASE WHEN p_delay_seconds IS NULL THEN looks WHEN state = coalesce(p_state, state) THEN looks + 1 ELSE 0 END,
        look_at = coalesce(clock_timestamp() + make_interval(secs => p_delay_seconds), look_at)
    WHERE id = p_id AND fence = p_fence AND closed_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'submission % has gone to another worker', p_id USING ERRCODE = 'TT011';
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION claim_for_submission(p_worker_id bigint, p_limit integer, p_is_rehearsal boolean)
RETURNS SETOF generation_items
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    chosen bigint;
BEGIN
    PERFORM require_role('author');
    -- As in claim_items: a worker that was taken for dead and claims again lives.
    UPDATE workers SET ended_at = NULL, holds_lock = false, lease_until = clock_timestamp() + interval '20 seconds'
    WHERE id = p_worker_id AND ended_at IS NOT NULL;
    SELECT batch.id INTO chosen FROM batches AS batch
    WHERE batch.state = 'running' AND batch.mode = 'batches' AND batch.is_rehearsal = p_is_rehearsal
      AND EXISTS (SELECT FROM generation_items AS item WHERE item.batch_id = batch.id AND item.state = 'queued'
                  AND item.not_before <= clock_timestamp() AND (item.attempts = 0 OR NOT is_out(batch.id)))
    ORDER BY batch.id LIMIT 1;
    RETURN QUERY
    WITH next AS (
        SELECT item.id FROM generation_items AS item
        WHERE item.batch_id = chosen AND item.state = 'queued' AND item.not_before <= clock_timestamp()
          AND (item.attempts = 0 OR NOT is_out(chosen))
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
ALTER TABLE batch_submissions DROP COLUMN polled_at, DROP COLUMN unwanted_at, DROP COLUMN unwanted_by;
ALTER TABLE batches DROP COLUMN priority;
