-- Turns of a conversation that are written anew. That is a batch of its own kind with one item; what to write stands in the
-- definition of its plan. Its calls are of the kind `generate`, so they are paid, logged and waited for like any. What comes
-- is a revision.

-- The next revision looks at the rows that are there: this one has the tables for itself.
ALTER TABLE templates DROP CONSTRAINT ck_templates_kind;
ALTER TABLE templates ADD CONSTRAINT ck_templates_kind CHECK (kind IN ('conversation', 'rubric', 'regeneration')) NOT VALID;
ALTER TABLE batches DROP CONSTRAINT ck_batches_kind, DROP CONSTRAINT ck_batches_judge_is_named;
ALTER TABLE batches
    ADD CONSTRAINT ck_batches_kind CHECK (kind IN ('generate', 'judge', 'regenerate')) NOT VALID,
    ADD CONSTRAINT ck_batches_judge_is_named CHECK (kind <> 'judge' OR judge_model IS NOT NULL) NOT VALID;
ALTER TABLE generation_items DROP CONSTRAINT ck_generation_items_kind;
ALTER TABLE generation_items
    ADD CONSTRAINT ck_generation_items_kind CHECK (kind IN ('generate', 'judge', 'regenerate')) NOT VALID;
-- Of two requests for one conversation the second would come too late: it waits for the first.
CREATE UNIQUE INDEX uq_generation_items_regenerated_at_once ON generation_items (conversation_id)
    WHERE kind = 'regenerate' AND state IN ('queued', 'running');

-- Asks for turns p_first to p_last of a conversation anew, as it was seen. Returns the id of the batch, which waits for a
-- worker. Raises what `edit` raises where the conversation moved on, and TT003 where it is being written anew already.
CREATE FUNCTION begin_regeneration(
    p_conversation_id text, p_revision integer, p_seen_decision bigint, p_first integer, p_last integer, p_name text,
    p_definition jsonb, p_template_id bigint, p_model text, p_is_rehearsal boolean
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    seen conversations;
    plan bigint;
    batch bigint;
BEGIN
    PERFORM require_role('author');
    SELECT * INTO seen FROM conversations WHERE conversation_id = p_conversation_id FOR NO KEY UPDATE;
    PERFORM check_seen(p_conversation_id, seen, p_revision, p_seen_decision);
    IF (1 <= p_first AND p_first <= p_last AND p_last <= seen.turn_count) IS NOT TRUE THEN
        RAISE EXCEPTION '% has turns 1 to %, not % to %', p_conversation_id, seen.turn_count, p_first, p_last
            USING ERRCODE = 'TT003';
    END IF;
    -- What the rehearsal writes is marked as such everywhere; within another conversation it would not be.
    IF p_is_rehearsal AND NOT seen.is_rehearsal THEN
        RAISE EXCEPTION 'the rehearsal does not write into %, which is real', p_conversation_id USING ERRCODE = 'TT003';
    END IF;
    IF EXISTS (SELECT FROM generation_items
               WHERE conversation_id = seen.id AND kind = 'regenerate' AND state IN ('queued', 'running')) THEN
        RAISE EXCEPTION '% is being written anew already', p_conversation_id USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO plans (name, definition) VALUES (p_name, p_definition) RETURNING id INTO plan;
    INSERT INTO batches (plan_id, template_id, name, model, kind, total, is_rehearsal)
    VALUES (plan, p_template_id, p_name, p_model, 'regenerate', 1, p_is_rehearsal) RETURNING id INTO batch;
    INSERT INTO generation_items (batch_id, conversation_id, kind, exchanges, variation)
    VALUES (batch, seen.id, 'regenerate', greatest(1, (p_last - p_first + 1) / 2), 0);
    RETURN batch;
END
$$;

-- Stores what was written for a claimed item as a revision: the turns whole. The log row is by the worker's login and names
-- who asked. Returns 'stored'; 'moved_on' where the conversation is not as it was when that was asked for, and its item
-- fails; 'lost' where the item has gone to another worker. Locks are taken as everywhere: item, conversation.
CREATE FUNCTION store_regenerated(
    p_item_id bigint, p_fence bigint, p_revision integer, p_seen_decision bigint, p_first integer, p_turns jsonb,
    p_reason text, p_notes text, p_log_id bigint
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    batch batches;
    seen conversations;
    written review_logs;
    digest bytea;
BEGIN
    PERFORM require_role('author');
    SELECT * INTO item FROM generation_items
    WHERE id = p_item_id AND fence = p_fence AND state = 'running' AND kind = 'regenerate' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        -- A commit whose answer was lost may have been done: the second try is told so.
        RETURN CASE WHEN EXISTS (SELECT FROM review_logs WHERE decision_key = 'regenerated ' || p_item_id
                                 AND details->>'log_id' = p_log_id::text) THEN 'stored' ELSE 'lost' END;
    END IF;
    IF NOT EXISTS (SELECT FROM generation_logs WHERE id = p_log_id AND item_id = item.id AND fence = item.fence) THEN
        RAISE EXCEPTION 'no call % was made for these turns', p_log_id USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO batch FROM batches WHERE id = item.batch_id;
    SELECT * INTO seen FROM conversations WHERE id = item.conversation_id FOR NO KEY UPDATE;
    IF seen.revision <> p_revision OR seen.decision_id IS DISTINCT FROM p_seen_decision OR seen.deleted_at IS NOT NULL THEN
        UPDATE generation_items SET state = 'failed', finished_at = clock_timestamp(), worker_id = NULL,
            last_error = 'Somebody edited, decided or deleted it meanwhile; what was written is in the log of the calls only.'
        WHERE id = item.id;
        RETURN 'moved_on';
    END IF;
    UPDATE generation_items SET state = 'done', finished_at = clock_timestamp(), last_error = NULL WHERE id = item.id;
    digest := write_turns(seen, seen.revision + 1, seen.system_prompt, p_turns, batch.requested_by, 'regenerated');
    INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, turn_number, decision_key,
                             status_before, status_after, decision_before, content_sha256, details)
    VALUES (seen.conversation_id, 'edit', nullif(p_notes, ''), seen.revision + 1, nullif(p_reason, ''), p_first,
            'regenerated ' || item.id, seen.status, 'generated', seen.decision_id, digest,
            jsonb_build_object('from_revision', seen.revision, 'origin', 'regenerated', 'run_id', batch.id,
                               'log_id', p_log_id, 'requested_by', batch.requested_by))
    RETURNING * INTO written;
    IF is_decided(seen.status) THEN
        UPDATE conversations SET status = 'generated', decision_id = written.id WHERE id = seen.id;
    END IF;
    RETURN 'stored';
END
$$;

-- Only what is planned is generated, and only what has its text is judged or written anew.
CREATE OR REPLACE FUNCTION guard_items() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.kind = 'generate' AND c.status <> 'planned') THEN
        RAISE EXCEPTION 'only planned conversations are generated' USING ERRCODE = 'TT003';
    END IF;
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.kind <> 'generate' AND c.status NOT IN ('generated', 'approved', 'rejected')) THEN
        RAISE EXCEPTION 'only conversations with their text are judged or written anew' USING ERRCODE = 'TT003';
    END IF;
    IF EXISTS (SELECT FROM added JOIN batches AS batch ON batch.id = added.batch_id
               JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.kind = 'judge' AND batch.is_rehearsal AND NOT c.is_rehearsal) THEN
        RAISE EXCEPTION 'a rehearsal judges only what a rehearsal wrote' USING ERRCODE = 'TT003';
    END IF;
    RETURN NULL;
END
$$;

-- Takes up to p_limit items of running batches, or of one of them, for a worker. A reviewer waits for turns anew, so these go
-- before all else.
CREATE OR REPLACE FUNCTION claim_items(p_worker_id bigint, p_limit integer, p_is_rehearsal boolean, p_batch_id bigint DEFAULT NULL)
RETURNS SETOF generation_items
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    place record;
    number bigint;
    room bigint := p_limit;
BEGIN
    PERFORM require_role('author');
    -- A worker that was taken for dead, as after a laptop's sleep, and claims again lives; from here on by its lease.
    UPDATE workers SET ended_at = NULL, holds_lock = false, lease_until = clock_timestamp() + interval '20 seconds'
    WHERE id = p_worker_id AND ended_at IS NOT NULL;
    -- One running batch after the other is asked for the first of its own, along ix_generation_items_queue: what other
    -- batches have in the queue is not looked at, however much that is, and nothing is locked that is not taken. What is to
    -- be written goes before what is to be judged.
    FOR place IN
        SELECT batch.id, asked.kind FROM batches AS batch, (VALUES ('generate'), ('judge'), ('regenerate')) AS asked (kind)
        WHERE batch.state = 'running' AND batch.is_rehearsal = p_is_rehearsal
          AND (batch.mode = 'calls' OR asked.kind = 'judge') AND (p_batch_id IS NULL OR batch.id = p_batch_id)
        ORDER BY asked.kind <> 'regenerate', batch.priority DESC, asked.kind, batch.id
    LOOP
        RETURN QUERY
        WITH next AS (
            SELECT item.id FROM generation_items AS item
            WHERE item.batch_id = place.id AND item.kind = place.kind AND item.state = 'queued'
              AND item.not_before <= clock_timestamp()
            ORDER BY item.id LIMIT room
            FOR NO KEY UPDATE OF item SKIP LOCKED
        ), claimed AS (
            UPDATE generation_items AS item SET state = 'running', worker_id = p_worker_id, fence = item.fence + 1
            FROM next WHERE item.id = next.id RETURNING item.*
        ), started AS (
            UPDATE conversations SET status = 'generating' FROM claimed
            WHERE conversations.id = claimed.conversation_id AND claimed.kind = 'generate'
        )
        SELECT * FROM claimed ORDER BY id;
        GET DIAGNOSTICS number = ROW_COUNT;
        room := room - number;
        EXIT WHEN room <= 0;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION
    begin_regeneration(text, integer, bigint, integer, integer, text, jsonb, bigint, text, boolean),
    store_regenerated(bigint, bigint, integer, bigint, integer, jsonb, text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    begin_regeneration(text, integer, bigint, integer, integer, text, jsonb, bigint, text, boolean),
    store_regenerated(bigint, bigint, integer, bigint, integer, jsonb, text, text, bigint) TO traintui_author;
