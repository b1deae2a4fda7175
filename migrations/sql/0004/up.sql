-- Metadata is free, and keys that the workspace registers have a type, which the database holds. Refusals: TT014.

-- A key as the filter can name it, meta.KEY: no blank of any kind, no control character, none of its operators.
CREATE FUNCTION is_metadata_key(key text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT key ~ '^[^\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000:<>="]{1,100}$'
$$;

CREATE TABLE metadata_keys (
    key TEXT NOT NULL,
    value_type TEXT NOT NULL,
    label TEXT NOT NULL,
    about TEXT DEFAULT '' NOT NULL,
    position INTEGER DEFAULT 0 NOT NULL,
    created_by TEXT DEFAULT session_user NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_metadata_keys PRIMARY KEY (key),
    CONSTRAINT ck_metadata_keys_key CHECK (is_metadata_key(key)),
    CONSTRAINT ck_metadata_keys_value_type CHECK (value_type IN ('text', 'integer', 'number', 'boolean', 'date')),
    CONSTRAINT ck_metadata_keys_label CHECK (char_length(label) BETWEEN 1 AND 100),
    CONSTRAINT ck_metadata_keys_about CHECK (char_length(about) <= 500)
);

-- Whether a value is of a type. A null is of none: what is not there is left out. An integer is what a double holds
-- exactly, a number what a double can hold at all, a date a day of the calendar as YYYY-MM-DD. In plpgsql, which takes a
-- third of the time here, and casts nothing that it did not look at before.
CREATE FUNCTION metadata_fits(value jsonb, value_type text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kind text := jsonb_typeof(value);
    size numeric;
    said text;
BEGIN
    IF value_type = 'text' THEN
        RETURN kind = 'string';
    ELSIF value_type = 'boolean' THEN
        RETURN kind = 'boolean';
    ELSIF value_type IN ('integer', 'number') AND kind = 'number' THEN
        size := abs(value::numeric);
        RETURN CASE value_type WHEN 'integer' THEN size <= 9007199254740992 AND size % 1 = 0
                               ELSE size = 0 OR size BETWEEN 5e-324 AND 1.7976931348623157e308 END;
    ELSIF value_type = 'date' AND kind = 'string' THEN
        said := value #>> '{}';
        IF said !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' OR left(said, 4) = '0000'
            OR substr(said, 6, 2)::integer NOT BETWEEN 1 AND 12 THEN
            RETURN false;
        END IF;
        RETURN substr(said, 9, 2)::integer BETWEEN 1 AND extract(day FROM
            make_date(left(said, 4)::integer, substr(said, 6, 2)::integer, 1) + interval '1 month - 1 day');
    END IF;
    RETURN false;
END
$$;

-- What is written holds this until it commits, and a registration waits for it: whoever comes later sees the new key, and
-- what came before is seen by its check. Only writers of metadata meet here; decisions do not.
CREATE FUNCTION hold_metadata_rules() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        -- Such a transaction would go by the keys of its beginning.
        RAISE EXCEPTION 'metadata is written in a transaction that is READ COMMITTED' USING ERRCODE = 'TT003';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7453, 4);
END
$$;

CREATE FUNCTION refuse_metadata(p_key text, p_value_type text, p_value jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted text := CASE p_value_type WHEN 'integer' THEN 'a whole number' WHEN 'number' THEN 'a number'
                   WHEN 'boolean' THEN 'true or false' WHEN 'date' THEN 'a day such as "2026-11-01"' ELSE 'text' END;
BEGIN
    RAISE EXCEPTION '"%" takes %, not %', p_key, wanted, left(p_value::text, 200)
        USING ERRCODE = 'TT014', DETAIL = jsonb_build_object('key', p_key, 'value_type', p_value_type, 'value',
            CASE WHEN octet_length(p_value::text) <= 1000 THEN p_value ELSE to_jsonb(left(p_value::text, 1000)) END)::text;
END
$$;

-- One look for a whole statement, as for the vocabulary; a load without metadata does not even see the keys.
CREATE FUNCTION guard_metadata_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    IF EXISTS (SELECT FROM added WHERE metadata <> '{}') THEN
        PERFORM hold_metadata_rules();
        SELECT k.key, k.value_type, added.metadata -> k.key AS value INTO wrong
        FROM metadata_keys AS k JOIN added ON added.metadata ? k.key
        WHERE NOT metadata_fits(added.metadata -> k.key, k.value_type) LIMIT 1;
        IF FOUND THEN
            PERFORM refuse_metadata(wrong.key, wrong.value_type, wrong.value);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_metadata_insert AFTER INSERT ON conversations
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_metadata_insert();

CREATE FUNCTION guard_metadata_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM hold_metadata_rules();
    SELECT key, value_type, NEW.metadata -> key AS value INTO wrong FROM metadata_keys
    WHERE NEW.metadata ? key AND NOT metadata_fits(NEW.metadata -> key, value_type) LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_metadata(wrong.key, wrong.value_type, wrong.value);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_metadata_update AFTER UPDATE OF metadata ON conversations
    FOR EACH ROW WHEN (NEW.metadata <> OLD.metadata AND NEW.metadata <> '{}') EXECUTE FUNCTION guard_metadata_update();

-- Keys -------------------------------------------------------------------------------------------------------------

-- A registered key is a rule that everybody shares, so it is on record where the others are.
CREATE FUNCTION record_metadata_key() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO workspace_setting_changes (key, old_value, new_value, changed_by)
    VALUES ('metadata.' || CASE WHEN TG_OP = 'DELETE' THEN OLD.key ELSE NEW.key END,
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - '{key,created_by,created_at}'::text[] END,
            CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - '{key,created_by,created_at}'::text[] END, session_user);
    RETURN NULL;
END
$$;
CREATE TRIGGER record_metadata_key AFTER INSERT OR UPDATE OR DELETE ON metadata_keys
    FOR EACH ROW EXECUTE FUNCTION record_metadata_key();

-- Registers a key, or changes its type, label or what is said about it. Values that are there must be of the type:
-- else TT014, with how many are not, and five of them. Those who write metadata wait meanwhile, for one reading of the
-- table; a writer that does not end makes this give up (55P03), so that nobody queues behind it for long.
CREATE FUNCTION register_metadata_key(p_key text, p_value_type text, p_label text DEFAULT NULL, p_about text DEFAULT NULL,
                                      p_position integer DEFAULT NULL) RETURNS metadata_keys
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    misfits bigint;
    examples jsonb;
    registered metadata_keys;
BEGIN
    PERFORM require_role('author');
    PERFORM pg_advisory_xact_lock(7453, 4);
    IF NOT EXISTS (SELECT FROM metadata_keys WHERE key = p_key AND value_type = p_value_type)
        AND p_value_type IN ('text', 'integer', 'number', 'boolean', 'date') THEN
        SELECT count(*), jsonb_agg(jsonb_build_object('conversation_id', conversation_id, 'value', left(value, 200)) ORDER BY place)
                         FILTER (WHERE place <= 5)
        INTO misfits, examples
        FROM (SELECT conversation_id, (metadata -> p_key)::text AS value, row_number() OVER (ORDER BY id) AS place
              FROM conversations WHERE metadata ? p_key AND NOT metadata_fits(metadata -> p_key, p_value_type)) AS misfit;
        IF misfits > 0 THEN
            RAISE EXCEPTION '% % under "%" that % not of the type %', misfits,
                CASE misfits WHEN 1 THEN 'conversation has a value' ELSE 'conversations have values' END, p_key,
                CASE misfits WHEN 1 THEN 'is' ELSE 'are' END, p_value_type
                USING ERRCODE = 'TT014', DETAIL = jsonb_build_object('key', p_key, 'value_type', p_value_type,
                                                                     'misfits', misfits, 'examples', examples)::text;
        END IF;
    END IF;
    INSERT INTO metadata_keys AS known (key, value_type, label, about, position)
    VALUES (p_key, p_value_type, coalesce(nullif(p_label, ''), p_key), coalesce(p_about, ''),
            coalesce(p_position, (SELECT coalesce(max(position) + 1, 0) FROM metadata_keys)))
    ON CONFLICT (key) DO UPDATE SET value_type = excluded.value_type, label = coalesce(nullif(p_label, ''), known.label),
        about = coalesce(p_about, known.about), position = coalesce(p_position, known.position)
    RETURNING * INTO registered;
    RETURN registered;
END
$$;

-- Takes the type away; the values stay.
CREATE FUNCTION unregister_metadata_key(p_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    DELETE FROM metadata_keys WHERE key = p_key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no registered key "%"', p_key USING ERRCODE = 'TT002';
    END IF;
END
$$;

-- Edits ------------------------------------------------------------------------------------------------------------

-- The keys of one object that another has not, or has with another value.
CREATE FUNCTION metadata_beside(value jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(pair.key, pair.value), '{}') FROM jsonb_each(value) AS pair
    WHERE other -> pair.key IS DISTINCT FROM pair.value
$$;

-- What a change would make of conversations that are not in the trash, and whether its key was pressed before.
CREATE FUNCTION metadata_targets(p_ids bigint[], p_operation text, p_value jsonb, p_keys text[], p_decision_key text)
RETURNS TABLE (id bigint, conversation_id text, before jsonb, after jsonb, own_key text, pressed boolean, by_another boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.id, c.conversation_id, c.metadata,
           CASE p_operation WHEN 'set' THEN p_value ELSE (c.metadata - p_keys) || p_value END,
           own.key, log.id IS NOT NULL,
           log.id IS NOT NULL AND (log.reviewer_id, log.action, log.conversation_id)
                                  IS DISTINCT FROM (session_user::text, 'metadata', c.conversation_id)
    FROM conversations AS c
    CROSS JOIN LATERAL (SELECT p_decision_key || CASE WHEN cardinality(p_ids) > 1 THEN '/' || c.id ELSE '' END) AS own(key)
    LEFT JOIN review_logs AS log ON log.decision_key = own.key
    WHERE c.id = ANY(p_ids) AND c.deleted_at IS NULL
$$;

-- Changes the metadata of up to 1,000 conversations: `set` makes it p_value, `merge` takes out p_keys and puts in the keys
-- of p_value, `remove` takes out p_keys. Each that changes gets its log row; revision, status and decision stay. Those in
-- the trash are skipped. p_before is the metadata that was seen: if one differs, nothing is changed (TT001). The same
-- p_decision_key again changes nothing more: for one conversation it is its log row's, for more each has it with its id.
CREATE FUNCTION change_metadata(
    p_ids bigint[], p_operation text, p_value jsonb, p_keys text[], p_bulk_id text, p_decision_key text,
    p_filter text DEFAULT NULL, p_before jsonb DEFAULT NULL, OUT changed integer, OUT unchanged integer, OUT skipped integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    odd_keys text[];
    refused record;
BEGIN
    PERFORM require_role('reviewer');
    p_ids := ARRAY(SELECT DISTINCT unnest(p_ids));
    IF cardinality(p_ids) > 1000 OR coalesce(p_operation, '') NOT IN ('set', 'merge', 'remove')
        OR char_length(coalesce(p_decision_key, '')) NOT BETWEEN 1 AND 150 THEN
        RAISE EXCEPTION 'up to 1,000 conversations at once; set, merge or remove; a decision key of 1 to 150 characters'
            USING ERRCODE = 'TT003';
    END IF;
    p_value := CASE WHEN p_operation = 'remove' THEN '{}' ELSE coalesce(p_value, '{}') END;
    p_keys := CASE WHEN p_operation = 'set' THEN '{}' ELSE coalesce(p_keys, '{}') END;
    IF jsonb_typeof(p_value) <> 'object' THEN
        RAISE EXCEPTION 'metadata is an object, not %', left(p_value::text, 200) USING ERRCODE = 'TT014';
    END IF;
    PERFORM hold_metadata_rules();
    -- In order of the id, so that two never wait for each other; the next statements see what stands under the lock.
    PERFORM FROM conversations WHERE id = ANY(p_ids) ORDER BY id FOR NO KEY UPDATE;
    -- A key that is new has to be one that a filter can ask for; what an import brought may stay.
    odd_keys := ARRAY(SELECT key FROM jsonb_object_keys(p_value) AS key WHERE NOT is_metadata_key(key));
    SELECT conversation_id, by_another, NOT pressed AND before <> p_before AS moved_on,
           NOT pressed AND odd_keys <> '{}' AND NOT before ?& odd_keys AS odd,
           CASE WHEN NOT pressed AND after <> before THEN octet_length(after::text) ELSE 0 END AS bytes
    INTO refused FROM metadata_targets(p_ids, p_operation, p_value, p_keys, p_decision_key)
    WHERE by_another OR (NOT pressed AND (before <> p_before OR (odd_keys <> '{}' AND NOT before ?& odd_keys)
                                          OR (after <> before AND octet_length(after::text) > 65536)))
    ORDER BY id LIMIT 1;
    CASE
        WHEN refused.conversation_id IS NULL THEN NULL;
        WHEN refused.by_another THEN
            RAISE EXCEPTION 'this decision key was used for something else' USING ERRCODE = 'TT010';
        WHEN refused.moved_on THEN
            RAISE EXCEPTION 'the metadata of % has changed', refused.conversation_id USING ERRCODE = 'TT001',
                DETAIL = jsonb_build_object('conversation_id', refused.conversation_id)::text;
        WHEN refused.odd THEN
            RAISE EXCEPTION 'a key has 1 to 100 characters and no blank, colon, quote, <, > or =: "%"', left(odd_keys[1], 200)
                USING ERRCODE = 'TT014', DETAIL = jsonb_build_object('key', left(odd_keys[1], 200))::text;
        ELSE
            RAISE EXCEPTION 'the metadata of % would be % bytes long, and 65536 is the most',
                refused.conversation_id, refused.bytes USING ERRCODE = 'TT014';
    END CASE;
    WITH target AS MATERIALIZED (
        SELECT * FROM metadata_targets(p_ids, p_operation, p_value, p_keys, p_decision_key)
    ), written AS (
        INSERT INTO review_logs (conversation_id, action, revision, decision_key, bulk_id, status_before, status_after,
                                 decision_before, details)
        SELECT c.conversation_id, 'metadata', c.revision, own_key, p_bulk_id, c.status, c.status, c.decision_id,
               jsonb_build_object('operation', p_operation, 'before', metadata_beside(before, after),
                                  'after', metadata_beside(after, before))
               || CASE WHEN p_filter IS NULL THEN '{}' ELSE jsonb_build_object('filter', p_filter) END
        FROM target JOIN conversations AS c ON c.id = target.id
        WHERE NOT pressed AND after <> before ORDER BY c.id
    ), stored AS (
        UPDATE conversations AS c SET metadata = after FROM target
        WHERE c.id = target.id AND NOT pressed AND after <> before
    )
    SELECT count(*) FILTER (WHERE pressed OR after <> before), count(*) FILTER (WHERE NOT pressed AND after = before),
           cardinality(p_ids) - count(*)
    INTO changed, unchanged, skipped FROM target;
END
$$;

-- Takes back metadata edits of the login behind the session: what they changed is as before, what others have done with
-- other keys stays. Those that were undone, or whose conversation's metadata somebody has changed since, are left out.
-- Locks are taken in order of the conversation. Returns the log rows of the undo.
CREATE FUNCTION revert_metadata(p_log_ids bigint[], p_decision_key text) RETURNS SETOF review_logs
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM hold_metadata_rules();
    PERFORM FROM conversations WHERE conversation_id IN (SELECT conversation_id FROM review_logs WHERE id = ANY(p_log_ids))
    ORDER BY id FOR NO KEY UPDATE;
    RETURN QUERY
    WITH edit AS MATERIALIZED (
        SELECT log.id AS log_id, log.bulk_id, c.id, c.conversation_id, c.revision, c.status, c.decision_id, c.metadata,
               (c.metadata - ARRAY(SELECT jsonb_object_keys(log.details -> 'after'))) || (log.details -> 'before') AS restored
        FROM review_logs AS log JOIN conversations AS c ON c.conversation_id = log.conversation_id
        WHERE log.id = ANY(p_log_ids) AND log.action = 'metadata' AND log.reviewer_id = session_user
          AND c.deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM review_logs WHERE undoes = log.id)
          AND NOT EXISTS (SELECT FROM review_logs AS later
                          WHERE later.conversation_id = log.conversation_id AND later.id > log.id
                            AND later.action = 'metadata'
                            AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id))
    ), stored AS (
        UPDATE conversations AS c SET metadata = restored FROM edit WHERE c.id = edit.id
    )
    INSERT INTO review_logs (conversation_id, action, revision, undoes, decision_key, bulk_id, status_before, status_after,
                             decision_before, details)
    SELECT conversation_id, 'undo', revision, log_id, p_decision_key, bulk_id, status, status, decision_id,
           jsonb_build_object('before', metadata_beside(metadata, restored), 'after', metadata_beside(restored, metadata))
    FROM edit ORDER BY id
    RETURNING *;
END
$$;

-- Takes back one's own metadata edit, as long as nobody has changed the conversation's metadata since. Returns its log row.
CREATE FUNCTION undo_metadata(p_log_id bigint, p_decision_key text) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    undone review_logs;
    written review_logs;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO undone FROM review_logs WHERE id = p_log_id AND action = 'metadata';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no metadata edit %', p_log_id USING ERRCODE = 'TT007';
    END IF;
    IF undone.reviewer_id <> session_user THEN
        RAISE EXCEPTION 'action % is by %', p_log_id, undone.reviewer_id USING ERRCODE = 'TT004';
    END IF;
    -- Two presses of one key wait here for each other, so that the second finds the first.
    PERFORM FROM conversations WHERE conversation_id = undone.conversation_id FOR NO KEY UPDATE;
    written := earlier_press(p_decision_key, undone.conversation_id, 'undo');
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    SELECT * INTO written FROM revert_metadata(ARRAY[p_log_id], p_decision_key);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'action % on % was undone, it is in the trash, or somebody has changed its metadata since',
            p_log_id, undone.conversation_id USING ERRCODE = 'TT007';
    END IF;
    RETURN written;
END
$$;

-- Takes back up to p_limit edits of one's own bulk edit, in order of the log, those after the row p_after. Returns how many
-- were taken back, how many stay since somebody has changed them meanwhile, and the last row that was looked at; NULL
-- when there are no more. Served by ix_review_logs_bulk_id.
CREATE FUNCTION undo_metadata_bulk(p_bulk_id text, p_limit integer, p_after bigint DEFAULT 0,
                                   OUT undone integer, OUT kept integer, OUT last bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    PERFORM require_role('reviewer');
    IF p_limit NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'from 1 to 1,000 at once, not %', p_limit USING ERRCODE = 'TT003';
    END IF;
    ids := ARRAY(SELECT id FROM review_logs AS log
                 WHERE bulk_id = p_bulk_id AND action = 'metadata' AND reviewer_id = session_user AND id > p_after
                   AND NOT EXISTS (SELECT FROM review_logs WHERE undoes = log.id)
                 ORDER BY id LIMIT p_limit);
    SELECT count(*) INTO undone FROM revert_metadata(ids, NULL);
    kept := cardinality(ids) - undone;
    last := ids[cardinality(ids)];
END
$$;

GRANT SELECT ON metadata_keys TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION is_metadata_key(text), metadata_fits(jsonb, text), hold_metadata_rules(),
    refuse_metadata(text, text, jsonb), guard_metadata_insert(), guard_metadata_update(), record_metadata_key(),
    register_metadata_key(text, text, text, text, integer), unregister_metadata_key(text), metadata_beside(jsonb, jsonb),
    metadata_targets(bigint[], text, jsonb, text[], text),
    change_metadata(bigint[], text, jsonb, text[], text, text, text, jsonb), revert_metadata(bigint[], text),
    undo_metadata(bigint, text), undo_metadata_bulk(text, integer, bigint) FROM PUBLIC;
-- Triggers and readers use these with their own rights.
GRANT EXECUTE ON FUNCTION is_metadata_key(text), metadata_fits(jsonb, text), hold_metadata_rules(),
    refuse_metadata(text, text, jsonb) TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION change_metadata(bigint[], text, jsonb, text[], text, text, text, jsonb),
    undo_metadata(bigint, text), undo_metadata_bulk(text, integer, bigint) TO traintui_reviewer;
GRANT EXECUTE ON FUNCTION register_metadata_key(text, text, text, text, integer), unregister_metadata_key(text)
    TO traintui_author;
