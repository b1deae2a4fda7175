-- An import in less of the server's time: the same rows, the same refusals.

-- A text of up to 4 kB stays in its row as it is. Compressing it took as long as all else that its row takes.
ALTER TABLE conversation_revisions SET (toast_tuple_target = 4080);

-- Each conversation is looked up once, not once for each of its turns.
CREATE OR REPLACE FUNCTION guard_turn_count() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT conversation_id, max(turn_number) AS last FROM added GROUP BY conversation_id) AS each
               JOIN conversations AS c ON c.id = each.conversation_id WHERE each.last > c.turn_count) THEN
        RAISE EXCEPTION 'more turns than the conversation declares' USING ERRCODE = 'TT008';
    END IF;
    RETURN NULL;
END
$$;

-- As before, without making JSON of the row.
CREATE OR REPLACE FUNCTION guard_whole() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    about bigint;
    found_one record;
BEGIN
    IF TG_TABLE_NAME = 'conversations' THEN
        about := NEW.id;
    ELSE
        about := OLD.conversation_id;
    END IF;
    -- A deferred trigger fires with the row as it was; what counts is how it stands at commit.
    SELECT conversation_id, status, turn_count INTO found_one FROM conversations WHERE id = about;
    IF found_one.status IN ('generated', 'approved', 'rejected') AND NOT (
        SELECT found_one.turn_count >= 2 AND count(*) = found_one.turn_count AND max(turn_number) = found_one.turn_count
        FROM conversation_turns WHERE conversation_id = about) THEN
        RAISE EXCEPTION '% needs % turns, numbered from 1 without gaps, at least 2',
            found_one.conversation_id, found_one.turn_count USING ERRCODE = 'TT008';
    END IF;
    RETURN NULL;
END
$$;

-- All fields of a turn at once. What else the function does is as it stands.
DO $do$
DECLARE
    was text := pg_get_functiondef('load_import(text, integer, integer, double precision)'::regprocedure);
    becomes text := replace(was, $part$(SELECT turn->>'role' AS role, turn->>'content' AS content,
                         coalesce((turn->>'train')::boolean, true) AS train, step
                  FROM jsonb_array_elements(i.turns) WITH ORDINALITY AS list(turn, step)) AS turn)$part$,
        $part$(SELECT list.role, list.content, coalesce(list.train, true) AS train, list.step
                  FROM ROWS FROM (jsonb_to_recordset(i.turns) AS (role text, content text, train boolean))
                       WITH ORDINALITY AS list(role, content, train, step)) AS turn)$part$);
BEGIN
    IF becomes = was THEN
        RAISE EXCEPTION 'load_import does not read turns as expected';
    END IF;
    EXECUTE becomes;
END
$do$;

-- As before, but for how the words of ASCII are made.
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
        SELECT turn.conversation_id, turn.turn_number, turn.content, turn.is_ascii,
               -- Of ASCII, search_words() leaves the same, and takes twice as long to be called.
               CASE WHEN turn.is_ascii THEN regexp_replace(turn.content, '[^ 0-9A-Za-z]', ' ', 'g')
                    ELSE search_words(turn.content) END AS words
        FROM (SELECT *, octet_length(content) = char_length(content) AS is_ascii FROM conversation_turns) AS turn
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
