DROP TRIGGER end_export ON export_logs;
DROP FUNCTION end_export();
DROP FUNCTION renew_export(text, integer, integer, double precision);
DROP TABLE exports_under_way;
DROP INDEX ix_export_logs_started;

CREATE OR REPLACE FUNCTION load_import(p_import_id text, p_from integer, p_upto integer, p_seconds double precision,
                            OUT imported integer, OUT known integer, OUT revised integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    going imports;
    item import_items;
    stands conversations;
    here integer[] := '{}';
    changed integer;
    rows integer := 0;
    places integer[];
    public_ids text[];
    newest bigint;
BEGIN
    PERFORM require_role('author');
    -- What a crash of the server loses goes together with "passed"; the end waits for the disk, and so for all of it.
    PERFORM set_config('synchronous_commit', 'off', true);
    going := own_import(p_import_id);
    IF going.state <> 'loading' OR going.passed <> p_from - 1 THEN
        RAISE EXCEPTION 'this import was ended, or goes on in another window' USING ERRCODE = 'TT003';
    END IF;
    -- Two imports of the same file wait here for each other.
    PERFORM pg_advisory_xact_lock(7453, 2);
    revised := 0;
    FOR item IN
        SELECT i.* FROM import_items AS i JOIN conversations AS c ON c.conversation_id = i.conversation_id
        WHERE i.import_id = p_import_id AND i.place BETWEEN p_from AND p_upto ORDER BY c.id
    LOOP
        SELECT * INTO stands FROM conversations AS c WHERE c.conversation_id = item.conversation_id FOR NO KEY UPDATE;
        changed := revise_imported(stands, item);
        rows := rows + changed;
        revised := revised + (changed > 0)::integer;
        here := here || item.place;
    END LOOP;
    WITH said AS MATERIALIZED (
        SELECT i.*, text.digest, text.plain, text.number,
               CASE WHEN text.is_trained THEN text.digest ELSE content_digest(i.system_prompt, trained_turns(text.plain)) END
               AS identity
        FROM import_items AS i CROSS JOIN LATERAL (
            -- As content_digest has it, over rows that are made once.
            SELECT sha256(convert_to('12:conversation;1:1;'
                       || coalesce(octet_length(i.system_prompt) || ':' || i.system_prompt || ';', '-;')
                       || string_agg(octet_length(role) || ':' || role || ';' || octet_length(content) || ':' || content || ';'
                                     || CASE WHEN train THEN '4:true;' ELSE '5:false;' END, '' ORDER BY step), 'UTF8')) AS digest,
                   jsonb_agg(jsonb_build_object('role', role, 'content', content, 'train', train) ORDER BY step) AS plain,
                   count(*) AS number, bool_and(train) AS is_trained
            FROM (SELECT turn->>'role' AS role, turn->>'content' AS content,
                         coalesce((turn->>'train')::boolean, true) AS train, step
                  FROM jsonb_array_elements(i.turns) WITH ORDINALITY AS list(turn, step)) AS turn) AS text
        WHERE i.import_id = p_import_id AND i.place BETWEEN p_from AND p_upto AND i.place <> ALL(here)
    ), met AS MATERIALIZED (
        SELECT said.place, said.persona, said.emotion, said.topic, said.intent, said.tone, said.tier, r.conversation_id,
               r.revision
        FROM said JOIN conversation_revisions AS r ON r.content_sha256 = said.identity
        UNION ALL
        SELECT said.place, said.persona, said.emotion, said.topic, said.intent, said.tone, said.tier, r.conversation_id,
               r.revision
        FROM said JOIN conversation_revisions AS r
            ON content_digest(r.system_prompt, trained_turns(r.turns)) = said.identity AND r.turns @> '[{"train": false}]'
    ), twin AS MATERIALIZED (
        SELECT met.place FROM met JOIN conversations AS c
            ON c.conversation_id = met.conversation_id AND c.revision = met.revision
        WHERE c.deleted_at IS NULL
          AND (num_nonnulls(met.persona, met.emotion, met.topic, met.intent, met.tone, met.tier) = 0
               OR (met.persona, met.emotion, met.topic, met.intent, met.tone, met.tier)
                  IS NOT DISTINCT FROM (c.persona, c.emotion, c.topic, c.intent, c.tone, c.tier))
    ), first AS (
        SELECT said.*,
               row_number() OVER (PARTITION BY identity, persona, emotion, topic, intent, tone, tier ORDER BY place) AS alike,
               row_number() OVER (PARTITION BY identity ORDER BY place) AS same
        FROM said WHERE place <> ALL(ARRAY(SELECT place FROM twin))
    ), fresh AS MATERIALIZED (
        SELECT nextval('conversations_id_seq') AS id, coalesce(conversation_id, new_conversation_id()) AS public_id,
               coalesce(revision, 1) AS first_revision, ordered.*
        FROM (SELECT * FROM first
              WHERE alike = 1 AND (same = 1 OR num_nonnulls(persona, emotion, topic, intent, tone, tier) > 0)
              ORDER BY place) AS ordered
    ), conversation AS (
        INSERT INTO conversations (id, conversation_id, document_id, chunk_id, persona, emotion, topic, intent, tone, tier,
                                   status, turn_count, system_prompt, metadata, revision, model, is_seed, is_rehearsal,
                                   quality_score, score_parts)
        SELECT id, public_id, document_id, chunk_id, persona, emotion, topic, intent, tone, tier, 'generated', number,
               system_prompt, metadata, first_revision, model, coalesce(is_seed, true), coalesce(is_rehearsal, false),
               quality_score, coalesce(score_parts, '[]')
        FROM fresh
    ), revision AS (
        INSERT INTO conversation_revisions (conversation_id, revision, system_prompt, turns, content_sha256, author, origin)
        SELECT public_id, first_revision, system_prompt, plain, digest, session_user, 'imported' FROM fresh
    ), log AS (
        INSERT INTO review_logs (conversation_id, action, revision, status_after, bulk_id, content_sha256, details)
        SELECT public_id, 'import', first_revision, 'generated', p_import_id, digest,
               jsonb_build_object('source', going.file_name, 'format', going.format, 'line', line) || coalesce(kept, '{}')
        FROM fresh
        RETURNING id
    ), turns AS (
        INSERT INTO conversation_turns (conversation_id, turn_number, role, content, train)
        SELECT id, step, turn->>'role', turn->>'content', (turn->>'train')::boolean
        FROM fresh, jsonb_array_elements(plain) WITH ORDINALITY AS list(turn, step)
    )
    SELECT count(*), array_agg(place) FILTER (WHERE is_carried), array_agg(public_id) FILTER (WHERE is_carried)
    INTO imported, places, public_ids
    FROM (SELECT place, public_id, decisions IS NOT NULL OR earlier IS NOT NULL AS is_carried FROM fresh ORDER BY place) AS each;
    IF places IS NOT NULL THEN
        PERFORM carry_history(p_import_id, places, public_ids);
    END IF;
    known := (SELECT count(*) FROM import_items AS i WHERE i.import_id = p_import_id AND i.place BETWEEN p_from AND p_upto)
             - imported - revised;
    DELETE FROM import_items AS i WHERE i.import_id = p_import_id AND i.place BETWEEN p_from AND p_upto;
    newest := (SELECT max(log.id) FROM review_logs AS log WHERE log.bulk_id = p_import_id);
    UPDATE bulk_actions SET done = done + imported + rows, newest_log = newest WHERE bulk_id = p_import_id;
    UPDATE imports AS i
    SET passed = i.passed + load_import.imported + load_import.known + load_import.revised,
        imported = i.imported + load_import.imported, known = i.known + load_import.known,
        revised = i.revised + load_import.revised, lease_until = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE i.import_id = p_import_id;
EXCEPTION WHEN check_violation OR not_null_violation OR invalid_parameter_value THEN
    -- What is wrong with turns is said better than by the constraint that they meet.
    PERFORM check_turns(i.turns) FROM import_items AS i
    WHERE i.import_id = p_import_id AND i.place BETWEEN p_from AND p_upto ORDER BY i.place;
    RAISE;
END
$$;

ALTER TABLE import_items DROP COLUMN created_at;
