-- Priorities ---------------------------------------------------------------------------------------------------------

-- Items are claimed by their own priority, along an index; that of their batch is what a person sees and changes.
ALTER TABLE batches ADD COLUMN priority integer DEFAULT 0 NOT NULL
    CONSTRAINT ck_batches_priority CHECK (priority BETWEEN -1000 AND 1000);
UPDATE batches SET priority = least(greatest(item.priority, -1000), 1000)
FROM (SELECT batch_id, max(priority) AS priority FROM generation_items WHERE priority <> 0 GROUP BY batch_id) AS item
WHERE item.batch_id = batches.id;
GRANT INSERT (priority) ON batches TO traintui_author;

-- Raises the priority of a batch by so much, or lowers it, with that of all its items that may still be claimed. Returns
-- what it is then.
CREATE FUNCTION change_priority(p_batch_id bigint, p_by integer) RETURNS integer
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

-- As before, but of the batches that are to be submitted the one of the highest priority goes first.
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

-- Submissions --------------------------------------------------------------------------------------------------------

-- When the provider last answered, and who does not want a submission any more.
ALTER TABLE batch_submissions ADD COLUMN polled_at timestamptz, ADD COLUMN unwanted_at timestamptz,
    ADD COLUMN unwanted_by text;

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
        polled_at = CASE WHEN p_counts IS NULL THEN polled_at ELSE clock_timestamp() END,
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

-- Has one submission called off at the provider as soon as a worker looks, which is now. What was not begun goes back into
-- the queue; what was written is imported and paid for.
CREATE FUNCTION call_off_submission(p_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    UPDATE batch_submissions SET unwanted_at = coalesce(unwanted_at, clock_timestamp()),
        unwanted_by = coalesce(unwanted_by, session_user), look_at = least(look_at, clock_timestamp())
    WHERE id = p_id AND state IN ('submitting', 'in_progress');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'submission % has ended', p_id USING ERRCODE = 'TT003';
    END IF;
END
$$;

-- Scores -------------------------------------------------------------------------------------------------------------

-- Writes scores with their parts for revisions that still are the present ones, in one order, so that no two wait for each
-- other. Nothing else of a conversation changes, and not when it was last worked on. Returns how many scores are others now.
CREATE FUNCTION keep_scores(p_scores jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number integer;
BEGIN
    PERFORM require_role('author');
    WITH given AS MATERIALIZED (
        SELECT c.id, scored.score, scored.parts
        FROM jsonb_to_recordset(p_scores) AS scored(conversation_id text, revision integer, score numeric, parts jsonb)
        JOIN conversations AS c ON c.conversation_id = scored.conversation_id AND c.revision = scored.revision
        WHERE c.turn_count > 0
        ORDER BY c.id FOR NO KEY UPDATE OF c
    ), kept AS (
        UPDATE conversations AS c SET quality_score = given.score, score_parts = given.parts
        FROM given WHERE c.id = given.id
          AND (c.quality_score IS DISTINCT FROM given.score OR c.score_parts IS DISTINCT FROM given.parts)
        RETURNING c.id
    )
    SELECT count(*) INTO number FROM kept;
    RETURN number;
END
$$;

-- A score is no work on a conversation: `updated:` does not find what was only scored anew.
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

-- Holds the bands of several signatures until the commit, as conversations_near does for one, in the order in which all do.
CREATE FUNCTION hold_bands(p_signatures bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM require_role('author');
    PERFORM pg_advisory_xact_lock(7456, ordered.band)
    FROM (SELECT DISTINCT band FROM unnest(p_signatures) AS signature, LATERAL signature_bands(signature) AS band
          ORDER BY band) AS ordered;
EXCEPTION WHEN lock_not_available THEN
    NULL;
END
$$;

-- Templates ----------------------------------------------------------------------------------------------------------

-- A call that tries a template says which version its text began with, and is among the costs of that version.
CREATE FUNCTION take_template_of_trial() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT template.id INTO NEW.template_id FROM templates AS template
    WHERE template.id = (NEW.parameters->>'template_id')::bigint;
    RETURN NEW;
END
$$;
CREATE TRIGGER take_template_of_trial BEFORE INSERT ON generation_logs FOR EACH ROW
    WHEN (NEW.kind = 'probe' AND NEW.template_id IS NULL AND jsonb_typeof(NEW.parameters->'template_id') = 'number')
    EXECUTE FUNCTION take_template_of_trial();

REVOKE ALL ON FUNCTION change_priority(bigint, integer), call_off_submission(bigint), keep_scores(jsonb),
    hold_bands(bytea[]), take_template_of_trial() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_priority(bigint, integer), call_off_submission(bigint), keep_scores(jsonb),
    hold_bands(bytea[]) TO traintui_author;
