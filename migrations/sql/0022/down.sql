ALTER TABLE generation_items ADD COLUMN priority integer DEFAULT 0 NOT NULL;
UPDATE generation_items SET priority = batch.priority FROM batches AS batch
WHERE batch.id = generation_items.batch_id AND batch.priority <> 0;
GRANT INSERT (priority), UPDATE (priority) ON generation_items TO traintui_author;
DROP INDEX ix_generation_items_queue;
CREATE INDEX ix_generation_items_queue ON generation_items (priority DESC, id) WHERE state = 'queued';
CREATE OR REPLACE FUNCTION store_judgement(
    p_item_id bigint, p_fence bigint, p_revision integer, p_model text, p_scores jsonb, p_spans jsonb,
    p_spans_dropped integer, p_log_id bigint, p_logged_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    target conversations;
    opinion numeric;
BEGIN
    PERFORM require_role('author');
    UPDATE generation_items SET state = 'done', finished_at = clock_timestamp(), last_error = NULL
    WHERE id = p_item_id AND fence = p_fence AND state = 'running' AND kind = 'judge' RETURNING * INTO item;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * INTO target FROM conversations WHERE id = item.conversation_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM jsonb_each(p_scores) AS each (name, said)
               WHERE ((said->>'score')::numeric BETWEEN 0 AND 10) IS NOT TRUE) THEN
        RAISE EXCEPTION 'a score is a number from 0 to 10' USING ERRCODE = 'TT003';
    END IF;
    SELECT round(avg((said->>'score')::numeric), 2) INTO opinion FROM jsonb_each(p_scores) AS each (name, said);
    INSERT INTO judgements (conversation_id, revision, model, template_id, template_version, run_id, scores, mean, spans,
                            spans_dropped, log_id, logged_at, requested_by, is_rehearsal)
    SELECT target.conversation_id, p_revision, p_model, rubric.id, rubric.version, batch.id, p_scores, opinion, p_spans,
           p_spans_dropped, p_log_id, p_logged_at, batch.requested_by, batch.is_rehearsal
    FROM batches AS batch JOIN templates AS rubric ON rubric.id = batch.judge_template_id WHERE batch.id = item.batch_id;
    UPDATE conversations SET judge_score = opinion WHERE id = target.id AND revision = p_revision;
    RETURN true;
END
$$;
CREATE OR REPLACE FUNCTION guard_items() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.kind = 'generate' AND c.status <> 'planned') THEN
        RAISE EXCEPTION 'only planned conversations are generated' USING ERRCODE = 'TT003';
    END IF;
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.kind = 'judge' AND c.status NOT IN ('generated', 'approved', 'rejected')) THEN
        RAISE EXCEPTION 'only conversations with their text are judged' USING ERRCODE = 'TT003';
    END IF;
    RETURN NULL;
END
$$;
DROP FUNCTION claim_submission(bigint, text, boolean, bigint);
CREATE OR REPLACE FUNCTION claim_submission(p_worker_id bigint, p_endpoint text, p_is_rehearsal boolean)
RETURNS SETOF batch_submissions
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    RETURN QUERY
    UPDATE batch_submissions AS submission SET worker_id = p_worker_id, fence = submission.fence + 1
    WHERE submission.id = (
        SELECT due.id FROM batch_submissions AS due JOIN batches AS batch ON batch.id = due.batch_id
        WHERE due.closed_at IS NULL AND due.look_at <= clock_timestamp() AND batch.is_rehearsal = p_is_rehearsal
          -- A rehearsal has another port each time.
          AND (batch.is_rehearsal OR due.endpoint = p_endpoint)
          AND (due.worker_id IS NULL OR due.worker_id = p_worker_id OR EXISTS (
                SELECT FROM workers WHERE workers.id = due.worker_id AND workers.ended_at IS NOT NULL))
        ORDER BY due.look_at, due.id LIMIT 1 FOR NO KEY UPDATE OF due SKIP LOCKED)
    RETURNING submission.*;
END
$$;
DROP FUNCTION claim_for_submission(bigint, integer, boolean, bigint);
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
                  AND item.kind = 'generate'
                  AND item.not_before <= clock_timestamp() AND (item.attempts = 0 OR NOT is_out(batch.id)))
    ORDER BY batch.priority DESC, batch.id LIMIT 1;
    RETURN QUERY
    WITH next AS (
        SELECT item.id FROM generation_items AS item
        WHERE item.batch_id = chosen AND item.state = 'queued' AND item.kind = 'generate'
          AND item.not_before <= clock_timestamp()
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
REVOKE ALL ON FUNCTION claim_submission(bigint, text, boolean), claim_for_submission(bigint, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_submission(bigint, text, boolean), claim_for_submission(bigint, integer, boolean)
    TO traintui_author;
CREATE OR REPLACE FUNCTION claim_items(p_worker_id bigint, p_limit integer, p_is_rehearsal boolean, p_batch_id bigint DEFAULT NULL)
RETURNS SETOF generation_items
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
          AND batch.is_rehearsal = p_is_rehearsal AND (batch.mode = 'calls' OR item.kind = 'judge')
          AND (p_batch_id IS NULL OR batch.id = p_batch_id)
        ORDER BY item.priority DESC, item.id LIMIT p_limit
        FOR NO KEY UPDATE OF item SKIP LOCKED
    ), claimed AS (
        UPDATE generation_items AS item SET state = 'running', worker_id = p_worker_id, fence = item.fence + 1
        FROM next WHERE item.id = next.id RETURNING item.*
    ), started AS (
        UPDATE conversations SET status = 'generating' FROM claimed
        WHERE conversations.id = claimed.conversation_id AND claimed.kind = 'generate'
    )
    SELECT * FROM claimed ORDER BY id;
END
$$;
CREATE OR REPLACE FUNCTION store_generated(
    p_item_id bigint, p_fence bigint, p_turns jsonb, p_quality_score numeric, p_score_parts jsonb
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    target conversations;
BEGIN
    PERFORM require_role('author');
    UPDATE generation_items SET state = 'done', finished_at = clock_timestamp(), last_error = NULL
    WHERE id = p_item_id AND fence = p_fence AND state = 'running' RETURNING * INTO item;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT * INTO target FROM conversations WHERE id = item.conversation_id FOR NO KEY UPDATE;
    PERFORM write_turns(target, target.revision, target.system_prompt, p_turns,
                        (SELECT requested_by FROM batches WHERE id = item.batch_id), 'generated');
    UPDATE conversations SET status = 'generated', quality_score = p_quality_score, score_parts = p_score_parts
    WHERE id = target.id;
    INSERT INTO generation_items (batch_id, conversation_id, kind, priority, exchanges, variation)
    SELECT batch.id, target.id, 'judge', item.priority, item.exchanges, item.variation
    FROM batches AS batch WHERE batch.id = item.batch_id AND batch.judge_model IS NOT NULL;
    DELETE FROM generation_streams WHERE item_id = p_item_id;
    RETURN true;
END
$$;
CREATE OR REPLACE FUNCTION change_priority(p_batch_id bigint, p_by integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    batch batches;
BEGIN
    PERFORM require_role('author');
    SELECT * INTO batch FROM batches WHERE id = p_batch_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no batch %', p_batch_id USING ERRCODE = 'TT002';
    END IF;
    IF batch.state IN ('finished', 'cancelled') THEN
        RAISE EXCEPTION 'batch % is %', p_batch_id, batch.state USING ERRCODE = 'TT003';
    END IF;
    batch.priority := least(greatest(batch.priority::bigint + p_by, -1000), 1000);
    UPDATE batches SET priority = batch.priority WHERE id = p_batch_id;
    UPDATE generation_items SET priority = batch.priority
    WHERE batch_id = p_batch_id AND state IN ('queued', 'running', 'failed') AND priority <> batch.priority;
    RETURN batch.priority;
END
$$;
CREATE OR REPLACE FUNCTION retry_items(p_batch_id bigint, p_reason text DEFAULT NULL, p_conversation_id text DEFAULT NULL) RETURNS integer
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
    WITH again AS (
        UPDATE generation_items AS item
        SET state = 'queued', attempts = 0, not_before = clock_timestamp(), finished_at = NULL, last_error = NULL
        WHERE batch_id = p_batch_id AND state = 'failed' AND (p_reason IS NULL OR coalesce(last_error, '') = p_reason)
          AND (p_conversation_id IS NULL OR EXISTS (SELECT FROM conversations AS one
               WHERE one.id = item.conversation_id AND one.conversation_id = p_conversation_id))
        RETURNING item.conversation_id, item.kind
    ), planned AS (
        UPDATE conversations SET status = 'planned' FROM again
        WHERE conversations.id = again.conversation_id AND again.kind = 'generate'
    )
    SELECT count(*) INTO number FROM again;
    IF number > 0 AND batch.state IN ('finished', 'cancelled') THEN
        UPDATE batches SET state = 'queued', state_reason = NULL, finished_at = NULL WHERE id = p_batch_id;
    END IF;
    RETURN number;
END
$$;
DROP TRIGGER finish_what_is_done ON batches;
DROP FUNCTION finish_what_is_done();
-- That a batch has no reason says that a person paused it.
UPDATE batches SET state_reason = NULL WHERE state = 'paused' AND paused_by IS NOT NULL;
ALTER TABLE batches DROP COLUMN paused_by;
CREATE OR REPLACE FUNCTION finish_attempt(
    p_id bigint, p_created_at timestamptz, p_state text, p_response_payload jsonb, p_cost_usd numeric,
    p_cost_is_estimate boolean, p_input_tokens integer, p_output_tokens integer, p_cache_read_tokens integer,
    p_cache_write_tokens integer, p_duration_ms integer, p_http_status integer, p_request_id text, p_stop_reason text,
    p_error_type text, p_error_message text, p_redactions jsonb
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    log generation_logs;
BEGIN
    PERFORM require_role('author');
    IF p_state NOT IN ('ok', 'error', 'unknown') THEN
        RAISE EXCEPTION '"%" does not finish a call', p_state USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO log FROM generation_logs WHERE id = p_id AND created_at = p_created_at FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no call %', p_id USING ERRCODE = 'TT002';
    END IF;
    IF p_state = 'unknown' AND p_cost_usd IS NULL THEN
        p_cost_usd := estimate_of(log.parameters);
        p_cost_is_estimate := true;
    END IF;
    IF log.state = 'sending' THEN
        UPDATE generation_logs SET state = p_state, response_payload = p_response_payload, cost_usd = p_cost_usd,
            cost_is_estimate = p_cost_is_estimate, input_tokens = p_input_tokens, output_tokens = p_output_tokens,
            cache_read_tokens = p_cache_read_tokens, cache_write_tokens = p_cache_write_tokens,
            duration_ms = p_duration_ms, http_status = p_http_status, request_id = p_request_id,
            stop_reason = p_stop_reason, error_type = p_error_type, error_message = p_error_message,
            redactions = added_up(log.redactions, p_redactions)
        WHERE id = p_id AND created_at = p_created_at;
        RETURN p_id;
    END IF;
    IF log.state <> 'unknown' THEN
        RAISE EXCEPTION 'call % is finished', p_id USING ERRCODE = 'TT005';
    END IF;
    p_created_at := clock_timestamp();
    PERFORM ensure_generation_partition(p_created_at);
    INSERT INTO generation_logs (
        created_at, conversation_id, run_id, item_id, fence, attempt, template_id, template_version, worker_id, kind, state,
        requested_by, endpoint, is_rehearsal, model, request_sha256, parameters, response_payload, cost_usd,
        cost_is_estimate, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, duration_ms, http_status,
        request_id, stop_reason, error_type, error_message, late_reply_to, redactions)
    VALUES (
        p_created_at, log.conversation_id, log.run_id, log.item_id, log.fence, log.attempt, log.template_id,
        log.template_version, log.worker_id, log.kind, p_state, log.requested_by, log.endpoint, log.is_rehearsal, log.model, log.request_sha256,
        log.parameters, p_response_payload, p_cost_usd, p_cost_is_estimate, p_input_tokens, p_output_tokens,
        p_cache_read_tokens, p_cache_write_tokens, p_duration_ms, p_http_status, p_request_id, p_stop_reason, p_error_type,
        p_error_message, p_id, p_redactions)
    RETURNING id INTO p_id;
    RETURN p_id;
END
$$;
DROP FUNCTION ended_alike(generation_logs, text, text, integer, integer, text, integer);
