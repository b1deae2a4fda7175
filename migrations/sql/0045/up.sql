-- Tampering that a look at the record passed is found by it: what was noted of exports has a digest under a seal, frames of
-- the archive are held against the seals, and who has a role without rights here blocks nothing.

-- What was noted of an export as one digest: its id, then conversation and revision of each, all behind their lengths, in
-- the order of their bytes.
CREATE FUNCTION export_rows_digest(p_export_id text) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(convert_to(octet_length(p_export_id) || ':' || p_export_id || ';' || coalesce(string_agg(
        octet_length(conversation_id) || ':' || conversation_id || ';' || octet_length(revision::text) || ':' || revision || ';',
        '' ORDER BY conversation_id COLLATE "C"), ''), 'UTF8'))
    FROM export_rows WHERE export_id = p_export_id
$$;

-- A row of the export log: `started` before the first byte, then one that says how it ended, and has the digest of what was
-- noted of it. Returns its id.
CREATE OR REPLACE FUNCTION record_export(
    p_export_id text, p_state text, p_conversation_count integer, p_filter_state jsonb, p_format text, p_metadata jsonb,
    p_file_sha256 bytea DEFAULT NULL, p_error_message text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    written bigint;
BEGIN
    PERFORM require_role('author');
    IF p_state <> 'started' THEN
        -- Who notes conversations of it at this moment is waited for.
        PERFORM FROM export_logs
        WHERE export_id = p_export_id AND state = 'started' AND user_id = session_user FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'export % was not started by %', p_export_id, session_user USING ERRCODE = 'TT003';
        END IF;
        p_metadata := p_metadata || jsonb_build_object('rows_sha256', encode(export_rows_digest(p_export_id), 'hex'));
    END IF;
    INSERT INTO export_logs (export_id, state, conversation_count, filter_state, format, metadata, file_sha256, error_message)
    VALUES (p_export_id, p_state, p_conversation_count, p_filter_state, p_format, p_metadata, p_file_sha256, p_error_message)
    RETURNING id INTO written;
    RETURN written;
END
$$;

-- As before; who ends the export waits for it.
CREATE OR REPLACE FUNCTION record_export_rows(p_export_id text, p_conversation_ids text[], p_revisions integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    PERFORM FROM export_logs
    WHERE export_id = p_export_id AND state = 'started' AND user_id = session_user FOR KEY SHARE;
    IF NOT FOUND
        OR EXISTS (SELECT FROM export_logs WHERE export_id = p_export_id AND state <> 'started') THEN
        RAISE EXCEPTION 'export % is not under way', p_export_id USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO export_rows (export_id, conversation_id, revision)
    SELECT p_export_id, conversation_id, revision FROM unnest(p_conversation_ids, p_revisions) AS row(conversation_id, revision);
END
$$;

-- A retirement has the digest over those of its exports in the order of their ids, those that held something; null for calls,
-- and for what was removed before it was kept. A row that has one has a hash of version 2.
ALTER TABLE retirements ADD COLUMN noted_sha256 BYTEA;

CREATE OR REPLACE FUNCTION retirement_digest(r retirements) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of(VARIADIC ARRAY['retirements', r.hash_version::text, r.id::text, r.log, to_char(r.week, 'YYYY-MM-DD'),
        micros(r.retired_at), r.retired_by, r.keep_days::text, r.row_count::text, r.noted_count::text, r.row_bytes::text,
        encode(r.root, 'hex'), r.frame_count::text, r.archive_bytes::text, encode(r.archive_sha256, 'hex')]
        || CASE WHEN r.hash_version >= 2 THEN ARRAY[encode(r.noted_sha256, 'hex')] ELSE '{}' END || ARRAY[r.xid8::text])
$$;
CREATE OR REPLACE FUNCTION stamp_retirement() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.retired_by := session_user;
    NEW.retired_at := clock_timestamp();
    NEW.hash_version := CASE WHEN NEW.noted_sha256 IS NULL THEN 1 ELSE 2 END;
    NEW.xid8 := log_xid8();
    NEW.row_hash := retirement_digest(NEW);
    RETURN NEW;
END
$$;

-- Frames that are there may have been forged past their guards: those a look names, and a migration does not stumble over them.
ALTER TABLE archive_frames ADD CONSTRAINT ck_archive_frames_payload_count CHECK (payload_count >= 0) NOT VALID;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM archive_frames WHERE payload_count < 0) THEN
        ALTER TABLE archive_frames VALIDATE CONSTRAINT ck_archive_frames_payload_count;
    END IF;
END
$$;

-- Of an archived week nothing goes, and nothing changes but that payloads of calls are erased; a copy that is being made may be
-- begun anew.
CREATE OR REPLACE FUNCTION guard_archive() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM retirements AS r WHERE r.week = OLD.week
                                        AND (r.log = 'generation_logs') = (OLD.log = 'generation_logs')) THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.log = 'generation_logs'
        AND to_jsonb(NEW) - ARRAY['content', 'erased_sha256', 'payload_count', 'raw_bytes']
          = to_jsonb(OLD) - ARRAY['content', 'erased_sha256', 'payload_count', 'raw_bytes']
        AND NEW.erased_sha256 = sha256(NEW.content) AND NEW.payload_count BETWEEN 0 AND OLD.payload_count THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the archive only grows: what stands there alone is never changed or removed' USING ERRCODE = 'TT005';
END
$$;

-- Puts a frame in the place of one, from which payloads were erased. That the rest is as it was, and that a payload may be gone,
-- a look at the record shows.
CREATE OR REPLACE FUNCTION erase_from_archive(
    p_log text, p_week date, p_place integer, p_sha256 bytea, p_payload_count integer, p_raw_bytes integer, p_content bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    IF p_log <> 'generation_logs' THEN
        RAISE EXCEPTION 'only payloads of calls are erased from the archive' USING ERRCODE = 'TT003';
    END IF;
    UPDATE archive_frames SET content = p_content, erased_sha256 = sha256(p_content), payload_count = p_payload_count,
                              raw_bytes = p_raw_bytes
    WHERE log = p_log AND week = p_week AND place = p_place AND coalesce(erased_sha256, sha256) = p_sha256;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'frame % of % changed meanwhile', p_place, p_week USING ERRCODE = 'TT003';
    END IF;
END
$$;

-- How many sealed rows of a log, of a week where it is the generation log, stand before the one of this key; null where no seal
-- has it. Served by ix_audit_seal_parts_log_week, and of the keys by their places.
CREATE FUNCTION sealed_place(p_log text, p_week date, p_xid8 xid8, p_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted CONSTANT bytea := int8send(p_xid8::text::bigint) || int8send(p_id);
    part record;
    before bigint;
    low integer := 0;
    high integer;
    middle integer;
    there bytea;
BEGIN
    SELECT p.number, p.place, p.row_count INTO part FROM audit_seal_parts AS p
    WHERE p.log = p_log AND (p.week = p_week OR p_week IS NULL AND p.week IS NULL)
      AND (p.last_xid8, p.last_id) >= (p_xid8, p_id)
    ORDER BY p.number, p.place LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    high := part.row_count - 1;
    WHILE low <= high LOOP
        middle := (low + high) / 2;
        SELECT substring(l.keys FROM 1 + 16 * middle FOR 16) INTO there
        FROM audit_seal_leaves AS l WHERE l.number = part.number AND l.place = part.place;
        IF there = wanted THEN
            SELECT coalesce(sum(p.row_count), 0) INTO before FROM audit_seal_parts AS p
            WHERE p.log = p_log AND (p.week = p_week OR p_week IS NULL AND p.week IS NULL)
              AND (p.number, p.place) < (part.number, part.place);
            RETURN before + middle;
        ELSIF there < wanted THEN
            low := middle + 1;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- Adds a frame behind those that there are. Its keys and its number are held against the seals; what it says is the app's word
-- until a look at the record reads it. Of the same week of a log one process writes at a time.
CREATE OR REPLACE FUNCTION add_archive_frame(
    p_log text, p_week date, p_place integer, p_row_count integer, p_payload_count integer, p_first_xid8 xid8,
    p_first_id bigint, p_last_xid8 xid8, p_last_id bigint, p_first_at timestamptz, p_last_at timestamptz,
    p_conversation_ids text[], p_raw_bytes integer, p_content bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    last archive_frames;
    of_week CONSTANT date := CASE WHEN p_log = 'generation_logs' THEN p_week END;
    first_place bigint;
    last_place bigint;
BEGIN
    PERFORM require_role('admin');
    PERFORM require_due(CASE p_log WHEN 'export_rows' THEN 'export_logs' ELSE p_log END, p_week);
    LOCK TABLE archive_frames IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM retirements WHERE week = p_week AND (log = 'generation_logs') = (p_log = 'generation_logs')) THEN
        RAISE EXCEPTION 'the week of % is archived already', p_week USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO last FROM archive_frames WHERE log = p_log AND week = p_week ORDER BY place DESC LIMIT 1;
    IF p_place <> coalesce(last.place, 0) + 1 OR (p_first_xid8, p_first_id) <= (last.last_xid8, last.last_id)
        OR (p_first_xid8, p_first_id) > (p_last_xid8, p_last_id) THEN
        RAISE EXCEPTION 'somebody else archives the week of %', p_week USING ERRCODE = 'TT003';
    END IF;
    IF p_log = 'export_rows' THEN
        IF (p_first_xid8, p_last_xid8, p_first_id, p_last_id) IS DISTINCT FROM
           ('0'::xid8, '0'::xid8, coalesce(last.last_id, 0) + 1, coalesce(last.last_id, 0) + p_row_count) THEN
            RAISE EXCEPTION 'the conversations of exports of the week of % are not counted as they come', p_week
                USING ERRCODE = 'TT003';
        END IF;
    ELSE
        first_place := sealed_place(p_log, of_week, p_first_xid8, p_first_id);
        last_place := sealed_place(p_log, of_week, p_last_xid8, p_last_id);
        IF first_place IS NULL OR last_place IS NULL THEN
            RAISE EXCEPTION 'the week of % has rows that are not sealed yet', p_week USING ERRCODE = 'TT003';
        END IF;
        -- Rows of calls come without a gap; between those of the exports of a week stand others.
        IF last_place - first_place + 1 < p_row_count
            OR p_log = 'generation_logs' AND (last_place - first_place + 1 > p_row_count OR first_place <> CASE
                WHEN last.place IS NULL THEN 0 ELSE 1 + sealed_place(p_log, of_week, last.last_xid8, last.last_id) END) THEN
            RAISE EXCEPTION 'the week of % is not as it was sealed: % rows in a frame, % under their seals', p_week,
                p_row_count, last_place - first_place + 1 USING ERRCODE = 'TT003', HINT = 'traintui audit verify';
        END IF;
    END IF;
    INSERT INTO archive_frames VALUES (
        p_log, p_week, p_place, p_row_count, p_payload_count, p_first_xid8, p_first_id, p_last_xid8, p_last_id, p_first_at,
        p_last_at, p_conversation_ids, p_raw_bytes, p_content, sha256(p_content));
END
$$;

-- As before, under a lock that only who may write here can hold.
CREATE OR REPLACE FUNCTION discard_archive(p_log text, p_week date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    number integer;
BEGIN
    PERFORM require_role('admin');
    LOCK TABLE archive_frames IN SHARE UPDATE EXCLUSIVE MODE;
    DELETE FROM archive_frames WHERE week = p_week AND (log = 'generation_logs') = (p_log = 'generation_logs');
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END
$$;

-- Whether something took payloads of calls out of the log since a snapshot of it: what erases them leaves a row. Served by
-- ix_review_logs_xid8 and ix_erasures_xid8.
CREATE FUNCTION payloads_erased_since(p_seen pg_snapshot) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM review_logs WHERE action = 'purge' AND xid8 >= pg_snapshot_xmin(p_seen)
                   AND NOT pg_visible_in_snapshot(xid8, p_seen))
        OR EXISTS (SELECT FROM erasures WHERE xid8 >= pg_snapshot_xmin(p_seen) AND NOT pg_visible_in_snapshot(xid8, p_seen))
$$;

-- Who holds something of a table, or of a part of it, besides this session.
CREATE FUNCTION holders_of(p_tables regclass[]) RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT string_agg(DISTINCT format('%s (%s, pid %s)', activity.usename, coalesce(nullif(activity.application_name, ''),
                      'no name'), activity.pid), ', ')
    FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.relation = ANY(p_tables::oid[]) AND held.granted AND held.pid <> pg_backend_pid()
$$;

-- Removes a week of the generation log, once it is due, sealed and in the archive, and none before it is there: its table goes as
-- a whole. Returns the row that says so, that of an earlier call too. All is read and compared before anybody waits; then the
-- log is locked for a moment, for which nobody waits longer than 200 ms. Raises TT002 when there is no such week, TT003 when it
-- must not go, 55P03 when somebody reads the log all the time, and says who.
CREATE OR REPLACE FUNCTION retire_generations(p_week date) RETURNS retirements
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    most_tries CONSTANT integer := 6;
    days integer;
    gone retirements;
    part_name text := 'generation_logs_' || to_char(p_week, 'IYYY"w"IW');
    there record;
    sealed record;
    kept record;
    older text;
    seen pg_snapshot;
    holders text;
BEGIN
    PERFORM require_role('admin');
    LOCK TABLE archive_frames IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT * INTO gone FROM retirements WHERE log = 'generation_logs' AND week = p_week;
    IF FOUND THEN
        RETURN gone;
    END IF;
    days := require_due('generation_logs', p_week);
    IF to_regclass('public.' || part_name) IS NULL THEN
        RAISE EXCEPTION 'there is no week of %', p_week USING ERRCODE = 'TT002';
    END IF;
    -- A call that ended late is told by the row of a later week: sums that stay are made in order.
    SELECT min(child.relname) INTO older FROM pg_inherits AS part JOIN pg_class AS child ON child.oid = part.inhrelid
    WHERE part.inhparent = 'public.generation_logs'::regclass AND child.relname ~ '^generation_logs_\d{4}w\d{2}$'
      AND child.relname < part_name;
    IF older IS NOT NULL THEN
        RAISE EXCEPTION 'the week of % is still there, and weeks go in their order',
            to_date(right(older, 7), 'IYYY"w"IW') USING ERRCODE = 'TT003';
    END IF;
    seen := log_snapshot(pg_current_snapshot());
    -- Nobody writes there but who purges or erases: whether somebody did meanwhile is seen below.
    EXECUTE format(
        'SELECT count(*) AS number, count(*) FILTER (WHERE row_hash IS NULL) AS under_way,'
        ' count(request_payload) + count(response_payload) AS payloads,'
        ' sha256(coalesce(string_agg(int8send(xid8::text::bigint) || int8send(id), %L::bytea ORDER BY xid8, id), %L)) AS keys,'
        ' sha256(coalesce(string_agg(row_hash, %L::bytea ORDER BY xid8, id), %L)) AS hashes FROM public.%I',
        '', '', '', '', part_name) INTO there;
    IF there.under_way > 0 THEN
        RAISE EXCEPTION 'the week of % has % calls that have not ended', p_week, there.under_way USING ERRCODE = 'TT003';
    END IF;
    SELECT coalesce(sum(p.row_count), 0) AS number, sha256(coalesce(string_agg(l.keys, '' ORDER BY p.number, p.place), '')) AS keys,
           sha256(coalesce(string_agg(l.row_hashes, '' ORDER BY p.number, p.place), '')) AS hashes,
           merkle_root(coalesce(array_agg(p.root ORDER BY p.number, p.place), '{}')) AS root
    INTO sealed FROM audit_seal_parts AS p JOIN audit_seal_leaves AS l ON l.number = p.number AND l.place = p.place
    WHERE p.log = 'generation_logs' AND p.week = p_week;
    IF (sealed.number, sealed.keys, sealed.hashes) IS DISTINCT FROM (there.number, there.keys, there.hashes) THEN
        RAISE EXCEPTION 'the week of % is not as it was sealed: % rows, % of them under a seal', p_week, there.number,
            sealed.number USING ERRCODE = 'TT003', HINT = 'traintui audit verify';
    END IF;
    SELECT coalesce(sum(f.row_count), 0) AS number, coalesce(sum(f.payload_count), 0) AS payloads, count(*) AS frames,
           coalesce(sum(octet_length(f.content)), 0) AS bytes,
           sha256(coalesce(string_agg(f.sha256, '' ORDER BY f.place), '')) AS hash
    INTO kept FROM archive_frames AS f WHERE f.log = 'generation_logs' AND f.week = p_week;
    IF (kept.number, kept.payloads) IS DISTINCT FROM (there.number, there.payloads) THEN
        RAISE EXCEPTION 'the week of % is not in the archive as it stands: % of % rows', p_week, kept.number, there.number
            USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
    END IF;
    EXECUTE format(
        'INSERT INTO retired_calls SELECT %L::date, conversation_id, run_id, template_id, count(*),'
        ' sum(cost_usd) FILTER (WHERE NOT EXISTS (SELECT FROM generation_logs AS late WHERE late.late_reply_to = log.id)),'
        ' count(*) FILTER (WHERE cost_usd IS NULL AND output_tokens > 0) FROM public.%I AS log'
        ' WHERE num_nonnulls(conversation_id, run_id, template_id) > 0 GROUP BY 2, 3, 4', p_week, part_name);
    gone.row_bytes := pg_total_relation_size(('public.' || part_name)::regclass);
    FOR try IN 1..most_tries LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            -- Before its week, as everybody does: who writes to all weeks would wait for this, and this for them.
            LOCK TABLE ONLY generation_logs IN ACCESS EXCLUSIVE MODE;
            IF payloads_erased_since(seen) THEN
                RAISE EXCEPTION 'the week of % is not in the archive as it stands: something was erased', p_week
                    USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
            END IF;
            EXECUTE format('DROP TABLE public.%I', part_name);
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF try = most_tries THEN
                holders := holders_of(ARRAY['public.generation_logs', 'public.' || part_name]::regclass[]);
                RAISE EXCEPTION 'the log is read all the time%', coalesce(': by ' || holders, '')
                    USING ERRCODE = '55P03', HINT = 'traintui audit retire';
            END IF;
        END;
        PERFORM pg_sleep(0.5 + random());
    END LOOP;
    INSERT INTO retirements (log, week, keep_days, row_count, noted_count, row_bytes, root, frame_count, archive_bytes,
                             archive_sha256)
    VALUES ('generation_logs', p_week, days, there.number, 0, gone.row_bytes, sealed.root, kept.frames, kept.bytes, kept.hash)
    RETURNING * INTO gone;
    RETURN gone;
END
$$;

-- Removes the exports that began in a week, and what was noted of their conversations, as retire_generations does. What goes is
-- held against the leaves of its seals, and its digest stays.
CREATE OR REPLACE FUNCTION retire_exports(p_week date) RETURNS retirements
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    days integer;
    gone retirements;
    exports text[];
    there record;
    noted record;
    unlike bigint;
    older timestamptz;
    kept record;
BEGIN
    PERFORM require_role('admin');
    LOCK TABLE archive_frames IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT * INTO gone FROM retirements WHERE log = 'export_logs' AND week = p_week;
    IF FOUND THEN
        RETURN gone;
    END IF;
    days := require_due('export_logs', p_week);
    exports := ARRAY(SELECT exports_of_week(p_week));
    IF cardinality(exports) = 0 THEN
        RAISE EXCEPTION 'there are no exports of the week of %', p_week USING ERRCODE = 'TT002';
    END IF;
    -- Served by ix_export_logs_started_at.
    older := (SELECT min(exported_at) FROM export_logs
              WHERE state = 'started' AND exported_at < p_week::timestamp AT TIME ZONE 'UTC');
    IF older IS NOT NULL THEN
        RAISE EXCEPTION 'exports of the week of % are still there, and weeks go in their order',
            date_trunc('week', older AT TIME ZONE 'UTC')::date USING ERRCODE = 'TT003';
    END IF;
    IF EXISTS (SELECT FROM exports_under_way WHERE export_id = ANY(exports) AND lease_until > clock_timestamp()) THEN
        RAISE EXCEPTION 'an export of the week of % has not ended', p_week USING ERRCODE = 'TT003';
    END IF;
    SELECT count(*) AS number,
           count(*) FILTER (WHERE xid8 >= coalesce((SELECT horizon FROM audit_seals ORDER BY number DESC LIMIT 1), '0'::xid8)) AS unsealed,
           merkle_root(array_agg(row_hash ORDER BY xid8, id)) AS root, sum(pg_column_size(log.*)) AS bytes, min(xid8) AS first,
           max(xid8) AS last
    INTO there FROM export_logs AS log WHERE export_id = ANY(exports);
    SELECT coalesce(sum(number), 0) AS number,
           sha256(coalesce(string_agg(export_rows_digest(export_id), '' ORDER BY export_id COLLATE "C"), '')) AS hash
    INTO noted FROM (SELECT export_id, count(*) AS number FROM export_rows WHERE export_id = ANY(exports)
                     GROUP BY export_id) AS held;
    IF there.unsealed > 0 THEN
        RAISE EXCEPTION 'the exports of the week of % are not sealed yet', p_week USING ERRCODE = 'TT003';
    END IF;
    WITH leaves AS MATERIALIZED (
        SELECT substring(l.keys FROM 1 + 16 * at FOR 16) AS key, substring(l.row_hashes FROM 1 + 32 * at FOR 32) AS hash
        FROM audit_seal_parts AS p JOIN audit_seal_leaves AS l ON l.number = p.number AND l.place = p.place,
             generate_series(0, p.row_count - 1) AS at
        WHERE p.log = 'export_logs' AND p.last_xid8 >= there.first AND p.first_xid8 <= there.last
    )
    SELECT count(*) INTO unlike
    FROM export_logs AS log LEFT JOIN leaves ON leaves.key = int8send(log.xid8::text::bigint) || int8send(log.id)
    WHERE log.export_id = ANY(exports) AND leaves.hash IS DISTINCT FROM log.row_hash;
    IF unlike > 0 THEN
        RAISE EXCEPTION 'the exports of the week of % are not as they were sealed: % rows differ', p_week, unlike
            USING ERRCODE = 'TT003', HINT = 'traintui audit verify';
    END IF;
    SELECT coalesce(sum(row_count) FILTER (WHERE log = 'export_logs'), 0) AS number,
           coalesce(sum(row_count) FILTER (WHERE log = 'export_rows'), 0) AS noted, count(*) AS frames,
           coalesce(sum(octet_length(content)), 0) AS bytes,
           sha256(coalesce(string_agg(sha256, '' ORDER BY log, place), '')) AS hash
    INTO kept FROM archive_frames WHERE log IN ('export_logs', 'export_rows') AND week = p_week;
    IF (kept.number, kept.noted) IS DISTINCT FROM (there.number, noted.number) THEN
        RAISE EXCEPTION 'the exports of the week of % are not in the archive as they stand', p_week
            USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
    END IF;
    INSERT INTO retirements (log, week, keep_days, row_count, noted_count, row_bytes, root, frame_count, archive_bytes,
                             archive_sha256, noted_sha256)
    VALUES ('export_logs', p_week, days, there.number, noted.number, there.bytes, there.root, kept.frames, kept.bytes, kept.hash,
            noted.hash)
    RETURNING * INTO gone;
    DELETE FROM export_rows WHERE export_id = ANY(exports);
    DELETE FROM export_logs WHERE export_id = ANY(exports);
    RETURN gone;
END
$$;

-- As before, under a lock that only who may write here can hold.
CREATE OR REPLACE FUNCTION seal_logs(
    p_all boolean DEFAULT false, OUT workspace_id uuid, OUT number bigint, OUT hash bytea, OUT made_at timestamptz,
    OUT sealed integer, OUT remaining boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
#variable_conflict use_column
DECLARE
    step CONSTANT integer := 20000;
    place log_order;
    last audit_seals;
    since xid8;
    until xid8;
    cut xid8;
    waiting integer;
    parts text[] := '{}';
    source record;
    part record;
    number_of_parts integer := 0;
BEGIN
    sealed := 0;
    remaining := false;
    -- One seals at a time. Who only reads cannot hold this lock, and so keeps nobody from sealing.
    IF p_all THEN
        LOCK TABLE audit_seals IN SHARE UPDATE EXCLUSIVE MODE;
    ELSE
        BEGIN
            LOCK TABLE audit_seals IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
        EXCEPTION WHEN lock_not_available THEN
            SELECT o.workspace_id INTO workspace_id FROM log_order AS o;
            SELECT s.number, s.hash, s.made_at INTO number, hash, made_at
            FROM audit_seals AS s ORDER BY s.number DESC LIMIT 1;
            RETURN;
        END;
    END IF;
    PERFORM know_log_order();
    SELECT * INTO place FROM log_order;
    SELECT * INTO last FROM audit_seals AS s ORDER BY s.number DESC LIMIT 1;
    since := coalesce(last.horizon, '0'::xid8);
    workspace_id := place.workspace_id;
    number := last.number;
    hash := last.hash;
    made_at := last.made_at;
    -- Served by the indexes on xid8. A bound that no index entry reaches yet costs a look at each.
    SELECT count(*) INTO waiting FROM (
        (SELECT 1 FROM review_logs WHERE xid8 >= since LIMIT 1000) UNION ALL
        (SELECT 1 FROM export_logs WHERE xid8 >= since LIMIT 1000) UNION ALL
        (SELECT 1 FROM retirements WHERE xid8 >= since LIMIT 1000) UNION ALL
        (SELECT 1 FROM erasures WHERE xid8 >= since LIMIT 1000) UNION ALL
        (SELECT 1 FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since LIMIT 1000)) AS found;
    IF waiting = 0 OR NOT p_all AND waiting < 1000 AND last.made_at > clock_timestamp() - interval '60 seconds' THEN
        RETURN;
    END IF;
    until := pg_snapshot_xmin(log_snapshot(pg_current_snapshot()));
    -- The statements from here on see all that ended before that.
    SELECT xid8 INTO cut FROM (
        (SELECT xid8 FROM review_logs WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM export_logs WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM retirements WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM erasures WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < until
         ORDER BY xid8 LIMIT step + 1)) AS first
    ORDER BY xid8 OFFSET step LIMIT 1;
    IF cut IS NOT NULL THEN
        remaining := true;
        -- A transaction is sealed as a whole, whatever it wrote.
        until := CASE WHEN EXISTS (SELECT FROM review_logs WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM export_logs WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM retirements WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM erasures WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < cut)
                      THEN cut ELSE (cut::text::bigint + 1)::text::xid8 END;
    END IF;
    FOR source IN
        SELECT 'review_logs' AS log, NULL::date AS week
        UNION ALL SELECT 'export_logs', NULL
        UNION ALL SELECT 'retirements', NULL
        UNION ALL SELECT 'erasures', NULL
        UNION ALL (SELECT DISTINCT 'generation_logs', date_trunc('week', created_at AT TIME ZONE 'UTC')::date
                   FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < until ORDER BY 2)
    LOOP
        FOR part IN EXECUTE format(
            'SELECT min(xid8) AS first_xid8, max(xid8) AS last_xid8, (array_agg(id ORDER BY place))[1] AS first_id,'
            ' (array_agg(id ORDER BY place DESC))[1] AS last_id, count(*)::integer AS row_count,'
            ' array_agg(row_hash ORDER BY place) AS hashes, string_agg(row_hash, %L::bytea ORDER BY place) AS row_hashes,'
            ' string_agg(int8send(xid8::text::bigint) || int8send(id), %L::bytea ORDER BY place) AS keys'
            ' FROM (SELECT xid8, id, row_hash, row_number() OVER (ORDER BY xid8, id) AS place FROM %I'
            '       WHERE row_hash IS NOT NULL AND xid8 >= $1 AND xid8 < $2 %s) AS due'
            ' GROUP BY (place - 1) / $3 ORDER BY (place - 1) / $3',
            '', '', source.log,
            CASE WHEN source.week IS NOT NULL
                 THEN format('AND created_at >= %L AND created_at < %L', source.week || ' 00:00:00+00',
                             (source.week + 7) || ' 00:00:00+00') ELSE '' END)
            USING since, until, step
        LOOP
            number_of_parts := number_of_parts + 1;
            sealed := sealed + part.row_count;
            INSERT INTO audit_seal_parts
            VALUES (coalesce(last.number, 0) + 1, number_of_parts, source.log, source.week, part.first_xid8, part.first_id,
                    part.last_xid8, part.last_id, part.row_count, merkle_root(part.hashes), sha256(part.keys));
            INSERT INTO audit_seal_leaves
            VALUES (coalesce(last.number, 0) + 1, number_of_parts, part.keys, part.row_hashes);
        END LOOP;
    END LOOP;
    IF sealed = 0 THEN
        RETURN;
    END IF;
    SELECT array_agg(encode(digest_of('audit_seal_part', '1', p.place::text, p.log, to_char(p.week, 'YYYY-MM-DD'),
                                      p.first_xid8::text, p.first_id::text, p.last_xid8::text, p.last_id::text,
                                      p.row_count::text, encode(p.root, 'hex'), encode(p.keys_sha256, 'hex')), 'hex')
                     ORDER BY p.place)
    INTO parts FROM audit_seal_parts AS p WHERE p.number = coalesce(last.number, 0) + 1;
    last.previous_hash := coalesce(last.hash, digest_of('audit_seals', place.workspace_id::text));
    number := coalesce(last.number, 0) + 1;
    made_at := clock_timestamp();
    hash := digest_of(VARIADIC ARRAY['audit_seal', '1', number::text, until::text, micros(made_at), sealed::text,
                                     encode(last.previous_hash, 'hex')] || parts);
    INSERT INTO audit_seals VALUES (number, until, made_at, sealed, last.previous_hash, hash);
END
$$;

-- The rows that a second review hides from this session, by their keys and hashes, and of which review: that one stands in a
-- table which everybody reads.
DROP FUNCTION hidden_review_rows();
CREATE FUNCTION hidden_review_rows() RETURNS TABLE (
    xid8 xid8, id bigint, row_hash bytea, conversation_id text, revision integer
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_role('auditor');
    IF session_role() = 'auditor' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT log.xid8, log.id, log.row_hash, log.conversation_id, log.revision
    FROM second_reviews AS review
        JOIN review_logs AS log ON log.conversation_id = review.conversation_id AND log.revision = review.revision
    WHERE review.state IN ('open', 'disputed') AND log.details ? 'blind' AND log.reviewer_id <> session_user
    ORDER BY 1, 2;
END
$$;

-- What a downgrade below 0038 took along stands among the changes of settings.
INSERT INTO workspace_settings (key, value)
SELECT key, old_value FROM (
    SELECT DISTINCT ON (key) key, old_value, new_value FROM workspace_setting_changes
    WHERE key IN ('retention_generations_days', 'retention_exports_days') ORDER BY key, id DESC) AS last
WHERE new_value IS NULL AND old_value IS NOT NULL
ON CONFLICT (key) DO NOTHING;

REVOKE ALL ON FUNCTION export_rows_digest(text), sealed_place(text, date, xid8, bigint), payloads_erased_since(pg_snapshot),
    holders_of(regclass[]), hidden_review_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hidden_review_rows() TO traintui_auditor;
