-- Rows whose hash the revision below cannot compute would read as tampered with there.
DO $$
BEGIN
    IF EXISTS (SELECT FROM retirements WHERE hash_version >= 2) THEN
        RAISE EXCEPTION 'exports were removed with a digest of their conversations, which the revision below does not know'
            USING HINT = 'Keep a backup, and begin a new workspace with the older Traintui.';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION record_export(
    p_export_id text, p_state text, p_conversation_count integer, p_filter_state jsonb, p_format text, p_metadata jsonb,
    p_file_sha256 bytea DEFAULT NULL, p_error_message text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    written bigint;
BEGIN
    PERFORM require_role('author');
    IF p_state <> 'started' AND NOT EXISTS (
        SELECT FROM export_logs WHERE export_id = p_export_id AND state = 'started' AND user_id = session_user) THEN
        RAISE EXCEPTION 'export % was not started by %', p_export_id, session_user USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO export_logs (export_id, state, conversation_count, filter_state, format, metadata, file_sha256, error_message)
    VALUES (p_export_id, p_state, p_conversation_count, p_filter_state, p_format, p_metadata, p_file_sha256, p_error_message)
    RETURNING id INTO written;
    RETURN written;
END
$$;

CREATE OR REPLACE FUNCTION record_export_rows(p_export_id text, p_conversation_ids text[], p_revisions integer[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    IF NOT EXISTS (SELECT FROM export_logs WHERE export_id = p_export_id AND state = 'started' AND user_id = session_user)
        OR EXISTS (SELECT FROM export_logs WHERE export_id = p_export_id AND state <> 'started') THEN
        RAISE EXCEPTION 'export % is not under way', p_export_id USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO export_rows (export_id, conversation_id, revision)
    SELECT p_export_id, conversation_id, revision FROM unnest(p_conversation_ids, p_revisions) AS row(conversation_id, revision);
END
$$;

CREATE OR REPLACE FUNCTION retirement_digest(r retirements) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of('retirements', r.hash_version::text, r.id::text, r.log, to_char(r.week, 'YYYY-MM-DD'),
        micros(r.retired_at), r.retired_by, r.keep_days::text, r.row_count::text, r.noted_count::text, r.row_bytes::text,
        encode(r.root, 'hex'), r.frame_count::text, r.archive_bytes::text, encode(r.archive_sha256, 'hex'), r.xid8::text)
$$;

CREATE OR REPLACE FUNCTION stamp_retirement() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.retired_by := session_user;
    NEW.retired_at := clock_timestamp();
    NEW.hash_version := 1;
    NEW.xid8 := log_xid8();
    NEW.row_hash := retirement_digest(NEW);
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION guard_archive() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM retirements AS r WHERE r.week = OLD.week
                                        AND (r.log = 'generation_logs') = (OLD.log = 'generation_logs')) THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - ARRAY['content', 'erased_sha256', 'payload_count', 'raw_bytes']
          = to_jsonb(OLD) - ARRAY['content', 'erased_sha256', 'payload_count', 'raw_bytes']
        AND NEW.erased_sha256 = sha256(NEW.content) AND OLD.log = 'generation_logs'
        AND NEW.payload_count BETWEEN 0 AND OLD.payload_count THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the archive only grows: what stands there alone is never changed or removed' USING ERRCODE = 'TT005';
END
$$;

CREATE OR REPLACE FUNCTION erase_from_archive(
    p_log text, p_week date, p_place integer, p_sha256 bytea, p_payload_count integer, p_raw_bytes integer, p_content bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    UPDATE archive_frames SET content = p_content, erased_sha256 = sha256(p_content), payload_count = p_payload_count,
                              raw_bytes = p_raw_bytes
    WHERE log = p_log AND week = p_week AND place = p_place AND coalesce(erased_sha256, sha256) = p_sha256;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'frame % of % changed meanwhile', p_place, p_week USING ERRCODE = 'TT003';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION add_archive_frame(
    p_log text, p_week date, p_place integer, p_row_count integer, p_payload_count integer, p_first_xid8 xid8,
    p_first_id bigint, p_last_xid8 xid8, p_last_id bigint, p_first_at timestamptz, p_last_at timestamptz,
    p_conversation_ids text[], p_raw_bytes integer, p_content bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last archive_frames;
BEGIN
    PERFORM require_role('admin');
    PERFORM require_due(CASE p_log WHEN 'export_rows' THEN 'export_logs' ELSE p_log END, p_week);
    PERFORM pg_advisory_xact_lock(7453, 16);
    IF EXISTS (SELECT FROM retirements WHERE week = p_week AND (log = 'generation_logs') = (p_log = 'generation_logs')) THEN
        RAISE EXCEPTION 'the week of % is archived already', p_week USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO last FROM archive_frames WHERE log = p_log AND week = p_week ORDER BY place DESC LIMIT 1;
    IF p_place <> coalesce(last.place, 0) + 1 OR (p_first_xid8, p_first_id) <= (last.last_xid8, last.last_id)
        OR (p_first_xid8, p_first_id) > (p_last_xid8, p_last_id) THEN
        RAISE EXCEPTION 'somebody else archives the week of %', p_week USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO archive_frames VALUES (
        p_log, p_week, p_place, p_row_count, p_payload_count, p_first_xid8, p_first_id, p_last_xid8, p_last_id, p_first_at,
        p_last_at, p_conversation_ids, p_raw_bytes, p_content, sha256(p_content));
END
$$;

CREATE OR REPLACE FUNCTION discard_archive(p_log text, p_week date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number integer;
BEGIN
    PERFORM require_role('admin');
    PERFORM pg_advisory_xact_lock(7453, 16);
    DELETE FROM archive_frames WHERE week = p_week AND (log = 'generation_logs') = (p_log = 'generation_logs');
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END
$$;

CREATE OR REPLACE FUNCTION retire_generations(p_week date) RETURNS retirements
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    most_tries CONSTANT integer := 6;
    days integer;
    gone retirements;
    part text := 'generation_logs_' || to_char(p_week, 'IYYY"w"IW');
    there record;
    sealed record;
    kept record;
    payloads bigint;
BEGIN
    PERFORM require_role('admin');
    PERFORM pg_advisory_xact_lock(7453, 16);
    SELECT * INTO gone FROM retirements WHERE log = 'generation_logs' AND week = p_week;
    IF FOUND THEN
        RETURN gone;
    END IF;
    days := require_due('generation_logs', p_week);
    IF to_regclass('public.' || part) IS NULL THEN
        RAISE EXCEPTION 'there is no week of %', p_week USING ERRCODE = 'TT002';
    END IF;
    -- Nobody writes there but who purges: whether somebody did meanwhile is seen below.
    EXECUTE format(
        'SELECT count(*) AS number, count(*) FILTER (WHERE row_hash IS NULL) AS under_way,'
        ' count(request_payload) + count(response_payload) AS payloads,'
        ' sha256(coalesce(string_agg(int8send(xid8::text::bigint) || int8send(id), %L::bytea ORDER BY xid8, id), %L)) AS keys,'
        ' sha256(coalesce(string_agg(row_hash, %L::bytea ORDER BY xid8, id), %L)) AS hashes FROM public.%I',
        '', '', '', '', part) INTO there;
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
        ' WHERE num_nonnulls(conversation_id, run_id, template_id) > 0 GROUP BY 2, 3, 4', p_week, part);
    gone.row_bytes := pg_total_relation_size(('public.' || part)::regclass);
    FOR try IN 1..most_tries LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            -- Before its week, as everybody does: who writes to all weeks would wait for this, and this for them.
            LOCK TABLE ONLY generation_logs IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('SELECT count(request_payload) + count(response_payload) FROM public.%I', part) INTO payloads;
            IF payloads <> there.payloads THEN
                RAISE EXCEPTION 'the week of % is not in the archive as it stands: somebody purged', p_week
                    USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
            END IF;
            EXECUTE format('DROP TABLE public.%I', part);
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF try = most_tries THEN
                RAISE;
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

CREATE OR REPLACE FUNCTION retire_exports(p_week date) RETURNS retirements
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    days integer;
    gone retirements;
    exports text[];
    there record;
    noted bigint;
    kept record;
BEGIN
    PERFORM require_role('admin');
    PERFORM pg_advisory_xact_lock(7453, 16);
    SELECT * INTO gone FROM retirements WHERE log = 'export_logs' AND week = p_week;
    IF FOUND THEN
        RETURN gone;
    END IF;
    days := require_due('export_logs', p_week);
    exports := ARRAY(SELECT exports_of_week(p_week));
    IF cardinality(exports) = 0 THEN
        RAISE EXCEPTION 'there are no exports of the week of %', p_week USING ERRCODE = 'TT002';
    END IF;
    IF EXISTS (SELECT FROM exports_under_way WHERE export_id = ANY(exports) AND lease_until > clock_timestamp()) THEN
        RAISE EXCEPTION 'an export of the week of % has not ended', p_week USING ERRCODE = 'TT003';
    END IF;
    SELECT count(*) AS number,
           count(*) FILTER (WHERE xid8 >= coalesce((SELECT horizon FROM audit_seals ORDER BY number DESC LIMIT 1), '0'::xid8)) AS unsealed,
           merkle_root(array_agg(row_hash ORDER BY xid8, id)) AS root, sum(pg_column_size(log.*)) AS bytes
    INTO there FROM export_logs AS log WHERE export_id = ANY(exports);
    SELECT count(*) INTO noted FROM export_rows WHERE export_id = ANY(exports);
    IF there.unsealed > 0 THEN
        RAISE EXCEPTION 'the exports of the week of % are not sealed yet', p_week USING ERRCODE = 'TT003';
    END IF;
    SELECT coalesce(sum(row_count) FILTER (WHERE log = 'export_logs'), 0) AS number,
           coalesce(sum(row_count) FILTER (WHERE log = 'export_rows'), 0) AS noted, count(*) AS frames,
           coalesce(sum(octet_length(content)), 0) AS bytes,
           sha256(coalesce(string_agg(sha256, '' ORDER BY log, place), '')) AS hash
    INTO kept FROM archive_frames WHERE log IN ('export_logs', 'export_rows') AND week = p_week;
    IF (kept.number, kept.noted) IS DISTINCT FROM (there.number, noted) THEN
        RAISE EXCEPTION 'the exports of the week of % are not in the archive as they stand', p_week
            USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
    END IF;
    INSERT INTO retirements (log, week, keep_days, row_count, noted_count, row_bytes, root, frame_count, archive_bytes,
                             archive_sha256)
    VALUES ('export_logs', p_week, days, there.number, noted, there.bytes, there.root, kept.frames, kept.bytes, kept.hash)
    RETURNING * INTO gone;
    DELETE FROM export_rows WHERE export_id = ANY(exports);
    DELETE FROM export_logs WHERE export_id = ANY(exports);
    RETURN gone;
END
$$;

CREATE OR REPLACE FUNCTION seal_logs(
    p_all boolean DEFAULT false, OUT workspace_id uuid, OUT number bigint, OUT hash bytea, OUT made_at timestamptz,
    OUT sealed integer, OUT remaining boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
    IF p_all THEN
        PERFORM pg_advisory_xact_lock(7453, 15);
    ELSIF NOT pg_try_advisory_xact_lock(7453, 15) THEN
        SELECT o.workspace_id INTO workspace_id FROM log_order AS o;
        SELECT s.number, s.hash, s.made_at INTO number, hash, made_at FROM audit_seals AS s ORDER BY s.number DESC LIMIT 1;
        RETURN;
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

DROP FUNCTION hidden_review_rows();
CREATE FUNCTION hidden_review_rows() RETURNS TABLE (xid8 xid8, id bigint, row_hash bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_role('auditor');
    IF session_role() = 'auditor' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT log.xid8, log.id, log.row_hash
    FROM second_reviews AS review
        JOIN review_logs AS log ON log.conversation_id = review.conversation_id AND log.revision = review.revision
    WHERE review.state IN ('open', 'disputed') AND log.details ? 'blind' AND log.reviewer_id <> session_user
    ORDER BY 1, 2;
END
$$;
REVOKE ALL ON FUNCTION hidden_review_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hidden_review_rows() TO traintui_auditor;

ALTER TABLE archive_frames DROP CONSTRAINT ck_archive_frames_payload_count;
ALTER TABLE retirements DROP COLUMN noted_sha256;
DROP FUNCTION holders_of(regclass[]);
DROP FUNCTION payloads_erased_since(pg_snapshot);
DROP FUNCTION sealed_place(text, date, xid8, bigint);
DROP FUNCTION export_rows_digest(text);
