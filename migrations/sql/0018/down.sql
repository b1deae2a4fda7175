-- An older Traintui would generate what is to be judged, take a rubric for a template, and read no plan with a judge.
DELETE FROM generation_items WHERE kind = 'judge';
DELETE FROM batches WHERE kind = 'judge';
UPDATE plans SET definition = definition - 'judge_model' WHERE definition ? 'judge_model';
DROP FUNCTION store_judgement(bigint, bigint, integer, text, jsonb, jsonb, integer, bigint, timestamptz);
CREATE OR REPLACE FUNCTION guard_items() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id WHERE c.status <> 'planned') THEN
        RAISE EXCEPTION 'only planned conversations are generated' USING ERRCODE = 'TT003';
    END IF;
    RETURN NULL;
END
$$;
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
          AND batch.is_rehearsal = p_is_rehearsal AND batch.mode = 'calls'
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
    ORDER BY batch.priority DESC, batch.id LIMIT 1;
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
CREATE OR REPLACE FUNCTION start_attempt(
    p_kind text, p_model text, p_endpoint text, p_request_payload jsonb, p_parameters jsonb, p_redactions jsonb,
    p_is_rehearsal boolean, p_worker_id bigint DEFAULT NULL, p_item_id bigint DEFAULT NULL, p_fence bigint DEFAULT NULL,
    OUT id bigint, OUT created_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    batch batches;
    estimate numeric := estimate_of(p_parameters);
    budget numeric;
    spent numeric;
BEGIN
    PERFORM require_role('author');
    created_at := clock_timestamp();
    PERFORM ensure_generation_partition(created_at);
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
            IF estimate IS NULL THEN
                RAISE EXCEPTION 'the price of % is not known, so its budget cannot be kept', p_model USING ERRCODE = 'TT013';
            END IF;
            spent := committed_cost(batch.id);
            IF spent + estimate > batch.budget_usd THEN
                RAISE EXCEPTION 'the next call may pass the budget of $%: $% is spent or under way',
                    trim_scale(batch.budget_usd), round(spent, 4) USING ERRCODE = 'TT013';
            END IF;
        END IF;
    END IF;
    -- Only these kinds are paid for; counting tokens and asking after a provider's batches are not.
    IF NOT p_is_rehearsal AND p_kind IN ('generate', 'judge', 'batch_item') THEN
        SELECT value::numeric INTO budget FROM workspace_settings
        WHERE key = 'monthly_budget_usd' AND jsonb_typeof(value) = 'number' FOR NO KEY UPDATE;
        IF budget IS NOT NULL AND estimate IS NULL THEN
            RAISE EXCEPTION 'the price of % is not known, so the budget of the month cannot be kept', p_model
                USING ERRCODE = 'TT013';
        END IF;
        -- The moment is read again: whoever waited may be in another month by now.
        created_at := clock_timestamp();
        IF budget IS NOT NULL THEN
            spent := committed_in_month(created_at);
            IF spent + estimate > budget THEN
                RAISE EXCEPTION 'the next call may pass the budget of $% for %: $% is spent or under way',
                    trim_scale(budget), to_char(month_of(created_at), 'FMMonth YYYY'), round(spent, 4)
                    USING ERRCODE = 'TT013';
            END IF;
        END IF;
        PERFORM ensure_generation_partition(created_at);
    END IF;
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
    DELETE FROM generation_streams WHERE item_id = p_item_id;
    RETURN true;
END
$$;
CREATE OR REPLACE FUNCTION release_item(p_item_id bigint, p_fence bigint, p_state text, p_delay_seconds double precision,
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
CREATE OR REPLACE FUNCTION trash_many(p_ids bigint[], p_deleted boolean, p_bulk_id text, OUT done integer, OUT skipped jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint[] := bulk_ids(p_ids);
    action text := CASE WHEN p_deleted THEN 'delete' ELSE 'restore' END;
    busy bigint[];
    taken bigint[];
BEGIN
    PERFORM require_role('author');
    PERFORM begin_bulk(p_bulk_id, action);
    taken := done_before(p_bulk_id, wanted);
    done := cardinality(taken);
    wanted := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(taken));
    busy := ARRAY(SELECT conversation_id FROM generation_items
                  WHERE conversation_id = ANY(wanted) AND state IN ('queued', 'running') AND p_deleted);
    taken := ARRAY(SELECT id FROM conversations
                   WHERE id = ANY(wanted) AND id <> ALL(busy) AND (deleted_at IS NOT NULL) <> p_deleted
                   ORDER BY id FOR NO KEY UPDATE);
    SELECT coalesce(jsonb_object_agg(why, number), '{}') INTO skipped FROM (
        SELECT CASE WHEN c.id IS NULL THEN 'gone' WHEN c.id = ANY(busy) THEN 'batch' ELSE 'already' END AS why,
               count(*) AS number
        FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(taken)) AS rest(id) LEFT JOIN conversations AS c USING (id)
        GROUP BY 1) AS counted;
    PERFORM log_bulk(p_bulk_id, action, taken);
    UPDATE conversations SET deleted_at = CASE WHEN p_deleted THEN clock_timestamp() END WHERE id = ANY(taken);
    done := done + cardinality(taken);
END
$$;
CREATE OR REPLACE FUNCTION guard_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    scored conversations;
BEGIN
    IF NEW.id <> OLD.id OR NEW.conversation_id <> OLD.conversation_id OR NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'the id of % is fixed and its revision only counts up', OLD.conversation_id
            USING ERRCODE = 'TT003';
    END IF;
    NEW.updated_at := clock_timestamp();
    IF NEW.score_parts IS DISTINCT FROM OLD.score_parts THEN
        scored := OLD;
        scored.quality_score := NEW.quality_score;
        scored.score_parts := NEW.score_parts;
        scored.updated_at := NEW.updated_at;
        IF scored IS NOT DISTINCT FROM NEW THEN
            NEW.updated_at := OLD.updated_at;
        END IF;
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER forget_judge_score ON conversations;
DROP FUNCTION forget_judge_score();
ALTER TABLE conversations DROP COLUMN judge_score;
DROP TABLE judgements;
DROP INDEX uq_generation_items_generated_once;
ALTER TABLE generation_items DROP CONSTRAINT uq_generation_items_conversation_id_batch_id_kind, DROP COLUMN kind;
ALTER TABLE generation_items ADD CONSTRAINT uq_generation_items_conversation_id UNIQUE (conversation_id);
ALTER TABLE batches DROP CONSTRAINT ck_batches_judge_has_rubric, DROP CONSTRAINT ck_batches_judge_is_named;
ALTER TABLE batches DROP COLUMN judge_template_id, DROP COLUMN judge_model, DROP COLUMN kind;
DELETE FROM templates WHERE kind = 'rubric';
ALTER TABLE templates DROP CONSTRAINT uq_templates_kind_name_version, DROP COLUMN kind;
ALTER TABLE templates ADD CONSTRAINT uq_templates_name_version UNIQUE (name, version);
