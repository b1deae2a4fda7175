CREATE OR REPLACE FUNCTION index_search(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    taken bigint[];
    turns_of bigint[];
    metadata_of bigint[];
    present bigint[];
    busy bigint[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the search index is made in transactions that read what is committed' USING ERRCODE = 'TT003';
    END IF;
    -- Whoever changes the language waits until what is made in the old one is committed.
    IF NOT pg_try_advisory_xact_lock_shared(7453, 5) THEN
        RETURN 0;
    END IF;
    WITH said AS MATERIALIZED (
        SELECT id, of_turns, conversation_id FROM search_pending WHERE of_turns
        ORDER BY id LIMIT least(p_limit, 500) FOR UPDATE SKIP LOCKED
    ), described AS MATERIALIZED (
        SELECT id, of_turns, conversation_id FROM search_pending WHERE NOT of_turns
        ORDER BY id LIMIT least(p_limit, 500) FOR UPDATE SKIP LOCKED
    ), queued AS MATERIALIZED (
        SELECT * FROM said UNION ALL SELECT * FROM described
    ), ours AS MATERIALIZED (
        SELECT conversation_id FROM (SELECT DISTINCT conversation_id FROM queued) AS each
        WHERE pg_try_advisory_xact_lock(7455, conversation_id::integer)
    )
    SELECT array_agg(id), array_agg(DISTINCT conversation_id) FILTER (WHERE of_turns),
           array_agg(DISTINCT conversation_id) FILTER (WHERE NOT of_turns)
    INTO taken, turns_of, metadata_of
    FROM queued JOIN ours USING (conversation_id);
    IF taken IS NULL THEN
        RETURN 0;
    END IF;
    -- A crash loses the rows together with their leaving the queue: nobody has to wait for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);

    -- One that is just being purged is left in the queue: the purge may yet be taken back.
    present := ARRAY(SELECT id FROM conversations WHERE id = ANY(turns_of || metadata_of)
                     FOR KEY SHARE SKIP LOCKED);
    busy := ARRAY(SELECT id FROM conversations WHERE id = ANY(turns_of || metadata_of) AND id <> ALL(present));

    DELETE FROM search_turns WHERE conversation_id = ANY(turns_of) AND conversation_id = ANY(present);
    INSERT INTO search_turns (conversation_id, turn_number, piece, words)
    SELECT turn.conversation_id, turn.turn_number, part.piece, part.words
    FROM conversation_turns AS turn, search_parts(turn.content, search_language()) AS part
    WHERE turn.conversation_id = ANY(turns_of) AND turn.conversation_id = ANY(present);

    DELETE FROM search_metadata WHERE conversation_id = ANY(metadata_of) AND conversation_id = ANY(present);
    INSERT INTO search_metadata (conversation_id, metadata)
    SELECT id, metadata FROM conversations
    WHERE id = ANY(metadata_of) AND id = ANY(present) AND metadata <> '{}';

    DELETE FROM search_pending
    WHERE of_turns IN (true, false) AND id = ANY(taken) AND conversation_id <> ALL(busy);
    RETURN (SELECT count(DISTINCT id) FROM unnest(turns_of || metadata_of) AS id WHERE id <> ALL(busy));
END
$$;

DROP FUNCTION remove_import(text, integer, double precision);
DROP FUNCTION end_import(text, text, double precision);
DROP FUNCTION load_import(text, integer, integer, double precision);
DROP FUNCTION carry_history(text, integer[], text[]);
DROP FUNCTION revise_imported(conversations, import_items);
DROP FUNCTION take_import(text, double precision);
DROP FUNCTION begin_import(text, text, text, bytea, text, jsonb, integer, integer, double precision);
DROP FUNCTION own_import(text);

CREATE OR REPLACE FUNCTION undo_bulk(p_bulk_id text, p_limit integer, OUT undone integer, OUT kept integer, OUT remaining integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bulk bulk_actions;
    batch bigint[];
    written bigint[];
BEGIN
    PERFORM require_role('reviewer');
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'from 1 to 1,000 rows at once, not %', p_limit USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO bulk FROM bulk_actions WHERE bulk_id = p_bulk_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no bulk %', p_bulk_id USING ERRCODE = 'TT007';
    END IF;
    IF bulk.user_id <> session_user THEN
        RAISE EXCEPTION 'this bulk is by %', bulk.user_id USING ERRCODE = 'TT004';
    END IF;
    IF bulk.action IN ('delete', 'restore') THEN
        PERFORM require_role('author');
    END IF;
    batch := ARRAY(SELECT id FROM review_logs WHERE bulk_id = p_bulk_id AND id > bulk.undone_to ORDER BY id LIMIT p_limit);
    PERFORM FROM conversations AS c JOIN review_logs AS log USING (conversation_id)
    WHERE log.id = ANY(batch) ORDER BY c.id FOR NO KEY UPDATE OF c;
    WITH entry AS (
        INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after, decision_before,
                                 content_sha256, details)
        SELECT log.conversation_id, 'undo', c.revision, log.id, c.status,
               CASE WHEN bulk.action IN ('approve', 'reject', 'reopen') THEN log.status_before ELSE c.status END,
               c.decision_id, r.content_sha256, jsonb_build_object('bulk_id', p_bulk_id)
        FROM review_logs AS log JOIN conversations AS c USING (conversation_id)
             LEFT JOIN conversation_revisions AS r
                 ON r.conversation_id = c.conversation_id AND r.revision = c.revision
        WHERE log.id = ANY(batch)
          AND NOT EXISTS (SELECT FROM review_logs AS earlier WHERE earlier.undoes = log.id)
          AND NOT EXISTS (
              SELECT FROM review_logs AS later
              WHERE later.conversation_id = log.conversation_id AND later.id > log.id
                AND later.action NOT IN ('undo', 'takeover') AND NOT later.details ? 'blind'
                AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id))
        ORDER BY c.id
        RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO written FROM entry;
    UPDATE conversations AS c
    SET status = entry.status_after,
        decision_id = CASE WHEN entry.status_after <> c.status THEN entry.id ELSE c.decision_id END,
        flagged = CASE bulk.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE c.flagged END,
        deleted_at = CASE bulk.action WHEN 'delete' THEN NULL
                                      WHEN 'restore' THEN (log.details->>'deleted_at')::timestamptz ELSE c.deleted_at END
    FROM review_logs AS entry JOIN review_logs AS log ON log.id = entry.undoes
    WHERE entry.id = ANY(written) AND c.conversation_id = entry.conversation_id;
    undone := cardinality(written);
    kept := cardinality(batch) - undone;
    UPDATE bulk_actions AS b
    SET undone = b.undone + undo_bulk.undone, kept = b.kept + undo_bulk.kept,
        undone_to = coalesce((SELECT max(id) FROM unnest(batch) AS id), b.undone_to)
    WHERE b.bulk_id = p_bulk_id
    RETURNING b.done - b.undone - b.kept INTO remaining;
END
$$;

DROP FUNCTION take_back_import(text, integer, boolean);
DROP INDEX ix_conversation_revisions_said;
DROP FUNCTION trained_turns(jsonb);

-- What an import did stands in the log; that it was one is forgotten.
DELETE FROM bulk_actions WHERE action = 'import';
ALTER TABLE bulk_actions DROP CONSTRAINT ck_bulk_actions_action, ADD CONSTRAINT ck_bulk_actions_action
    CHECK (action IN ('approve', 'reject', 'reopen', 'flag', 'unflag', 'delete', 'restore'));
DROP TABLE import_items;
DROP TABLE imports;

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

REVOKE ALL ON FUNCTION import_conversations(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_conversations(jsonb, jsonb) TO traintui_author;
