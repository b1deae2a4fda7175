-- Actions on many conversations: up to 1,000 in a transaction, each with a log row of its own, all under one bulk_id, by
-- which they are taken back together. Rows are locked in the order of their ids, so that two bulks never block each other
-- for good. What is not as it should be is skipped, and counted by its reason:
--   missing, in_trash, no_text, already, changed (since the snapshot), under_way, acted_since

-- Raises unless a bulk may be named so and takes so many at once.
CREATE FUNCTION check_bulk(p_number integer, p_bulk_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_number IS NULL OR p_number NOT BETWEEN 0 AND 1000 THEN
        RAISE EXCEPTION 'up to 1,000 conversations are changed at once, not %', p_number USING ERRCODE = 'TT003';
    END IF;
    IF coalesce(char_length(p_bulk_id), 0) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'a bulk has a name of 1 to 200 characters' USING ERRCODE = 'TT003';
    END IF;
    IF EXISTS (SELECT FROM review_logs WHERE bulk_id = p_bulk_id AND reviewer_id <> session_user) THEN
        RAISE EXCEPTION 'this bulk is by somebody else' USING ERRCODE = 'TT010';
    END IF;
END
$$;

-- Locks conversations in the order of their ids. What is read in a statement after this stands still.
CREATE FUNCTION lock_conversations(p_ids bigint[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT FROM conversations WHERE id = ANY(p_ids) ORDER BY id FOR NO KEY UPDATE
$$;

-- How often each reason stands in a list.
CREATE FUNCTION counted_by_reason(p_reasons text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(reason, number), '{}')
    FROM (SELECT reason, count(*) AS number FROM unnest(p_reasons) AS reason WHERE reason IS NOT NULL GROUP BY 1) AS counted
$$;

-- Decides many at once. p_seen is the snapshot that the set was read with (pg_current_snapshot() in the transaction that
-- read it): whatever it did not see of a conversation was not seen by the reviewer, so a conversation that changed since
-- is left alone. A time would not do: what commits late carries an earlier one.
CREATE FUNCTION decide_many(
    p_ids bigint[], p_action text, p_seen pg_snapshot, p_bulk_id text, p_reason text DEFAULT NULL,
    p_notes text DEFAULT NULL, OUT done integer, OUT skipped jsonb
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target text := CASE p_action WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN 'reopen' THEN 'generated' END;
    logs bigint[];
    names text[];
    reasons text[];
BEGIN
    PERFORM require_role('reviewer');
    IF target IS NULL OR p_seen IS NULL THEN
        RAISE EXCEPTION '"%" is not a decision, or it names no snapshot', p_action
            USING ERRCODE = 'TT003', HINT = 'approve, reject or reopen';
    END IF;
    PERFORM check_bulk(cardinality(p_ids), p_bulk_id);
    PERFORM check_remarks(p_reason, p_notes, NULL, NULL);
    PERFORM lock_conversations(p_ids);
    WITH judged AS MATERIALIZED (
        SELECT wanted.id, c.conversation_id, c.revision, c.status, c.decision_id,
               CASE WHEN c.id IS NULL THEN 'missing'
                    WHEN c.deleted_at IS NOT NULL THEN 'in_trash'
                    WHEN c.status NOT IN ('generated', 'approved', 'rejected') THEN 'no_text'
                    WHEN c.status = target THEN 'already'
                    -- The feed knows every change of a day; the log every action for good.
                    WHEN newer.conversation_id IS NOT NULL OR EXISTS (
                        SELECT FROM review_logs AS log WHERE log.conversation_id = c.conversation_id
                        AND NOT pg_visible_in_snapshot(log.xid8, p_seen)) THEN 'changed'
               END AS why
        FROM (SELECT DISTINCT id FROM unnest(p_ids) AS id) AS wanted
        LEFT JOIN conversations AS c ON c.id = wanted.id
        LEFT JOIN (SELECT DISTINCT conversation_id FROM conversation_changes
                   WHERE xid8 >= pg_snapshot_xmin(p_seen) AND NOT pg_visible_in_snapshot(xid8, p_seen)) AS newer
               ON newer.conversation_id = wanted.id
    ), written AS (
        INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, bulk_id, status_before,
                                 status_after, decision_before, content_sha256)
        SELECT j.conversation_id, p_action, nullif(p_notes, ''), j.revision, nullif(p_reason, ''), p_bulk_id, j.status,
               target, j.decision_id, r.content_sha256
        FROM judged AS j LEFT JOIN conversation_revisions AS r USING (conversation_id, revision)
        WHERE j.why IS NULL ORDER BY j.id
        RETURNING id, conversation_id
    )
    SELECT array_agg(w.id), array_agg(w.conversation_id), (SELECT array_agg(why) FROM judged)
    INTO logs, names, reasons FROM written AS w;
    UPDATE conversations AS c SET status = target, decision_id = written.id
    FROM unnest(logs, names) AS written(id, name) WHERE c.conversation_id = written.name;
    done := coalesce(cardinality(logs), 0);
    skipped := counted_by_reason(reasons);
END
$$;

-- Flags or unflags many at once.
CREATE FUNCTION flag_many(p_ids bigint[], p_flagged boolean, p_bulk_id text, OUT done integer, OUT skipped jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed bigint[];
    reasons text[];
BEGIN
    PERFORM require_role('reviewer');
    PERFORM check_bulk(cardinality(p_ids), p_bulk_id);
    PERFORM lock_conversations(p_ids);
    WITH judged AS MATERIALIZED (
        SELECT wanted.id, c.conversation_id, c.revision, c.status,
               CASE WHEN c.id IS NULL THEN 'missing' WHEN c.deleted_at IS NOT NULL THEN 'in_trash'
                    WHEN c.flagged = p_flagged THEN 'already' END AS why
        FROM (SELECT DISTINCT id FROM unnest(p_ids) AS id) AS wanted LEFT JOIN conversations AS c ON c.id = wanted.id
    ), written AS (
        INSERT INTO review_logs (conversation_id, action, revision, bulk_id, status_before, status_after)
        SELECT conversation_id, CASE WHEN p_flagged THEN 'flag' ELSE 'unflag' END, revision, p_bulk_id, status, status
        FROM judged WHERE why IS NULL ORDER BY id
    )
    SELECT array_agg(id) FILTER (WHERE why IS NULL), array_agg(why) INTO changed, reasons FROM judged;
    UPDATE conversations SET flagged = p_flagged WHERE id = ANY(changed);
    done := coalesce(cardinality(changed), 0);
    skipped := counted_by_reason(reasons);
END
$$;

-- Moves many to the trash, or back. What a worker is about to write is left alone.
CREATE FUNCTION trash_many(p_ids bigint[], p_deleted boolean, p_bulk_id text, OUT done integer, OUT skipped jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed bigint[];
    reasons text[];
BEGIN
    PERFORM require_role('author');
    PERFORM check_bulk(cardinality(p_ids), p_bulk_id);
    PERFORM lock_conversations(p_ids);
    WITH judged AS MATERIALIZED (
        SELECT wanted.id, c.conversation_id, c.revision, c.status,
               CASE WHEN c.id IS NULL THEN 'missing' WHEN (c.deleted_at IS NOT NULL) = p_deleted THEN 'already'
                    WHEN p_deleted AND c.status IN ('planned', 'generating') THEN 'under_way' END AS why
        FROM (SELECT DISTINCT id FROM unnest(p_ids) AS id) AS wanted LEFT JOIN conversations AS c ON c.id = wanted.id
    ), written AS (
        INSERT INTO review_logs (conversation_id, action, revision, bulk_id, status_before, status_after)
        SELECT conversation_id, CASE WHEN p_deleted THEN 'delete' ELSE 'restore' END, revision, p_bulk_id, status, status
        FROM judged WHERE why IS NULL ORDER BY id
    )
    SELECT array_agg(id) FILTER (WHERE why IS NULL), array_agg(why) INTO changed, reasons FROM judged;
    UPDATE conversations SET deleted_at = CASE WHEN p_deleted THEN clock_timestamp() END WHERE id = ANY(changed);
    done := coalesce(cardinality(changed), 0);
    skipped := counted_by_reason(reasons);
END
$$;

-- Whether a log row is an action that stands and that nobody has acted on since, by the rule of undo().
CREATE FUNCTION still_undoable(log review_logs) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT log.action IN ('approve', 'reject', 'reopen', 'flag', 'unflag', 'delete', 'restore')
        AND NOT EXISTS (SELECT FROM review_logs AS undone WHERE undone.undoes = log.id)
        AND NOT EXISTS (
            SELECT FROM review_logs AS later
            WHERE later.conversation_id = log.conversation_id AND later.id > log.id AND later.action <> 'undo'
              AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id))
$$;

-- Takes back up to p_limit actions of one's own bulk, those above the log row p_after, each with its log row. What was
-- taken back before does not count; what somebody acted on since is left alone. Returns how many were taken back, how
-- many were left by their reason, and the last log row that was looked at, NULL when there was none.
CREATE FUNCTION undo_bulk(
    p_bulk_id text, p_limit integer DEFAULT 1000, p_after bigint DEFAULT 0,
    OUT done integer, OUT skipped jsonb, OUT last_id bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    looked_at bigint[];
    reasons text[];
    undone record;
BEGIN
    PERFORM require_role('reviewer');
    PERFORM check_bulk(p_limit, p_bulk_id);
    SELECT array_agg(id), max(id) INTO looked_at, last_id
    FROM (SELECT id FROM review_logs AS log
          WHERE bulk_id = p_bulk_id AND id > p_after
            AND action IN ('approve', 'reject', 'reopen', 'flag', 'unflag', 'delete', 'restore')
            AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = log.id)
          ORDER BY id LIMIT p_limit) AS part;
    PERFORM lock_conversations(ARRAY(SELECT c.id FROM conversations AS c JOIN review_logs AS log USING (conversation_id)
                                     WHERE log.id = ANY(looked_at)));
    WITH judged AS MATERIALIZED (
        SELECT log.id, log.action, c.id AS conversation, log.conversation_id, c.revision, c.status, c.decision_id,
               CASE WHEN log.action IN ('approve', 'reject', 'reopen') THEN log.status_before ELSE c.status END AS target,
               CASE WHEN c.id IS NULL THEN 'missing' WHEN NOT still_undoable(log) THEN 'acted_since' END AS why
        FROM review_logs AS log LEFT JOIN conversations AS c USING (conversation_id)
        WHERE log.id = ANY(looked_at)
    ), written AS (
        INSERT INTO review_logs (conversation_id, action, revision, undoes, bulk_id, status_before, status_after,
                                 decision_before, content_sha256)
        SELECT j.conversation_id, 'undo', j.revision, j.id, p_bulk_id, j.status, j.target, j.decision_id, r.content_sha256
        FROM judged AS j LEFT JOIN conversation_revisions AS r USING (conversation_id, revision)
        WHERE j.why IS NULL ORDER BY j.id
        RETURNING id, undoes
    )
    SELECT array_agg(w.id) AS logs, array_agg(j.conversation) AS conversations, array_agg(j.action) AS actions,
           array_agg(j.target) AS targets, (SELECT array_agg(why) FROM judged) AS reasons
    INTO undone FROM written AS w JOIN judged AS j ON j.id = w.undoes;
    UPDATE conversations AS c
    SET status = back.target,
        decision_id = CASE WHEN back.target <> c.status THEN back.log ELSE c.decision_id END,
        flagged = CASE back.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE c.flagged END,
        deleted_at = CASE back.action WHEN 'delete' THEN NULL WHEN 'restore' THEN clock_timestamp() ELSE c.deleted_at END
    FROM unnest(undone.logs, undone.conversations, undone.actions, undone.targets) AS back(log, conversation, action, target)
    WHERE c.id = back.conversation;
    done := coalesce(cardinality(undone.logs), 0);
    skipped := counted_by_reason(undone.reasons);
END
$$;

REVOKE ALL ON FUNCTION check_bulk(integer, text), lock_conversations(bigint[]), counted_by_reason(text[]),
    still_undoable(review_logs), decide_many(bigint[], text, pg_snapshot, text, text, text),
    flag_many(bigint[], boolean, text), trash_many(bigint[], boolean, text), undo_bulk(text, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION still_undoable(review_logs)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION decide_many(bigint[], text, pg_snapshot, text, text, text), flag_many(bigint[], boolean, text),
    undo_bulk(text, integer, bigint) TO traintui_reviewer;
GRANT EXECUTE ON FUNCTION trash_many(bigint[], boolean, text) TO traintui_author;
