-- Rows that stand in the archive alone would be gone.
DO $$
BEGIN
    IF EXISTS (SELECT FROM retirements) THEN
        RAISE EXCEPTION 'the archive has rows that stand nowhere else, and the revision below knows no archive'
            USING HINT = 'Keep a backup, and begin a new workspace with the older Traintui.';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION begin_log_order() RETURNS log_order
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found log_order;
    copied boolean;
    lowest bigint;
    beginning bigint;
BEGIN
    INSERT INTO log_order DEFAULT VALUES ON CONFLICT DO NOTHING;
    PERFORM FROM log_order FOR UPDATE;
    SELECT o.* INTO found FROM log_order AS o;
    copied := coalesce((SELECT xmin <> written_by::xid AND written_by <> pg_current_xact_id() FROM log_order), true);
    IF NOT copied AND found.server_started_at = pg_postmaster_start_time() THEN
        RETURN found;
    END IF;
    -- No transaction that writes from now on has a lower number than this.
    lowest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    -- Served by the indexes on xid8.
    beginning := greatest(
        (SELECT xid8::text::bigint + 1 FROM review_logs ORDER BY xid8 DESC LIMIT 1),
        (SELECT xid8::text::bigint + 1 FROM export_logs ORDER BY xid8 DESC LIMIT 1),
        (SELECT xid8::text::bigint + 1 FROM generation_logs WHERE row_hash IS NOT NULL ORDER BY xid8 DESC LIMIT 1),
        (SELECT horizon::text::bigint FROM audit_seals ORDER BY number DESC LIMIT 1));
    IF beginning > lowest + found.xid_offset THEN
        found.xid_offset := beginning - lowest;
        copied := true;
    END IF;
    UPDATE log_order SET xid_offset = found.xid_offset, server_started_at = pg_postmaster_start_time(),
                         begins_at = CASE WHEN copied THEN (lowest + found.xid_offset)::text::xid8 ELSE found.begins_at END,
                         written_by = pg_current_xact_id()
    RETURNING * INTO found;
    RETURN found;
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
        (SELECT 1 FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since LIMIT 1000)) AS found;
    IF waiting = 0 OR NOT p_all AND waiting < 1000 AND last.made_at > clock_timestamp() - interval '60 seconds' THEN
        RETURN;
    END IF;
    until := pg_snapshot_xmin(log_snapshot(pg_current_snapshot()));
    -- The statements from here on see all that ended before that.
    SELECT xid8 INTO cut FROM (
        (SELECT xid8 FROM review_logs WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM export_logs WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < until
         ORDER BY xid8 LIMIT step + 1)) AS first
    ORDER BY xid8 OFFSET step LIMIT 1;
    IF cut IS NOT NULL THEN
        remaining := true;
        -- A transaction is sealed as a whole, whatever it wrote.
        until := CASE WHEN EXISTS (SELECT FROM review_logs WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM export_logs WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < cut)
                      THEN cut ELSE (cut::text::bigint + 1)::text::xid8 END;
    END IF;
    FOR source IN
        SELECT 'review_logs' AS log, NULL::date AS week
        UNION ALL SELECT 'export_logs', NULL
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

CREATE OR REPLACE FUNCTION cost_of_conversation(p_conversation_id text) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sum(cost_usd) FROM generation_logs AS log
    WHERE conversation_id = p_conversation_id
      AND NOT EXISTS (SELECT FROM generation_logs AS late
                      WHERE late.conversation_id = p_conversation_id AND late.late_reply_to = log.id)
$$;

DROP TRIGGER only_grows ON export_logs;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON export_logs FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP TRIGGER only_grows ON export_rows;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON export_rows FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION retire_exports(date);
DROP FUNCTION retire_generations(date);
DROP FUNCTION refuse_change_unless_retired();
DROP FUNCTION exports_of_week(date);
DROP FUNCTION erase_from_archive(text, date, integer, bytea, integer, integer, bytea);
DROP FUNCTION discard_archive(text, date);
DROP FUNCTION add_archive_frame(text, date, integer, integer, integer, xid8, bigint, xid8, bigint, timestamptz, timestamptz, text[], integer, bytea);
DROP FUNCTION require_due(text, date);
DROP FUNCTION retention_days(text);
DROP TRIGGER stamp ON retirements;
DROP FUNCTION stamp_retirement();
DROP FUNCTION retirement_digest(retirements);
DROP TABLE retired_calls;
DROP TABLE archive_frames;
DROP TABLE retirements;
DROP FUNCTION guard_archive();
ALTER TABLE audit_seal_parts DROP CONSTRAINT ck_audit_seal_parts_log, ADD CONSTRAINT ck_audit_seal_parts_log
    CHECK (log IN ('review_logs', 'export_logs', 'generation_logs'));
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_retention;
DELETE FROM workspace_settings WHERE key IN ('retention_generations_days', 'retention_exports_days');
