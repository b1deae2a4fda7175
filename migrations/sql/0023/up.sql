-- Whoever has a conversation open has it reserved, until a lease ends that they renew while they work. One row for a
-- conversation, so no two people hold it. It is worth a minute: unlogged, and a commit does not wait for the disk.
CREATE UNLOGGED TABLE reservations (
    conversation_id bigint CONSTRAINT pk_reservations PRIMARY KEY,
    reviewer_id text DEFAULT session_user NOT NULL,
    window_id uuid NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- Reserves, for a window of the login behind the session, the first p_number of p_wanted that nobody else has: what waits
-- for a decision, and p_shown, which is open, whatever its status. Lets go of p_leave. Returns who has which of
-- p_wanted then. What another transaction works on at this moment is passed by, so nobody waits. A lease that has more
-- than two thirds left is not written anew.
CREATE FUNCTION reserve(
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

-- Lets go of all that a window has, and of what other windows left behind.
CREATE FUNCTION release_reservations(p_window_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('reviewer');
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM reservations WHERE conversation_id IN (
        SELECT conversation_id FROM reservations
        WHERE reviewer_id = session_user AND window_id = p_window_id OR lease_until < clock_timestamp() - interval '1 minute'
        FOR UPDATE SKIP LOCKED);
END
$$;

-- Reserves one for a window of the login behind the session, whoever has it. Returns the row of the log that says from whom
-- it was taken; nulls where nobody else had it.
CREATE FUNCTION take_over(p_window_id uuid, p_conversation_id text, p_decision_key text, p_seconds double precision)
RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    seen conversations;
    held reservations;
    written review_logs;
BEGIN
    PERFORM require_role('reviewer');
    IF (p_seconds BETWEEN 1 AND 600) IS NOT TRUE THEN
        RAISE EXCEPTION 'a conversation is taken over for 1 to 600 seconds' USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO seen FROM conversations WHERE conversation_id = p_conversation_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no conversation %', p_conversation_id USING ERRCODE = 'TT002';
    END IF;
    written := earlier_press(p_decision_key, p_conversation_id, 'takeover');
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    IF seen.deleted_at IS NOT NULL THEN
        RAISE EXCEPTION '% is in the trash', p_conversation_id USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO held FROM reservations WHERE conversation_id = seen.id AND lease_until > clock_timestamp();
    INSERT INTO reservations (conversation_id, window_id, lease_until)
    VALUES (seen.id, p_window_id, clock_timestamp() + make_interval(secs => p_seconds))
    ON CONFLICT (conversation_id) DO UPDATE
        SET reviewer_id = session_user, window_id = excluded.window_id, lease_until = excluded.lease_until;
    IF held.reviewer_id <> session_user THEN
        INSERT INTO review_logs (conversation_id, action, revision, decision_key, status_before, status_after, details)
        VALUES (p_conversation_id, 'takeover', seen.revision, p_decision_key, seen.status, seen.status,
                jsonb_build_object('from', held.reviewer_id))
        RETURNING * INTO written;
    END IF;
    RETURN written;
END
$$;

-- As before, but that somebody took a conversation over does not keep its actions from being taken back.
CREATE OR REPLACE FUNCTION undo(p_log_id bigint, p_decision_key text) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    undone review_logs;
    seen conversations;
    before conversation_revisions;
    written review_logs;
    target text;
    next_revision integer;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO undone FROM review_logs WHERE id = p_log_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no action %', p_log_id USING ERRCODE = 'TT007';
    END IF;
    IF undone.reviewer_id <> session_user THEN
        RAISE EXCEPTION 'action % is by %', p_log_id, undone.reviewer_id USING ERRCODE = 'TT004';
    END IF;
    SELECT * INTO seen FROM conversations WHERE conversation_id = undone.conversation_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is gone', undone.conversation_id USING ERRCODE = 'TT002';
    END IF;
    written := earlier_press(p_decision_key, undone.conversation_id, 'undo');
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    IF undone.action NOT IN ('approve', 'reject', 'reopen', 'edit', 'flag', 'unflag') THEN
        RAISE EXCEPTION 'a % cannot be undone', undone.action USING ERRCODE = 'TT007';
    END IF;
    IF EXISTS (SELECT FROM review_logs WHERE undoes = undone.id) OR EXISTS (
        SELECT FROM review_logs AS later
        WHERE later.conversation_id = undone.conversation_id AND later.id > undone.id AND later.action NOT IN ('undo', 'takeover')
          AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id)
    ) THEN
        RAISE EXCEPTION 'action % on % was undone, or somebody has acted since', p_log_id, undone.conversation_id
            USING ERRCODE = 'TT007';
    END IF;
    target := CASE WHEN undone.action IN ('flag', 'unflag') THEN seen.status ELSE undone.status_before END;
    next_revision := seen.revision + (undone.action = 'edit')::integer;
    IF undone.action = 'edit' THEN
        SELECT * INTO STRICT before FROM conversation_revisions
        WHERE conversation_id = undone.conversation_id AND revision = (undone.details->>'from_revision')::integer;
        PERFORM write_turns(seen, next_revision, before.system_prompt, before.turns, session_user::text, 'edited');
    END IF;
    INSERT INTO review_logs (conversation_id, action, revision, undoes, decision_key, status_before, status_after,
                             decision_before, content_sha256)
    VALUES (undone.conversation_id, 'undo', next_revision, undone.id, p_decision_key, seen.status, target, seen.decision_id,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = undone.conversation_id AND revision = next_revision))
    RETURNING * INTO written;
    UPDATE conversations
    SET status = target,
        decision_id = CASE WHEN target <> seen.status THEN written.id ELSE decision_id END,
        flagged = CASE undone.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE flagged END
    WHERE id = seen.id;
    RETURN written;
END
$$;

REVOKE ALL ON reservations FROM PUBLIC;
GRANT SELECT ON reservations TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION reserve(uuid, text[], integer, text, text[], double precision), release_reservations(uuid),
    take_over(uuid, text, text, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve(uuid, text[], integer, text, text[], double precision), release_reservations(uuid),
    take_over(uuid, text, text, double precision) TO traintui_reviewer;
