CREATE OR REPLACE FUNCTION review_log_digest(log review_logs) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN digest_of('review_logs', log.hash_version::text, log.id::text, log.conversation_id, log.action,
        log.reviewer_id, log.reviewer_role, encode(digest_of(log.reviewer_notes), 'hex'), micros(log.timestamp),
        log.revision::text, log.reason, log.turn_number::text, log.undoes::text, log.decision_key, log.duration_ms::text,
        log.status_before, log.status_after, log.decision_before::text, log.bulk_id, encode(log.content_sha256, 'hex'),
        encode(json_digest(log.details), 'hex'), log.xid8::text);
END
$$;

CREATE OR REPLACE FUNCTION session_role() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE
        WHEN pg_has_role(session_user, 'traintui_admin', 'MEMBER') THEN 'admin'
        WHEN pg_has_role(session_user, 'traintui_author', 'MEMBER') THEN 'author'
        WHEN pg_has_role(session_user, 'traintui_reviewer', 'MEMBER') THEN 'reviewer'
        WHEN pg_has_role(session_user, 'traintui_auditor', 'MEMBER') THEN 'auditor'
        ELSE 'none'
    END
$$;

CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.decision_id IS NOT DISTINCT FROM OLD.decision_id
        AND NOT is_decided(NEW.status) AND NOT is_decided(OLD.status) THEN
        RETURN NEW;
    END IF;
    IF (TG_OP = 'UPDATE' AND NEW.decision_id IS NOT DISTINCT FROM OLD.decision_id) OR NOT EXISTS (
        SELECT FROM review_logs AS log
        WHERE log.id = NEW.decision_id AND log.conversation_id = NEW.conversation_id
          AND log.xid8 = pg_current_xact_id() AND log.status_after = NEW.status)
    THEN
        RAISE EXCEPTION 'the status of % changes only through a decision', NEW.conversation_id
            USING ERRCODE = 'TT006', HINT = 'Call decide(), undo() or edit().';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION note_decision_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.reviewed_at := coalesce((SELECT timestamp FROM review_logs
                                 WHERE id = NEW.decision_id AND action IN ('approve', 'reject')), OLD.reviewed_at);
    RETURN NEW;
END
$$;
CREATE TRIGGER note_decision_time BEFORE UPDATE ON conversations
    FOR EACH ROW WHEN (NEW.decision_id IS DISTINCT FROM OLD.decision_id) EXECUTE FUNCTION note_decision_time();
REVOKE ALL ON FUNCTION note_decision_time() FROM PUBLIC;

CREATE OR REPLACE FUNCTION reserve(
    p_window_id uuid, p_wanted text[], p_number integer, p_shown text, p_leave text[], p_seconds double precision
) RETURNS TABLE (conversation_id text, reviewer_id text, is_mine boolean, seconds_left double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    wanted bigint[];
    before timestamptz;
    due timestamptz;
BEGIN
    PERFORM require_role('reviewer');
    IF cardinality(p_wanted) > 100 OR cardinality(p_leave) > 100 OR p_seconds NOT BETWEEN 1 AND 600 THEN
        RAISE EXCEPTION 'up to 100 conversations, for 1 to 600 seconds' USING ERRCODE = 'TT003';
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    wanted := ARRAY(SELECT c.id FROM unnest(p_wanted) WITH ORDINALITY AS listed(public_id, place)
                    JOIN conversations AS c ON c.conversation_id = listed.public_id ORDER BY listed.place);
    -- Once more where somebody else was quicker: the second look sees what they took.
    FOR look IN 1..2 LOOP
        before := clock_timestamp();
        due := before + make_interval(secs => p_seconds * 2 / 3);
        EXIT WHEN NOT EXISTS (
            SELECT FROM (
                SELECT r.lease_until
                FROM unnest(wanted) WITH ORDINALITY AS listed(id, place) JOIN conversations AS c ON c.id = listed.id
                LEFT JOIN reservations AS r ON r.conversation_id = listed.id
                WHERE c.deleted_at IS NULL AND (c.status = 'generated' OR c.conversation_id = p_shown AND c.turn_count > 0)
                  AND (r.conversation_id IS NULL OR r.lease_until <= before
                       OR r.reviewer_id = session_user AND r.window_id = p_window_id)
                ORDER BY listed.place LIMIT p_number) AS first
            WHERE first.lease_until IS NULL OR first.lease_until < due);
        INSERT INTO reservations AS held (conversation_id, window_id, lease_until)
        SELECT locked.id, p_window_id, before + make_interval(secs => p_seconds)
        FROM (
            SELECT c.id
            FROM unnest(wanted) WITH ORDINALITY AS listed(id, place) JOIN conversations AS c ON c.id = listed.id
            LEFT JOIN reservations AS r ON r.conversation_id = listed.id
            WHERE c.deleted_at IS NULL AND (c.status = 'generated' OR c.conversation_id = p_shown AND c.turn_count > 0)
              AND (r.conversation_id IS NULL OR r.lease_until <= before
                   OR r.reviewer_id = session_user AND r.window_id = p_window_id)
            ORDER BY listed.place LIMIT p_number FOR NO KEY UPDATE OF c SKIP LOCKED) AS locked
        ON CONFLICT (conversation_id) DO UPDATE
            SET reviewer_id = session_user, window_id = excluded.window_id, lease_until = excluded.lease_until
            WHERE held.lease_until <= before
               OR held.lease_until < due AND held.reviewer_id = session_user AND held.window_id = p_window_id;
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
