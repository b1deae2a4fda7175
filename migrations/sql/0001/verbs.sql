-- The ways in which the app changes what is guarded. Each runs with the owner's rights, asks for the role of the login
-- behind the session (session_user, which no SET ROLE changes), and writes its log row in the same transaction.

-- Raises unless the locked row still is as the caller saw it (TT001), is not in the trash, and has text (TT003).
CREATE FUNCTION check_seen(p_conversation_id text, stands conversations, p_revision integer, p_seen_decision bigint)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF stands.id IS NULL THEN
        RAISE EXCEPTION 'there is no conversation %', p_conversation_id USING ERRCODE = 'TT002';
    END IF;
    IF stands.revision IS DISTINCT FROM p_revision OR stands.decision_id IS DISTINCT FROM p_seen_decision THEN
        RAISE EXCEPTION '% has moved on', p_conversation_id USING ERRCODE = 'TT001',
            DETAIL = jsonb_build_object('revision', stands.revision, 'decision_id', stands.decision_id,
                                        'status', stands.status)::text;
    END IF;
    IF stands.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION '% is in the trash', p_conversation_id USING ERRCODE = 'TT003';
    END IF;
    IF stands.status NOT IN ('generated', 'approved', 'rejected') THEN
        RAISE EXCEPTION '% is %', p_conversation_id, stands.status USING ERRCODE = 'TT003';
    END IF;
END
$$;

-- Raises TT003 for what a log row has no room for, or a turn that the conversation does not have.
CREATE FUNCTION check_remarks(p_reason text, p_notes text, p_turn_number integer, p_turn_count integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF char_length(p_notes) > 500 OR char_length(p_reason) > 500 THEN
        RAISE EXCEPTION 'a note or a reason has at most 500 characters, not %',
            greatest(char_length(p_notes), char_length(p_reason)) USING ERRCODE = 'TT003';
    END IF;
    IF p_turn_number NOT BETWEEN 1 AND p_turn_count THEN
        RAISE EXCEPTION 'there is no turn %, there are % turns', p_turn_number, p_turn_count USING ERRCODE = 'TT003';
    END IF;
END
$$;

-- The row that this key wrote before, if any. The same key press twice is one action; a key of another is refused.
CREATE FUNCTION earlier_press(p_decision_key text, p_conversation_id text, p_action text) RETURNS review_logs
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    earlier review_logs;
BEGIN
    IF p_decision_key IS NULL OR char_length(p_decision_key) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'a decision key of 1 to 200 characters is needed' USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO earlier FROM review_logs WHERE decision_key = p_decision_key;
    IF FOUND AND (earlier.reviewer_id, earlier.conversation_id, earlier.action)
                 IS DISTINCT FROM (session_user::text, p_conversation_id, p_action) THEN
        RAISE EXCEPTION 'this decision key was used for something else' USING ERRCODE = 'TT010';
    END IF;
    RETURN earlier;
END
$$;

-- One decision by the login behind the session, on the revision and after the decision that it saw. Returns the log row.
CREATE FUNCTION decide(
    p_conversation_id text, p_action text, p_revision integer, p_seen_decision bigint, p_decision_key text,
    p_reason text DEFAULT NULL, p_notes text DEFAULT NULL, p_turn_number integer DEFAULT NULL,
    p_duration_ms integer DEFAULT NULL, p_bulk_id text DEFAULT NULL
) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target text := CASE p_action WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN 'reopen' THEN 'generated' END;
    seen conversations;
    written review_logs;
BEGIN
    PERFORM require_role('reviewer');
    IF target IS NULL THEN
        RAISE EXCEPTION '"%" is not a decision', p_action USING ERRCODE = 'TT003', HINT = 'approve, reject or reopen';
    END IF;
    -- Two presses of one key wait here for each other, so that the second finds the first.
    SELECT * INTO seen FROM conversations WHERE conversation_id = p_conversation_id FOR NO KEY UPDATE;
    written := earlier_press(p_decision_key, p_conversation_id, p_action);
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    PERFORM check_seen(p_conversation_id, seen, p_revision, p_seen_decision);
    IF seen.status = target THEN
        RAISE EXCEPTION '% is % already', p_conversation_id, seen.status USING ERRCODE = 'TT003';
    END IF;
    PERFORM check_remarks(p_reason, p_notes, p_turn_number, seen.turn_count);
    INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, turn_number, decision_key,
                             duration_ms, bulk_id, status_before, status_after, decision_before, content_sha256)
    VALUES (p_conversation_id, p_action, nullif(p_notes, ''), seen.revision, nullif(p_reason, ''), p_turn_number,
            p_decision_key, p_duration_ms, p_bulk_id, seen.status, target, seen.decision_id,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = p_conversation_id AND revision = seen.revision))
    RETURNING * INTO written;
    UPDATE conversations SET status = target, decision_id = written.id WHERE id = seen.id;
    RETURN written;
END
$$;

CREATE FUNCTION set_flag(p_conversation_id text, p_flagged boolean, p_decision_key text) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted text := CASE WHEN p_flagged THEN 'flag' ELSE 'unflag' END;
    seen conversations;
    written review_logs;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO seen FROM conversations WHERE conversation_id = p_conversation_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no conversation %', p_conversation_id USING ERRCODE = 'TT002';
    END IF;
    written := earlier_press(p_decision_key, p_conversation_id, wanted);
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    IF seen.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION '% is in the trash', p_conversation_id USING ERRCODE = 'TT003';
    END IF;
    IF seen.flagged = p_flagged THEN
        RAISE EXCEPTION '% is %flagged already', p_conversation_id, CASE WHEN p_flagged THEN '' ELSE 'un' END
            USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO review_logs (conversation_id, action, revision, decision_key, status_before, status_after)
    VALUES (p_conversation_id, wanted, seen.revision, p_decision_key, seen.status, seen.status)
    RETURNING * INTO written;
    UPDATE conversations SET flagged = p_flagged WHERE id = seen.id;
    RETURN written;
END
$$;

-- Turns as they may stand: role, content and train flag of each, alternating, user first. Raises TT008 with the place.
CREATE FUNCTION check_turns(p_turns jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(p_turns) IS DISTINCT FROM 'array' OR jsonb_array_length(p_turns) < 2 THEN
        RAISE EXCEPTION 'a conversation has at least 2 turns' USING ERRCODE = 'TT008';
    END IF;
    SELECT place INTO wrong FROM jsonb_array_elements(p_turns) WITH ORDINALITY AS list(turn, place)
    WHERE turn->>'role' IS DISTINCT FROM CASE WHEN place % 2 = 1 THEN 'user' ELSE 'assistant' END
       OR coalesce(turn->>'content', '') !~ '\S'
    ORDER BY place LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'turn % is empty or out of turn: user and assistant alternate, user first', wrong.place
            USING ERRCODE = 'TT008';
    END IF;
END
$$;

-- Makes the turns of a conversation read as p_turns and adds the revision that says so. Unchanged turns keep their rows.
CREATE FUNCTION write_turns(p_conversation conversations, p_revision integer, p_system_prompt text, p_turns jsonb,
                            p_author text, p_origin text) RETURNS bytea
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    digest bytea;
BEGIN
    PERFORM check_turns(p_turns);
    digest := content_digest(p_system_prompt, p_turns);
    INSERT INTO conversation_revisions (conversation_id, revision, system_prompt, turns, content_sha256, author, origin)
    VALUES (p_conversation.conversation_id, p_revision, p_system_prompt, plain_turns(p_turns), digest, p_author, p_origin);
    -- The count first: a turn past the declared count is refused at once, a missing one only at commit.
    UPDATE conversations SET turn_count = jsonb_array_length(p_turns), system_prompt = p_system_prompt,
                             revision = p_revision WHERE id = p_conversation.id;
    DELETE FROM conversation_turns
    WHERE conversation_id = p_conversation.id AND turn_number > jsonb_array_length(p_turns);
    INSERT INTO conversation_turns AS old (conversation_id, turn_number, role, content, train)
    SELECT p_conversation.id, place, turn->>'role', turn->>'content', coalesce((turn->>'train')::boolean, true)
    FROM jsonb_array_elements(p_turns) WITH ORDINALITY AS list(turn, place)
    ON CONFLICT (conversation_id, turn_number) DO UPDATE SET content = excluded.content, train = excluded.train
        WHERE (old.content, old.train) IS DISTINCT FROM (excluded.content, excluded.train);
    RETURN digest;
END
$$;

-- A new revision by the login behind the session. A conversation that was decided is open again. Returns the log row.
CREATE FUNCTION edit(
    p_conversation_id text, p_revision integer, p_seen_decision bigint, p_system_prompt text, p_turns jsonb,
    p_decision_key text, p_notes text DEFAULT NULL, p_turn_number integer DEFAULT NULL, p_duration_ms integer DEFAULT NULL,
    p_origin text DEFAULT 'edited'
) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    seen conversations;
    written review_logs;
    digest bytea;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO seen FROM conversations WHERE conversation_id = p_conversation_id FOR NO KEY UPDATE;
    written := earlier_press(p_decision_key, p_conversation_id, 'edit');
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    PERFORM check_seen(p_conversation_id, seen, p_revision, p_seen_decision);
    IF p_origin NOT IN ('edited', 'regenerated') THEN
        RAISE EXCEPTION 'an edit is edited or regenerated' USING ERRCODE = 'TT003';
    END IF;
    IF p_origin = 'regenerated' THEN
        PERFORM require_role('author');
    END IF;
    PERFORM check_turns(p_turns);
    PERFORM check_remarks(NULL, p_notes, p_turn_number, jsonb_array_length(p_turns));
    IF content_digest(p_system_prompt, p_turns) = (SELECT content_sha256 FROM conversation_revisions
            WHERE conversation_id = p_conversation_id AND revision = seen.revision) THEN
        RAISE EXCEPTION 'nothing was changed in %', p_conversation_id USING ERRCODE = 'TT003';
    END IF;
    digest := write_turns(seen, seen.revision + 1, p_system_prompt, p_turns, session_user::text, p_origin);
    INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, turn_number, decision_key, duration_ms,
                             status_before, status_after, decision_before, content_sha256, details)
    VALUES (p_conversation_id, 'edit', nullif(p_notes, ''), seen.revision + 1, p_turn_number, p_decision_key, p_duration_ms,
            seen.status, 'generated', seen.decision_id, digest, jsonb_build_object('from_revision', seen.revision))
    RETURNING * INTO written;
    IF is_decided(seen.status) THEN
        UPDATE conversations SET status = 'generated', decision_id = written.id WHERE id = seen.id;
    END IF;
    RETURN written;
END
$$;

-- Takes back one's own action, as long as nobody has acted on the conversation since. Returns the log row of the undo.
CREATE FUNCTION undo(p_log_id bigint, p_decision_key text) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    undone review_logs;
    seen conversations;
    before conversation_revisions;
    written review_logs;
    target text;
    next_revision integer;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO undone FROM review_logs WHERE id = p_log_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no action %', p_log_id USING ERRCODE = 'TT007';
    END IF;
    IF undone.reviewer_id <> session_user THEN
        RAISE EXCEPTION 'action % is by %', p_log_id, undone.reviewer_id USING ERRCODE = 'TT004';
    END IF;
    SELECT * INTO seen FROM conversations WHERE conversation_id = undone.conversation_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is gone', undone.conversation_id USING ERRCODE = 'TT002';
    END IF;
    written := earlier_press(p_decision_key, undone.conversation_id, 'undo');
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    IF undone.action NOT IN ('approve', 'reject', 'reopen', 'edit', 'flag', 'unflag') THEN
        RAISE EXCEPTION 'a % cannot be undone', undone.action USING ERRCODE = 'TT007';
    END IF;
    IF EXISTS (SELECT FROM review_logs WHERE undoes = undone.id) OR EXISTS (
        SELECT FROM review_logs AS later
        WHERE later.conversation_id = undone.conversation_id AND later.id > undone.id AND later.action <> 'undo'
          AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id)
    ) THEN
        RAISE EXCEPTION 'action % on % was undone, or somebody has acted since', p_log_id, undone.conversation_id
            USING ERRCODE = 'TT007';
    END IF;
    target := CASE WHEN undone.action IN ('flag', 'unflag') THEN seen.status ELSE undone.status_before END;
    next_revision := seen.revision + (undone.action = 'edit')::integer;
    IF undone.action = 'edit' THEN
        SELECT * INTO STRICT before FROM conversation_revisions
        WHERE conversation_id = undone.conversation_id AND revision = (undone.details->>'from_revision')::integer;
        PERFORM write_turns(seen, next_revision, before.system_prompt, before.turns, session_user::text, 'edited');
    END IF;
    INSERT INTO review_logs (conversation_id, action, revision, undoes, decision_key, status_before, status_after,
                             decision_before, content_sha256)
    VALUES (undone.conversation_id, 'undo', next_revision, undone.id, p_decision_key, seen.status, target, seen.decision_id,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = undone.conversation_id AND revision = next_revision))
    RETURNING * INTO written;
    UPDATE conversations
    SET status = target,
        decision_id = CASE WHEN target <> seen.status THEN written.id ELSE decision_id END,
        flagged = CASE undone.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE flagged END
    WHERE id = seen.id;
    RETURN written;
END
$$;

-- Stores conversations from elsewhere: [{system_prompt, turns, metadata, persona, ...}]. One whose text is here already
-- changes nothing. Returns how many were new and how many were known.
CREATE FUNCTION import_conversations(p_items jsonb, p_details jsonb, OUT imported integer, OUT known integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    PERFORM check_turns(item->'turns') FROM jsonb_array_elements(p_items) AS list(item);
    -- Two imports of the same file wait here for each other.
    PERFORM pg_advisory_xact_lock(7453, 2);
    WITH item AS MATERIALIZED (
        SELECT DISTINCT ON (digest) item, place, digest
        FROM jsonb_array_elements(p_items) WITH ORDINALITY AS list(item, place),
             LATERAL content_digest(item->>'system_prompt', item->'turns') AS digest
        WHERE NOT EXISTS (SELECT FROM conversation_revisions AS r
                          JOIN conversations AS c ON c.conversation_id = r.conversation_id AND c.revision = r.revision
                          WHERE r.content_sha256 = digest)
        ORDER BY digest, place
    ), fresh AS MATERIALIZED (
        SELECT nextval('conversations_id_seq') AS id, new_conversation_id() AS public_id, ordered.*
        FROM (SELECT * FROM item ORDER BY place) AS ordered
    ), conversation AS (
        INSERT INTO conversations (id, conversation_id, persona, emotion, topic, intent, tone, tier, status, turn_count,
                                   system_prompt, metadata, is_seed, quality_score, score_parts)
        SELECT id, public_id, item->>'persona', item->>'emotion', item->>'topic', item->>'intent', item->>'tone',
               item->>'tier', 'generated', jsonb_array_length(item->'turns'), item->>'system_prompt',
               coalesce(nullif(item->'metadata', 'null'), '{}'), true, (item->>'quality_score')::numeric,
               coalesce(nullif(item->'score_parts', 'null'), '[]')
        FROM fresh
    ), revision AS (
        INSERT INTO conversation_revisions (conversation_id, revision, system_prompt, turns, content_sha256, author, origin)
        SELECT public_id, 1, item->>'system_prompt', plain_turns(item->'turns'), digest, session_user, 'imported' FROM fresh
    ), log AS (
        INSERT INTO review_logs (conversation_id, action, revision, status_after, content_sha256, details)
        SELECT public_id, 'import', 1, 'generated', digest, p_details || jsonb_build_object('line', item->'line') FROM fresh
    ), turns AS (
        INSERT INTO conversation_turns (conversation_id, turn_number, role, content, train)
        SELECT id, number, turn->>'role', turn->>'content', coalesce((turn->>'train')::boolean, true)
        FROM fresh, jsonb_array_elements(item->'turns') WITH ORDINALITY AS list(turn, number)
    )
    SELECT count(*) INTO imported FROM fresh;
    known := jsonb_array_length(p_items) - imported;
END
$$;

-- Generation -------------------------------------------------------------------------------------------------------

-- Takes up to p_limit items of running batches for a worker, oldest first. A claim counts up the item's fence. A worker
-- that speaks to the rehearsal never gets an item of a real batch, nor the other way round.
CREATE FUNCTION claim_items(p_worker_id bigint, p_limit integer, p_is_rehearsal boolean) RETURNS SETOF generation_items
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

-- What a call may cost at most in USD, as its worker noted; NULL where no price is known.
CREATE FUNCTION estimate_of(parameters jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN parameters->>'estimated_cost_usd' ~ '^[0-9]{1,8}(\.[0-9]+)?$'
                THEN (parameters->>'estimated_cost_usd')::numeric END
$$;

-- What a batch has cost in USD; calls that are under way count at their estimate.
CREATE FUNCTION committed_cost(p_batch_id bigint) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(coalesce(cost_usd, CASE WHEN state = 'sending' THEN estimate_of(parameters) END)), 0)
    FROM generation_logs AS log
    WHERE run_id = p_batch_id AND created_at >= (SELECT created_at FROM batches WHERE id = p_batch_id)
      -- A call whose end came late has a row of its own with what it really cost.
      AND NOT (state = 'unknown' AND EXISTS (SELECT FROM generation_logs AS late
               WHERE late.run_id = p_batch_id AND late.late_reply_to = log.id))
$$;

-- The row of a call, before it is sent. Raises TT011 when the item has gone to another worker, TT012 when its batch is not
-- running any more, and TT013 when the call, at its dearest, could pass the batch's budget.
CREATE FUNCTION start_attempt(
    p_kind text, p_model text, p_endpoint text, p_request_payload jsonb, p_parameters jsonb, p_redactions jsonb,
    p_is_rehearsal boolean, p_worker_id bigint DEFAULT NULL, p_item_id bigint DEFAULT NULL, p_fence bigint DEFAULT NULL,
    OUT id bigint, OUT created_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    batch batches;
    spent numeric;
BEGIN
    PERFORM require_role('author');
    IF p_item_id IS NOT NULL THEN
        UPDATE generation_items AS i SET attempts = attempts + 1
        WHERE i.id = p_item_id AND i.fence = p_fence AND i.state = 'running' RETURNING * INTO item;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'item % has gone to another worker', p_item_id USING ERRCODE = 'TT011';
        END IF;
        SELECT * INTO batch FROM batches WHERE batches.id = item.batch_id;
        IF batch.state <> 'running' THEN
            RAISE EXCEPTION 'batch % is %', batch.id, batch.state USING ERRCODE = 'TT012';
        END IF;
        IF batch.budget_usd IS NOT NULL THEN
            -- Calls of all workers wait here for each other, so that none begins beside the count.
            PERFORM FROM batches WHERE batches.id = batch.id FOR NO KEY UPDATE;
            IF estimate_of(p_parameters) IS NULL THEN
                RAISE EXCEPTION 'the price of % is not known, so its budget cannot be kept', p_model USING ERRCODE = 'TT013';
            END IF;
            spent := committed_cost(batch.id);
            IF spent + estimate_of(p_parameters) > batch.budget_usd THEN
                RAISE EXCEPTION 'the next call may pass the budget of $%: $% is spent or under way',
                    trim_scale(batch.budget_usd), round(spent, 4) USING ERRCODE = 'TT013';
            END IF;
        END IF;
    END IF;
    created_at := clock_timestamp();
    PERFORM ensure_generation_partition(created_at);
    INSERT INTO generation_logs AS log (
        created_at, conversation_id, run_id, item_id, fence, attempt, template_id, template_version, worker_id, kind, state,
        requested_by, endpoint, is_rehearsal, model, request_payload, parameters, redactions)
    VALUES (
        created_at, (SELECT c.conversation_id FROM conversations AS c WHERE c.id = item.conversation_id), batch.id, item.id,
        item.fence, coalesce(item.attempts, 1), batch.template_id,
        (SELECT version FROM templates WHERE templates.id = batch.template_id), p_worker_id, p_kind, 'sending',
        coalesce(batch.requested_by, session_user), p_endpoint, p_is_rehearsal, p_model, p_request_payload, p_parameters,
        p_redactions)
    RETURNING log.id INTO id;
END
$$;

-- Two objects of counts as one.
CREATE FUNCTION added_up(first jsonb, second jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(kind, total), '{}')
    FROM (SELECT kind, sum(number::numeric) AS total
          FROM (SELECT * FROM jsonb_each_text(first) UNION ALL SELECT * FROM jsonb_each_text(second)) AS listed(kind, number)
          GROUP BY kind) AS counted
$$;

-- Completes the row of a call, once. A reply to a row that is `unknown` by now becomes a row of its own. Returns the id
-- of the row that holds the reply.
CREATE FUNCTION finish_attempt(
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

-- Stores what a model wrote for a claimed item, with its score. Returns false when the item has gone to another worker.
CREATE FUNCTION store_generated(
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
    DELETE FROM generation_streams WHERE item_id = p_item_id;
    RETURN true;
END
$$;

-- Puts a claimed item back into the queue after a while, or ends it. Returns false when it has gone to another worker.
CREATE FUNCTION release_item(p_item_id bigint, p_fence bigint, p_state text, p_delay_seconds double precision,
                             p_error text, p_counts boolean DEFAULT true) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
BEGIN
    PERFORM require_role('author');
    IF p_state NOT IN ('queued', 'failed', 'cancelled') THEN
        RAISE EXCEPTION '"%" does not release an item', p_state USING ERRCODE = 'TT003';
    END IF;
    UPDATE generation_items SET state = p_state, worker_id = NULL, last_error = p_error,
        attempts = attempts - (NOT p_counts AND attempts > 0)::integer,
        not_before = clock_timestamp() + make_interval(secs => p_delay_seconds),
        finished_at = CASE WHEN p_state <> 'queued' THEN clock_timestamp() END
    WHERE id = p_item_id AND fence = p_fence AND state = 'running' RETURNING * INTO item;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE conversations SET status = CASE WHEN p_state = 'failed' THEN 'failed' ELSE 'planned' END
    WHERE id = item.conversation_id;
    DELETE FROM generation_streams WHERE item_id = p_item_id;
    RETURN true;
END
$$;

-- Ends a worker: its items go back to the queue behind a new fence, its open calls become `unknown` at their estimate.
-- Locks are taken in the order in which every verb here takes them: item, conversation, call.
CREATE FUNCTION retire_worker(p_worker_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('reviewer');
    UPDATE workers SET ended_at = clock_timestamp() WHERE id = p_worker_id AND ended_at IS NULL;
    WITH lost AS (
        UPDATE generation_items SET state = 'queued', worker_id = NULL, fence = fence + 1, not_before = clock_timestamp()
        WHERE worker_id = p_worker_id AND state = 'running' RETURNING id, conversation_id
    ), forgotten AS (
        DELETE FROM generation_streams USING lost WHERE item_id = lost.id
    )
    UPDATE conversations SET status = 'planned' FROM lost
    WHERE conversations.id = lost.conversation_id AND status = 'generating';
    UPDATE generation_logs SET state = 'unknown', cost_is_estimate = true,
        -- What is no number is no estimate: nothing may keep lost work from being found.
        cost_usd = estimate_of(parameters),
        error_type = 'worker_lost',
        error_message = 'The worker ended while this call was under way. Whether it was paid is not known.'
    WHERE worker_id = p_worker_id AND state = 'sending';
END
$$;

-- Retires workers that are gone and marks what they leave behind. Returns the number of workers retired. A worker is
-- gone when its lease has ended or, sooner, when the lock that it holds on a direct connection is free.
CREATE FUNCTION recover_lost_work() RETURNS integer
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
    UPDATE batches SET state = 'finished', finished_at = clock_timestamp()
    WHERE state = 'running' AND started_at IS NOT NULL AND NOT EXISTS (SELECT FROM generation_items
        WHERE batch_id = batches.id AND generation_items.state IN ('queued', 'running'));
    UPDATE batches SET state = 'interrupted', state_reason = 'The worker ended before the batch did.'
    WHERE state = 'running' AND NOT EXISTS (SELECT FROM workers WHERE ended_at IS NULL);
    RETURN retired;
END
$$;

-- Export -----------------------------------------------------------------------------------------------------------

-- A row of the export log: `started` before the first byte, then one that says how it ended. Returns its id.
CREATE FUNCTION record_export(
    p_export_id text, p_state text, p_conversation_count integer, p_filter_state jsonb, p_format text, p_metadata jsonb,
    p_file_sha256 bytea DEFAULT NULL, p_error_message text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    written bigint;
BEGIN
    PERFORM require_role('author');
    IF p_state <> 'started' AND NOT EXISTS (
        SELECT FROM export_logs WHERE export_id = p_export_id AND state = 'started' AND user_id = session_user) THEN
        RAISE EXCEPTION 'export % was not started by %', p_export_id, session_user USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO export_logs (export_id, state, conversation_count, filter_state, format, metadata, file_sha256, error_message)
    VALUES (p_export_id, p_state, p_conversation_count, p_filter_state, p_format, p_metadata, p_file_sha256, p_error_message)
    RETURNING id INTO written;
    RETURN written;
END
$$;

-- Which conversations, at which revisions, an export that is under way holds.
CREATE FUNCTION record_export_rows(p_export_id text, p_conversation_ids text[], p_revisions integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    IF NOT EXISTS (SELECT FROM export_logs WHERE export_id = p_export_id AND state = 'started' AND user_id = session_user)
        OR EXISTS (SELECT FROM export_logs WHERE export_id = p_export_id AND state <> 'started') THEN
        RAISE EXCEPTION 'export % is not under way', p_export_id USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO export_rows (export_id, conversation_id, revision)
    SELECT p_export_id, conversation_id, revision FROM unnest(p_conversation_ids, p_revisions) AS row(conversation_id, revision);
END
$$;
