-- Calls of unknown end --------------------------------------------------------------------------------------------------

-- Completes the row of a call, once. A reply to a row that is `unknown` by now becomes a row of its own. A call whose end is
-- not known (its reply was cut, or never came) counts at what it was begun with, unless its worker knows better. Returns
-- the id of the row that holds the reply.
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

-- 1 for a reply whose cost is not known; a call of unknown end may have had one.
CREATE OR REPLACE FUNCTION unpriced_of(log generation_logs) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (log.state <> 'sending' AND log.cost_usd IS NULL
            AND (log.state = 'unknown' OR coalesce(log.output_tokens, 0) > 0))::integer
$$;

-- The estimate of a call that was given up does not count once its late reply is here with what it really cost.
CREATE OR REPLACE FUNCTION note_spending() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given_up generation_logs;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM add_spending(NEW, coalesce(NEW.cost_usd, 0) - coalesce(OLD.cost_usd, 0),
                             under_way_of(NEW) - under_way_of(OLD), 0, unpriced_of(NEW) - unpriced_of(OLD));
        RETURN NULL;
    END IF;
    IF NEW.late_reply_to IS NOT NULL THEN
        SELECT * INTO given_up FROM generation_logs AS log WHERE log.id = NEW.late_reply_to AND log.state = 'unknown';
        IF (given_up.cost_usd <> 0 OR unpriced_of(given_up) > 0) AND NOT EXISTS (SELECT FROM generation_logs AS late WHERE late.id > NEW.late_reply_to
            AND late.late_reply_to = NEW.late_reply_to AND late.id <> NEW.id) THEN
            PERFORM add_spending(given_up, -coalesce(given_up.cost_usd, 0), 0, 0, -unpriced_of(given_up));
        END IF;
    END IF;
    PERFORM add_spending(NEW, coalesce(NEW.cost_usd, 0), under_way_of(NEW), 1, unpriced_of(NEW));
    RETURN NULL;
END
$$;

-- Adds up the whole log anew, as before; a call whose late reply is here is not one of unknown cost.
CREATE OR REPLACE FUNCTION add_up_spending() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    LOCK TABLE generation_logs IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM spending;
    INSERT INTO spending (month, run_id, worker_id, model, is_rehearsal, spent_usd, under_way_usd, calls, unpriced_calls)
    SELECT month_of(created_at), coalesce(run_id, 0), coalesce(worker_id, 0), model, is_rehearsal,
           coalesce(sum(cost_usd) FILTER (WHERE NOT replaced), 0), sum(under_way_of(log)), count(*),
           coalesce(sum(unpriced_of(log)) FILTER (WHERE NOT replaced), 0)
    FROM generation_logs AS log, LATERAL (SELECT state = 'unknown' AND id IN (
        SELECT late_reply_to FROM generation_logs WHERE late_reply_to IS NOT NULL) AS replaced) AS estimate
    GROUP BY 1, 2, 3, 4, 5;
END
$$;
SELECT add_up_spending();

-- Cancelled batches -----------------------------------------------------------------------------------------------------

-- What a cancelled batch has in its queue fails with that reason: nothing is planned that nobody will write. Tried again, it
-- is planned anew. Locks are taken as in every verb here: item, then conversation. Returns how many.
CREATE FUNCTION fail_cancelled_items(p_batch_id bigint DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number integer;
BEGIN
    PERFORM require_role('reviewer');
    WITH left_over AS (
        SELECT item.id FROM generation_items AS item JOIN batches AS batch ON batch.id = item.batch_id
        WHERE batch.state = 'cancelled' AND item.state = 'queued' AND (p_batch_id IS NULL OR batch.id = p_batch_id)
        ORDER BY item.id FOR NO KEY UPDATE OF item SKIP LOCKED
    ), failed AS (
        UPDATE generation_items AS item SET state = 'failed', finished_at = clock_timestamp(),
            last_error = CASE item.kind WHEN 'judge' THEN 'Not judged: ' ELSE '' END
                || 'The batch was cancelled before its turn came.'
        FROM left_over WHERE item.id = left_over.id RETURNING item.conversation_id
    ), told AS (
        UPDATE conversations SET status = 'failed' FROM failed
        WHERE conversations.id = failed.conversation_id AND conversations.status = 'planned' RETURNING conversations.id
    )
    SELECT count(*) INTO number FROM failed;
    RETURN number;
END
$$;

CREATE FUNCTION note_cancelled() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM fail_cancelled_items(NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER fail_what_was_cancelled AFTER UPDATE OF state ON batches
    FOR EACH ROW WHEN (NEW.state = 'cancelled' AND OLD.state <> 'cancelled') EXECUTE FUNCTION note_cancelled();

CREATE OR REPLACE FUNCTION recover_lost_work() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    gone bigint;
    retired integer := 0;
BEGIN
    PERFORM require_role('reviewer');
    FOR gone IN
        SELECT id FROM workers WHERE ended_at IS NULL AND (lease_until < clock_timestamp() OR (holds_lock AND NOT EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 7454 AND objid = workers.id::oid
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))))
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    LOOP
        PERFORM retire_worker(gone);
        retired := retired + 1;
    END LOOP;
    -- What was under way when its batch was cancelled, and went back into the queue since.
    PERFORM fail_cancelled_items();
    UPDATE batches SET state = 'finished', finished_at = clock_timestamp()
    WHERE state = 'running' AND started_at IS NOT NULL AND NOT EXISTS (SELECT FROM generation_items
        WHERE batch_id = batches.id AND generation_items.state IN ('queued', 'running'));
    UPDATE batches SET state = 'interrupted', state_reason = 'The worker ended before the batch did.'
    WHERE state = 'running' AND NOT EXISTS (SELECT FROM workers WHERE ended_at IS NULL);
    RETURN retired;
END
$$;

-- Puts failed items of a batch back into the queue, as before; a batch that was cancelled goes on with these alone.
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

-- One batch -------------------------------------------------------------------------------------------------------------

-- Takes up to p_limit items of running batches, or of one of them, for a worker.
DROP FUNCTION claim_items(bigint, integer, boolean);
CREATE FUNCTION claim_items(p_worker_id bigint, p_limit integer, p_is_rehearsal boolean, p_batch_id bigint DEFAULT NULL)
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

REVOKE ALL ON FUNCTION fail_cancelled_items(bigint), note_cancelled(), claim_items(bigint, integer, boolean, bigint)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fail_cancelled_items(bigint), claim_items(bigint, integer, boolean, bigint) TO traintui_author;
