-- An older Traintui would take what is to be written anew for a plan. What was written stays: a revision and its log rows.
DROP FUNCTION store_regenerated(bigint, bigint, integer, bigint, integer, jsonb, text, text, bigint),
    begin_regeneration(text, integer, bigint, integer, integer, text, jsonb, bigint, text, boolean);
DELETE FROM generation_items WHERE kind = 'regenerate';
DELETE FROM batches WHERE kind = 'regenerate';
DELETE FROM templates WHERE kind = 'regeneration';
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
    IF EXISTS (SELECT FROM added JOIN batches AS batch ON batch.id = added.batch_id
               JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.kind = 'judge' AND batch.is_rehearsal AND NOT c.is_rehearsal) THEN
        RAISE EXCEPTION 'a rehearsal judges only what a rehearsal wrote' USING ERRCODE = 'TT003';
    END IF;
    RETURN NULL;
END
$$;
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
        SELECT batch.id, asked.kind FROM batches AS batch, (VALUES ('generate'), ('judge')) AS asked (kind)
        WHERE batch.state = 'running' AND batch.is_rehearsal = p_is_rehearsal
          AND (batch.mode = 'calls' OR asked.kind = 'judge') AND (p_batch_id IS NULL OR batch.id = p_batch_id)
        ORDER BY batch.priority DESC, asked.kind, batch.id
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
DROP INDEX uq_generation_items_regenerated_at_once;
ALTER TABLE generation_items DROP CONSTRAINT ck_generation_items_kind;
ALTER TABLE generation_items ADD CONSTRAINT ck_generation_items_kind CHECK (kind IN ('generate', 'judge'));
ALTER TABLE batches DROP CONSTRAINT ck_batches_kind, DROP CONSTRAINT ck_batches_judge_is_named;
ALTER TABLE batches
    ADD CONSTRAINT ck_batches_kind CHECK (kind IN ('generate', 'judge')),
    ADD CONSTRAINT ck_batches_judge_is_named CHECK (kind = 'generate' OR judge_model IS NOT NULL);
ALTER TABLE templates DROP CONSTRAINT ck_templates_kind;
ALTER TABLE templates ADD CONSTRAINT ck_templates_kind CHECK (kind IN ('conversation', 'rubric'));
