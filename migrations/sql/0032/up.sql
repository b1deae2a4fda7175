-- An import comes in parts of a thousand, by COPY, under one id: it is finished or removed as a whole, and taken back as one.

-- One file that is imported. `passed` counts the conversations of it that are dealt with, `passed` and what became of
-- them in one transaction, so that what was cut off goes on behind the last one. The lease says that somebody is at it.
CREATE TABLE imports (
    import_id text CONSTRAINT pk_imports PRIMARY KEY
        CONSTRAINT ck_imports_import_id CHECK (char_length(import_id) BETWEEN 1 AND 80),
    user_id text DEFAULT session_user NOT NULL,
    file_name text NOT NULL,
    file_path text NOT NULL,
    file_sha256 bytea CONSTRAINT ck_imports_file_sha256 CHECK (octet_length(file_sha256) = 32),
    format text NOT NULL,
    options jsonb DEFAULT '{}' NOT NULL,
    total integer NOT NULL,
    bad integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'loading' NOT NULL,
    passed integer DEFAULT 0 NOT NULL,
    imported integer DEFAULT 0 NOT NULL,
    known integer DEFAULT 0 NOT NULL,
    revised integer DEFAULT 0 NOT NULL,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamptz,
    lease_until timestamptz NOT NULL,
    CONSTRAINT ck_imports_state CHECK (state IN ('loading', 'approving', 'done', 'removing', 'removed', 'undone')),
    CONSTRAINT ck_imports_counts CHECK (passed BETWEEN 0 AND total AND imported + known + revised = passed)
);
CREATE INDEX ix_imports_unfinished ON imports (user_id) WHERE state IN ('loading', 'approving', 'removing');

-- What COPY brings, for the transaction that loads it: none of these rows is ever committed. What only our own format has
-- is null for others. Turns have role, content and train.
CREATE UNLOGGED TABLE import_items (
    import_id text NOT NULL,
    place integer NOT NULL,
    line bigint,
    system_prompt text,
    turns jsonb NOT NULL,
    metadata jsonb NOT NULL,
    persona text,
    emotion text,
    topic text,
    intent text,
    tone text,
    tier text,
    quality_score numeric(4, 2),
    score_parts jsonb,
    conversation_id text,
    revision integer,
    status text,
    document_id bigint,
    chunk_id bigint,
    model text,
    is_seed boolean,
    is_rehearsal boolean,
    kept jsonb,
    decisions jsonb,
    earlier jsonb,
    CONSTRAINT pk_import_items PRIMARY KEY (import_id, place)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, vacuum_truncate = false);
-- They live for a moment: trying to make them smaller would take longer.
ALTER TABLE import_items ALTER COLUMN turns SET STORAGE EXTERNAL, ALTER COLUMN earlier SET STORAGE EXTERNAL;

ALTER TABLE bulk_actions DROP CONSTRAINT ck_bulk_actions_action, ADD CONSTRAINT ck_bulk_actions_action
    CHECK (action IN ('approve', 'reject', 'reopen', 'flag', 'unflag', 'delete', 'restore', 'import'));

-- What says the same -----------------------------------------------------------------------------------------------

-- Turns as if all of them were trained on: two conversations that only differ in that say the same.
CREATE FUNCTION trained_turns(turns jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_agg(turn || '{"train": true}' ORDER BY place) FROM jsonb_array_elements(turns) WITH ORDINALITY AS list(turn, place)
$$;

-- The few that have a turn which is not trained on; the digest of all others is that of what they say already.
CREATE INDEX ix_conversation_revisions_said ON conversation_revisions (content_digest(system_prompt, trained_turns(turns)))
    WHERE turns @> '[{"train": false}]';

-- Loading ----------------------------------------------------------------------------------------------------------

-- The import of this login, locked; refuses those of others.
CREATE FUNCTION own_import(p_import_id text) RETURNS imports
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_one imports;
BEGIN
    SELECT * INTO found_one FROM imports WHERE import_id = p_import_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no import %', p_import_id USING ERRCODE = 'TT002';
    END IF;
    IF found_one.user_id <> session_user THEN
        RAISE EXCEPTION 'this import is by %', found_one.user_id USING ERRCODE = 'TT004';
    END IF;
    RETURN found_one;
END
$$;

-- Begins an import of p_total conversations. Repeated, it finds what it began.
CREATE FUNCTION begin_import(p_import_id text, p_file_name text, p_file_path text, p_file_sha256 bytea, p_format text,
                             p_options jsonb, p_total integer, p_bad integer, p_seconds double precision) RETURNS imports
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    INSERT INTO imports (import_id, file_name, file_path, file_sha256, format, options, total, bad, lease_until)
    VALUES (p_import_id, p_file_name, p_file_path, p_file_sha256, p_format, p_options, p_total, p_bad,
            clock_timestamp() + make_interval(secs => p_seconds))
    ON CONFLICT (import_id) DO NOTHING;
    PERFORM begin_bulk(p_import_id, 'import');
    RETURN own_import(p_import_id);
END
$$;

-- Takes one's own import that was cut off, to finish or remove it; refused (TT003) while somebody is at it.
CREATE FUNCTION take_import(p_import_id text, p_seconds double precision) RETURNS imports
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    taken imports;
BEGIN
    PERFORM require_role('author');
    taken := own_import(p_import_id);
    IF taken.state NOT IN ('loading', 'approving', 'removing') THEN
        RAISE EXCEPTION 'this import is %', taken.state USING ERRCODE = 'TT003';
    END IF;
    IF taken.lease_until > clock_timestamp() THEN
        RAISE EXCEPTION 'this import is under way in another window' USING ERRCODE = 'TT003';
    END IF;
    UPDATE imports SET lease_until = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE import_id = p_import_id RETURNING * INTO taken;
    RETURN taken;
END
$$;

-- A conversation of our own format that is here: its text becomes a new revision, its metadata and dimensions are changed,
-- each on record, where the file was edited. Returns how many rows of the log that took. A text that it had at the revision that the
-- file names was not edited, however old the file is; nor is one that has no text here yet.
CREATE FUNCTION revise_imported(stands conversations, item import_items) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    digest bytea := content_digest(item.system_prompt, item.turns);
    note jsonb := jsonb_build_object('line', item.line);
    is_edited boolean;
    is_described boolean;
    written review_logs;
BEGIN
    IF stands.status NOT IN ('generated', 'approved', 'rejected') THEN
        RETURN 0;
    END IF;
    is_edited := NOT EXISTS (
        SELECT FROM conversation_revisions AS r WHERE r.conversation_id = stands.conversation_id
          AND r.revision IN (item.revision, stands.revision) AND r.content_sha256 = digest);
    is_described := (is_edited OR item.revision >= stands.revision) AND (
        item.metadata <> stands.metadata
        OR (item.persona, item.emotion, item.topic, item.intent, item.tone, item.tier)
           IS DISTINCT FROM (stands.persona, stands.emotion, stands.topic, stands.intent, stands.tone, stands.tier));
    IF stands.deleted_at IS NOT NULL THEN
        INSERT INTO review_logs (conversation_id, action, revision, bulk_id, status_before, status_after, details)
        VALUES (stands.conversation_id, 'restore', stands.revision, item.import_id, stands.status, stands.status,
                note || jsonb_build_object('deleted_at', stands.deleted_at));
        UPDATE conversations SET deleted_at = NULL WHERE id = stands.id;
    END IF;
    IF is_described THEN
        INSERT INTO review_logs (conversation_id, action, revision, bulk_id, status_before, status_after, decision_before,
                                 details)
        VALUES (stands.conversation_id, 'metadata', stands.revision, item.import_id, stands.status, stands.status,
                stands.decision_id, note || jsonb_build_object('operation', 'import', 'was', jsonb_build_object(
                    'metadata', stands.metadata, 'persona', stands.persona, 'emotion', stands.emotion,
                    'topic', stands.topic, 'intent', stands.intent, 'tone', stands.tone, 'tier', stands.tier)));
        UPDATE conversations
        SET metadata = item.metadata, persona = item.persona, emotion = item.emotion, topic = item.topic,
            intent = item.intent, tone = item.tone, tier = item.tier
        WHERE id = stands.id;
    END IF;
    IF is_edited THEN
        PERFORM write_turns(stands, stands.revision + 1, item.system_prompt, item.turns, session_user::text, 'imported');
        INSERT INTO review_logs (conversation_id, action, revision, bulk_id, status_before, status_after, decision_before,
                                 content_sha256, details)
        VALUES (stands.conversation_id, 'edit', stands.revision + 1, item.import_id, stands.status, 'generated',
                stands.decision_id, digest, note || jsonb_build_object('from_revision', stands.revision))
        RETURNING * INTO written;
        IF is_decided(stands.status) THEN
            UPDATE conversations SET status = 'generated', decision_id = written.id WHERE id = stands.id;
        END IF;
    END IF;
    RETURN is_edited::integer + is_described::integer + (stands.deleted_at IS NOT NULL)::integer;
END
$$;

-- Decisions and earlier texts that came with new conversations of our own format. Whoever imports answers for them: the
-- rows are of this login, and say in their details whose they were and when. p_places are items, p_ids their conversations.
CREATE FUNCTION carry_history(p_import_id text, p_places integer[], p_ids text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO conversation_revisions (conversation_id, revision, system_prompt, turns, content_sha256, author, origin)
    SELECT new.public_id, (text->>'revision')::integer, text->>'system_prompt', plain_turns(text->'turns'),
           content_digest(text->>'system_prompt', text->'turns'), session_user, 'imported'
    FROM unnest(p_places, p_ids) AS new(place, public_id)
    JOIN import_items AS item ON item.import_id = p_import_id AND item.place = new.place,
         jsonb_array_elements(item.earlier) AS text;
    INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, turn_number, bulk_id, status_before,
                             status_after, content_sha256, details)
    SELECT new.public_id, decision->>'action', decision->>'notes', (decision->>'revision')::integer, decision->>'reason',
           (decision->>'turn')::integer, p_import_id, decision->>'before', decision->>'after', r.content_sha256,
           jsonb_build_object('carried', jsonb_build_object('reviewer', decision->'reviewer', 'at', decision->'at'))
           || CASE WHEN decision->>'action' = 'edit'
                   THEN jsonb_build_object('from_revision', (decision->>'revision')::integer - 1) ELSE '{}' END
    FROM unnest(p_places, p_ids) WITH ORDINALITY AS new(place, public_id, number)
    JOIN import_items AS item ON item.import_id = p_import_id AND item.place = new.place
    CROSS JOIN LATERAL jsonb_array_elements(item.decisions) WITH ORDINALITY AS list(decision, step)
    LEFT JOIN conversation_revisions AS r
        ON r.conversation_id = new.public_id AND r.revision = (decision->>'revision')::integer
    ORDER BY new.number, step;
    UPDATE conversations AS c SET status = item.status, decision_id = decision.id
    FROM unnest(p_places, p_ids) AS new(place, public_id)
    JOIN import_items AS item ON item.import_id = p_import_id AND item.place = new.place
    CROSS JOIN LATERAL (
        SELECT max(log.id) AS id FROM review_logs AS log
        WHERE log.conversation_id = new.public_id AND log.bulk_id = p_import_id AND log.status_after = item.status
          AND log.action IN ('approve', 'reject')) AS decision
    WHERE c.conversation_id = new.public_id AND is_decided(item.status);
END
$$;

-- Loads the items p_from to p_upto of an import, which this transaction brought by COPY. A conversation whose text,
-- roles and dimensions are here changes nothing; so does one without dimensions whose text is here. One of our own format
-- that is here by its id is revised. Returns how many were new, known and revised.
--
-- Joins are by index, one by one: plans are kept, and the first is made while the tables are empty.
CREATE FUNCTION load_import(p_import_id text, p_from integer, p_upto integer, p_seconds double precision,
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

-- Says how an import goes on: 'approving' when all of it is loaded, 'done' at its end.
CREATE FUNCTION end_import(p_import_id text, p_state text, p_seconds double precision) RETURNS imports
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    going imports;
BEGIN
    PERFORM require_role('author');
    going := own_import(p_import_id);
    IF going.state NOT IN ('loading', 'approving') OR p_state NOT IN ('approving', 'done') OR going.passed < going.total THEN
        RAISE EXCEPTION 'this import is % with % of % dealt with', going.state, going.passed, going.total
            USING ERRCODE = 'TT003';
    END IF;
    UPDATE imports
    SET state = p_state, ended_at = CASE p_state WHEN 'done' THEN clock_timestamp() END,
        lease_until = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE import_id = p_import_id RETURNING * INTO going;
    RETURN going;
END
$$;

-- Taking back ------------------------------------------------------------------------------------------------------

-- Takes back up to p_limit rows of an import, in their order. What somebody acted on since is kept, other than the
-- approvals that came with the import itself. New conversations go to the trash, or, p_erase, for good; what was revised
-- reads as before. Returns as undo_bulk does.
CREATE FUNCTION take_back_import(p_import_id text, p_limit integer, p_erase boolean,
                                 OUT undone integer, OUT kept integer, OUT remaining integer)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    batch bigint[];
    free bigint[];
    gone bigint[];
    names text[];
    log review_logs;
    seen conversations;
    before conversation_revisions;
    written review_logs;
BEGIN
    batch := ARRAY(SELECT l.id FROM review_logs AS l JOIN bulk_actions AS b USING (bulk_id)
                   WHERE l.bulk_id = p_import_id AND l.id > b.undone_to AND NOT l.details ? 'carried'
                     AND l.action IN ('import', 'edit', 'metadata', 'restore')
                   ORDER BY l.id LIMIT p_limit);
    PERFORM FROM conversations AS c JOIN review_logs AS l USING (conversation_id)
    WHERE l.id = ANY(batch) ORDER BY c.id FOR UPDATE OF c;
    free := ARRAY(
        SELECT l.id FROM review_logs AS l JOIN conversations AS c USING (conversation_id)
        WHERE l.id = ANY(batch) AND NOT EXISTS (SELECT FROM review_logs AS earlier WHERE earlier.undoes = l.id)
          AND NOT EXISTS (
              SELECT FROM review_logs AS later
              WHERE later.conversation_id = l.conversation_id AND later.id > l.id
                AND later.bulk_id IS DISTINCT FROM p_import_id AND later.bulk_id IS DISTINCT FROM p_import_id || ':approve'
                AND later.action NOT IN ('undo', 'takeover')
                AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id))
          AND NOT EXISTS (SELECT FROM generation_items AS asked
                          WHERE asked.conversation_id = c.id AND asked.state IN ('queued', 'running'))
        ORDER BY l.id);
    SELECT array_agg(c.id), array_agg(c.conversation_id) INTO gone, names
    FROM review_logs AS l JOIN conversations AS c USING (conversation_id) WHERE l.id = ANY(free) AND l.action = 'import';
    IF p_erase THEN
        INSERT INTO review_logs (conversation_id, action, revision, status_before, status_after, decision_before,
                                 content_sha256, details)
        SELECT c.conversation_id, 'purge', c.revision, c.status, c.status, c.decision_id, r.content_sha256,
               jsonb_build_object('import', p_import_id, 'revisions', (
                   SELECT coalesce(jsonb_object_agg(old.revision, encode(old.content_sha256, 'hex')), '{}')
                   FROM conversation_revisions AS old WHERE old.conversation_id = c.conversation_id))
        FROM conversations AS c JOIN conversation_revisions AS r USING (conversation_id, revision)
        WHERE c.id = ANY(gone) ORDER BY c.id;
        DELETE FROM judgements WHERE conversation_id = ANY(names);
        DELETE FROM conversation_revisions WHERE conversation_id = ANY(names);
        DELETE FROM conversations WHERE id = ANY(gone);
    ELSE
        INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after, decision_before,
                                 content_sha256, details)
        SELECT c.conversation_id, 'undo', c.revision, l.id, c.status, c.status, c.decision_id, r.content_sha256,
               jsonb_build_object('bulk_id', p_import_id)
        FROM review_logs AS l JOIN conversations AS c USING (conversation_id)
             JOIN conversation_revisions AS r ON r.conversation_id = c.conversation_id AND r.revision = c.revision
        WHERE l.id = ANY(free) AND l.action = 'import' ORDER BY l.id;
        UPDATE conversations SET deleted_at = clock_timestamp() WHERE id = ANY(gone) AND deleted_at IS NULL;
    END IF;
    FOR log IN SELECT * FROM review_logs AS l WHERE l.id = ANY(free) AND l.action <> 'import' ORDER BY l.id DESC LOOP
        SELECT * INTO seen FROM conversations WHERE conversation_id = log.conversation_id;
        IF log.action = 'edit' THEN
            SELECT * INTO STRICT before FROM conversation_revisions AS r
            WHERE r.conversation_id = log.conversation_id AND r.revision = (log.details->>'from_revision')::integer;
            PERFORM write_turns(seen, seen.revision + 1, before.system_prompt, before.turns, session_user::text, 'edited');
            INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after,
                                     decision_before, content_sha256, details)
            VALUES (log.conversation_id, 'undo', seen.revision + 1, log.id, seen.status, log.status_before,
                    seen.decision_id, before.content_sha256, jsonb_build_object('bulk_id', p_import_id))
            RETURNING * INTO written;
            UPDATE conversations
            SET status = log.status_before,
                decision_id = CASE WHEN log.status_before <> seen.status THEN written.id ELSE decision_id END
            WHERE id = seen.id;
            CONTINUE;
        END IF;
        INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after, decision_before,
                                 details)
        VALUES (log.conversation_id, 'undo', seen.revision, log.id, seen.status, seen.status, seen.decision_id,
                jsonb_build_object('bulk_id', p_import_id));
        IF log.action = 'restore' THEN
            UPDATE conversations SET deleted_at = (log.details->>'deleted_at')::timestamptz WHERE id = seen.id;
        ELSE
            UPDATE conversations AS c
            SET metadata = log.details->'was'->'metadata', persona = log.details->'was'->>'persona',
                emotion = log.details->'was'->>'emotion', topic = log.details->'was'->>'topic',
                intent = log.details->'was'->>'intent', tone = log.details->'was'->>'tone',
                tier = log.details->'was'->>'tier'
            WHERE c.id = seen.id;
        END IF;
    END LOOP;
    undone := cardinality(free);
    kept := cardinality(batch) - undone;
    UPDATE bulk_actions AS b
    SET undone = b.undone + take_back_import.undone, kept = b.kept + take_back_import.kept,
        undone_to = coalesce((SELECT max(id) FROM unnest(batch) AS id), b.undone_to)
    WHERE b.bulk_id = p_import_id
    RETURNING b.done - b.undone - b.kept INTO remaining;
    IF remaining = 0 THEN
        -- What is left of the rows is of the history that was carried: there is nothing more to take back.
        UPDATE bulk_actions SET undone_to = coalesce(newest_log, undone_to) WHERE bulk_id = p_import_id;
    END IF;
END
$$;

-- Removes an import that did not come to its end, up to p_limit rows of it: nothing of it is left but its records. One's
-- own, or, for an administrator, anybody's. Who is at it elsewhere is refused at the next part. Returns as undo_bulk does.
CREATE FUNCTION remove_import(p_import_id text, p_limit integer, p_seconds double precision,
                              OUT undone integer, OUT kept integer, OUT remaining integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    going imports;
BEGIN
    PERFORM require_role('author');
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'from 1 to 1,000 rows at once, not %', p_limit USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO going FROM imports WHERE import_id = p_import_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no import %', p_import_id USING ERRCODE = 'TT002';
    END IF;
    IF going.user_id <> session_user THEN
        PERFORM require_role('admin');
    END IF;
    IF going.state NOT IN ('loading', 'approving', 'removing') THEN
        RAISE EXCEPTION 'this import is %', going.state USING ERRCODE = 'TT003',
            HINT = 'One that came to its end is taken back with undo_bulk().';
    END IF;
    SELECT * INTO undone, kept, remaining FROM take_back_import(p_import_id, p_limit, true);
    UPDATE imports
    SET state = CASE WHEN remaining = 0 THEN 'removed' ELSE 'removing' END,
        ended_at = CASE WHEN remaining = 0 THEN clock_timestamp() END,
        lease_until = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE import_id = p_import_id;
END
$$;

-- As before; an import is taken back too.
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
    IF bulk.action IN ('delete', 'restore', 'import') THEN
        PERFORM require_role('author');
    END IF;
    IF bulk.action = 'import' THEN
        PERFORM FROM imports WHERE import_id = p_bulk_id AND state IN ('loading', 'approving', 'removing')
            AND lease_until > clock_timestamp();
        IF FOUND THEN
            RAISE EXCEPTION 'this import is under way: cancel it where it runs' USING ERRCODE = 'TT003';
        END IF;
        SELECT * INTO undone, kept, remaining FROM take_back_import(p_bulk_id, p_limit, false);
        UPDATE imports SET state = 'undone', ended_at = coalesce(ended_at, clock_timestamp())
        WHERE import_id = p_bulk_id AND remaining = 0;
        RETURN;
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

-- Searching what came in: the same rows as before, in less time; the language is looked up once for a statement and not for
-- each turn.
CREATE OR REPLACE FUNCTION index_search(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '100ms' AS $$
DECLARE
    taken bigint[];
    turns_of bigint[];
    metadata_of bigint[];
    present bigint[];
    busy bigint[];
    language regconfig;
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

    language := search_language();
    DELETE FROM search_turns WHERE conversation_id = ANY(turns_of) AND conversation_id = ANY(present);
    -- Most turns are one piece that says no word 255 times in both of its forms together, which is seen from their length,
    -- or, without letters beyond ASCII, from their blanks: search_parts() makes the same of them, and takes longer.
    WITH said AS MATERIALIZED (
        SELECT turn.conversation_id, turn.turn_number, turn.content, search_words(turn.content) AS words,
               octet_length(turn.content) = char_length(turn.content) AS is_ascii
        FROM conversation_turns AS turn
        WHERE turn.conversation_id = ANY(turns_of) AND turn.conversation_id = ANY(present)
    ), sorted AS MATERIALIZED (
        SELECT said.*, char_length(said.words) <= 250 OR is_ascii AND char_length(said.words) <= 8000
                       AND char_length(said.words) - char_length(replace(said.words, ' ', '')) < 127 AS is_plain
        FROM said
    )
    INSERT INTO search_turns (conversation_id, turn_number, piece, words)
    SELECT conversation_id, turn_number, 1,
           CASE WHEN language = 'simple'::regconfig THEN setweight(to_tsvector('simple', sorted.words), 'A')
                ELSE setweight(to_tsvector('simple', sorted.words), 'A') || to_tsvector(language, sorted.words) END
    FROM sorted WHERE is_plain
    UNION ALL
    SELECT sorted.conversation_id, sorted.turn_number, part.piece, part.words
    FROM sorted, search_parts(sorted.content, language) AS part WHERE NOT is_plain;

    DELETE FROM search_metadata WHERE conversation_id = ANY(metadata_of) AND conversation_id = ANY(present);
    INSERT INTO search_metadata (conversation_id, metadata)
    SELECT id, metadata FROM conversations
    WHERE id = ANY(metadata_of) AND id = ANY(present) AND metadata <> '{}';

    DELETE FROM search_pending
    WHERE of_turns IN (true, false) AND id = ANY(taken) AND conversation_id <> ALL(busy);
    RETURN (SELECT count(DISTINCT id) FROM unnest(turns_of || metadata_of) AS id WHERE id <> ALL(busy));
END
$$;

DROP FUNCTION import_conversations(jsonb, jsonb);

GRANT SELECT ON imports, import_items TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT INSERT ON import_items TO traintui_author;
REVOKE ALL ON FUNCTION trained_turns(jsonb), own_import(text),
    begin_import(text, text, text, bytea, text, jsonb, integer, integer, double precision),
    take_import(text, double precision), revise_imported(conversations, import_items),
    carry_history(text, integer[], text[]), load_import(text, integer, integer, double precision),
    end_import(text, text, double precision), take_back_import(text, integer, boolean),
    remove_import(text, integer, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trained_turns(jsonb) TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION begin_import(text, text, text, bytea, text, jsonb, integer, integer, double precision),
    take_import(text, double precision), load_import(text, integer, integer, double precision),
    end_import(text, text, double precision), remove_import(text, integer, double precision) TO traintui_author;
