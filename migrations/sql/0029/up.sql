-- A decision, a bulk of them and a reservation take less of the server's time.

-- The same digest as before, as one expression: a field is written as digest_of writes it, its length before it.
CREATE OR REPLACE FUNCTION review_log_digest(log review_logs) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moment text := (extract(epoch FROM log.timestamp) * 1000000)::bigint::text;
BEGIN
    RETURN sha256(convert_to('11:review_logs;'
        || coalesce(octet_length(log.hash_version::text) || ':' || log.hash_version::text || ';', '-;')
        || coalesce(octet_length(log.id::text) || ':' || log.id::text || ';', '-;')
        || coalesce(octet_length(log.conversation_id) || ':' || log.conversation_id || ';', '-;')
        || coalesce(octet_length(log.action) || ':' || log.action || ';', '-;')
        || coalesce(octet_length(log.reviewer_id) || ':' || log.reviewer_id || ';', '-;')
        || coalesce(octet_length(log.reviewer_role) || ':' || log.reviewer_role || ';', '-;')
        || '64:' || encode(sha256(convert_to(
            coalesce(octet_length(log.reviewer_notes) || ':' || log.reviewer_notes || ';', '-;'), 'UTF8')), 'hex') || ';'
        || coalesce(octet_length(moment) || ':' || moment || ';', '-;')
        || coalesce(octet_length(log.revision::text) || ':' || log.revision::text || ';', '-;')
        || coalesce(octet_length(log.reason) || ':' || log.reason || ';', '-;')
        || coalesce(octet_length(log.turn_number::text) || ':' || log.turn_number::text || ';', '-;')
        || coalesce(octet_length(log.undoes::text) || ':' || log.undoes::text || ';', '-;')
        || coalesce(octet_length(log.decision_key) || ':' || log.decision_key || ';', '-;')
        || coalesce(octet_length(log.duration_ms::text) || ':' || log.duration_ms::text || ';', '-;')
        || coalesce(octet_length(log.status_before) || ':' || log.status_before || ';', '-;')
        || coalesce(octet_length(log.status_after) || ':' || log.status_after || ';', '-;')
        || coalesce(octet_length(log.decision_before::text) || ':' || log.decision_before::text || ';', '-;')
        || coalesce(octet_length(log.bulk_id) || ':' || log.bulk_id || ';', '-;')
        || coalesce('64:' || encode(log.content_sha256, 'hex') || ';', '-;')
        || coalesce('64:' || encode(sha256(convert_to(log.details::text, 'UTF8')), 'hex') || ';', '-;')
        || coalesce(octet_length(log.xid8::text) || ':' || log.xid8::text || ';', '-;'), 'UTF8'));
END
$$;

-- As before, but planned once in a session and not for each row of a log.
CREATE OR REPLACE FUNCTION session_role() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN pg_has_role(session_user, 'traintui_admin', 'MEMBER') THEN 'admin'
        WHEN pg_has_role(session_user, 'traintui_author', 'MEMBER') THEN 'author'
        WHEN pg_has_role(session_user, 'traintui_reviewer', 'MEMBER') THEN 'reviewer'
        WHEN pg_has_role(session_user, 'traintui_auditor', 'MEMBER') THEN 'auditor'
        ELSE 'none'
    END;
END
$$;

-- As before; the log row that it finds also says when it was decided, so that it is looked up once.
DROP TRIGGER note_decision_time ON conversations;
DROP FUNCTION note_decision_time();
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    decision review_logs;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.decision_id IS NOT DISTINCT FROM OLD.decision_id
        AND NOT is_decided(NEW.status) AND NOT is_decided(OLD.status) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.decision_id IS DISTINCT FROM OLD.decision_id THEN
        SELECT * INTO decision FROM review_logs AS log
        WHERE log.id = NEW.decision_id AND log.conversation_id = NEW.conversation_id
          AND log.xid8 = pg_current_xact_id() AND log.status_after = NEW.status;
    END IF;
    IF decision.id IS NULL THEN
        RAISE EXCEPTION 'the status of % changes only through a decision', NEW.conversation_id
            USING ERRCODE = 'TT006', HINT = 'Call decide(), undo() or edit().';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.reviewed_at := CASE WHEN decision.action IN ('approve', 'reject') THEN decision.timestamp ELSE OLD.reviewed_at END;
    END IF;
    RETURN NEW;
END
$$;

-- As before, but each of p_wanted is looked up once, only what is to be written is locked, and nobody looks again where
-- all of it was free.
CREATE OR REPLACE FUNCTION reserve(
    p_window_id uuid, p_wanted text[], p_number integer, p_shown text, p_leave text[], p_seconds double precision
) RETURNS TABLE (conversation_id text, reviewer_id text, is_mine boolean, seconds_left double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    wanted bigint[];
    waiting bigint[];
    missing integer;
    taken integer;
    before timestamptz;
    due timestamptz;
BEGIN
    PERFORM require_role('reviewer');
    IF cardinality(p_wanted) > 100 OR cardinality(p_leave) > 100 OR p_seconds NOT BETWEEN 1 AND 600 THEN
        RAISE EXCEPTION 'up to 100 conversations, for 1 to 600 seconds' USING ERRCODE = 'TT003';
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT array_agg(c.id ORDER BY listed.place),
           array_agg(c.id ORDER BY listed.place) FILTER (
               WHERE c.deleted_at IS NULL AND (c.status = 'generated' OR c.conversation_id = p_shown AND c.turn_count > 0))
    INTO wanted, waiting
    FROM unnest(p_wanted) WITH ORDINALITY AS listed(public_id, place)
    JOIN conversations AS c ON c.conversation_id = listed.public_id;
    -- Once more where somebody else was quicker: the second look sees what they took.
    FOR look IN 1..2 LOOP
        before := clock_timestamp();
        due := before + make_interval(secs => p_seconds * 2 / 3);
        SELECT count(*) INTO missing FROM (
            SELECT r.lease_until FROM unnest(waiting) WITH ORDINALITY AS listed(id, place)
            LEFT JOIN reservations AS r ON r.conversation_id = listed.id
            WHERE r.conversation_id IS NULL OR r.lease_until <= before
               OR r.reviewer_id = session_user AND r.window_id = p_window_id
            ORDER BY listed.place LIMIT p_number) AS first
        WHERE first.lease_until IS NULL OR first.lease_until < due;
        EXIT WHEN missing = 0;
        INSERT INTO reservations AS held (conversation_id, window_id, lease_until)
        SELECT locked.id, p_window_id, before + make_interval(secs => p_seconds)
        FROM (
            SELECT c.id
            FROM unnest(waiting) WITH ORDINALITY AS listed(id, place) JOIN conversations AS c ON c.id = listed.id
            LEFT JOIN reservations AS r ON r.conversation_id = listed.id
            WHERE c.deleted_at IS NULL AND (c.status = 'generated' OR c.conversation_id = p_shown AND c.turn_count > 0)
              AND (r.conversation_id IS NULL OR r.lease_until <= before
                   OR r.lease_until < due AND r.reviewer_id = session_user AND r.window_id = p_window_id)
            ORDER BY listed.place LIMIT missing FOR NO KEY UPDATE OF c SKIP LOCKED) AS locked
        ON CONFLICT (conversation_id) DO UPDATE
            SET reviewer_id = session_user, window_id = excluded.window_id, lease_until = excluded.lease_until
            WHERE held.lease_until <= before
               OR held.lease_until < due AND held.reviewer_id = session_user AND held.window_id = p_window_id;
        GET DIAGNOSTICS taken = ROW_COUNT;
        EXIT WHEN taken = missing;
    END LOOP;
    -- Last, and past rows that others have: who holds what they leave waits for nobody, so no two wait for each other.
    IF cardinality(p_leave) > 0 THEN
        DELETE FROM reservations WHERE conversation_id IN (
            SELECT r.conversation_id FROM reservations AS r JOIN conversations AS c ON c.id = r.conversation_id
            WHERE c.conversation_id = ANY(p_leave) AND r.reviewer_id = session_user AND r.window_id = p_window_id
            FOR UPDATE OF r SKIP LOCKED);
    END IF;
    RETURN QUERY
    SELECT c.conversation_id, r.reviewer_id, r.reviewer_id = session_user AND r.window_id = p_window_id,
           extract(epoch FROM r.lease_until - clock_timestamp())::double precision
    FROM reservations AS r JOIN conversations AS c ON c.id = r.conversation_id
    WHERE r.conversation_id = ANY(wanted) AND r.lease_until > clock_timestamp();
END
$$;
