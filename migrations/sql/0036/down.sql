-- The logs stay as they are, their rows in the numbers that they have.

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

CREATE OR REPLACE FUNCTION guard_purge() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM review_logs AS log WHERE log.conversation_id = OLD.conversation_id
                   AND log.action = 'purge' AND log.xid8 = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% can only be purged, with its log row', OLD.conversation_id USING ERRCODE = 'TT006';
    END IF;
    RETURN OLD;
END
$$;

CREATE OR REPLACE FUNCTION is_purged(p_conversation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM review_logs WHERE conversation_id = p_conversation_id AND action = 'purge'
                   AND xid8 = pg_current_xact_id_if_assigned())
$$;

CREATE OR REPLACE FUNCTION stamp_review_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.reviewer_id := session_user;
    NEW.reviewer_role := session_role();
    NEW.timestamp := clock_timestamp();
    NEW.hash_version := 1;
    NEW.xid8 := pg_current_xact_id();
    NEW.row_hash := review_log_digest(NEW);
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION stamp_export_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.user_id := session_user;
    NEW.exported_at := clock_timestamp();
    NEW.hash_version := 1;
    NEW.xid8 := pg_current_xact_id();
    NEW.row_hash := export_log_digest(NEW);
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION stamp_generation_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.sent_by := session_user;
        NEW.request_sha256 := coalesce(json_digest(NEW.request_payload), NEW.request_sha256);
    ELSIF OLD.state <> 'sending' AND is_purged(OLD.conversation_id)
        AND to_jsonb(NEW) - 'request_payload' - 'response_payload' = to_jsonb(OLD) - 'request_payload' - 'response_payload'
        AND NEW.request_payload IS NULL AND NEW.response_payload IS NULL
    THEN
        -- What was said is erased; its digests stand, and with them the hash of the row.
        RETURN NEW;
    ELSIF OLD.state <> 'sending' OR NEW.state = 'sending'
        OR (NEW.id, NEW.created_at, NEW.conversation_id, NEW.run_id, NEW.item_id, NEW.fence, NEW.attempt, NEW.template_id,
            NEW.template_version, NEW.worker_id, NEW.kind, NEW.requested_by, NEW.sent_by, NEW.endpoint, NEW.is_rehearsal,
            NEW.model, NEW.parameters, NEW.late_reply_to, NEW.request_payload, NEW.request_sha256)
           IS DISTINCT FROM
           (OLD.id, OLD.created_at, OLD.conversation_id, OLD.run_id, OLD.item_id, OLD.fence, OLD.attempt, OLD.template_id,
            OLD.template_version, OLD.worker_id, OLD.kind, OLD.requested_by, OLD.sent_by, OLD.endpoint, OLD.is_rehearsal,
            OLD.model, OLD.parameters, OLD.late_reply_to, OLD.request_payload, OLD.request_sha256)
    THEN
        RAISE EXCEPTION 'generation_logs only grows: what was sent stands, and a finished call is never changed'
            USING ERRCODE = 'TT005';
    END IF;
    NEW.hash_version := 1;
    NEW.xid8 := pg_current_xact_id();
    NEW.row_hash := NULL;
    IF NEW.state <> 'sending' THEN
        NEW.finished_at := clock_timestamp();
        NEW.response_sha256 := json_digest(NEW.response_payload);
        NEW.row_hash := generation_log_digest(NEW);
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION decide_many(
    p_ids bigint[], p_action text, p_seen pg_snapshot, p_bulk_id text, p_reason text DEFAULT NULL,
    p_notes text DEFAULT NULL, OUT done integer, OUT skipped jsonb
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target text := CASE p_action WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN 'reopen' THEN 'generated' END;
    wanted bigint[];
    held bigint[];
    several bigint[];
    taken bigint[];
    logs bigint[];
BEGIN
    PERFORM require_role('reviewer');
    IF target IS NULL THEN
        RAISE EXCEPTION '"%" is not a decision', p_action USING ERRCODE = 'TT003', HINT = 'approve, reject or reopen';
    END IF;
    IF p_seen IS NULL THEN
        RAISE EXCEPTION 'a decision on many names the snapshot that they were read with' USING ERRCODE = 'TT003';
    END IF;
    PERFORM check_remarks(p_reason, p_notes, NULL, NULL);
    wanted := bulk_ids(p_ids);
    PERFORM begin_bulk(p_bulk_id, p_action);
    taken := done_before(p_bulk_id, wanted);
    done := cardinality(taken);
    wanted := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(taken));
    held := ARRAY(SELECT conversation_id FROM reservations WHERE conversation_id = ANY(wanted)
                  AND reviewer_id <> session_user AND lease_until > clock_timestamp());
    several := ARRAY(SELECT c.id FROM conversations AS c
                     WHERE c.id = ANY(wanted) AND c.status = 'generated' AND target <> 'generated'
                       AND (EXISTS (SELECT FROM second_reviews AS review WHERE review.conversation_id = c.conversation_id
                                    AND review.revision = c.revision AND review.state IN ('open', 'disputed'))
                            OR EXISTS (SELECT FROM workspace_settings
                                       WHERE key = 'second_review' AND jsonb_typeof(value) = 'object')
                               AND decisions_asked(c.conversation_id) IS NOT NULL));
    -- Nobody waits for a row that is skipped. What is read in a statement after this stands still.
    taken := ARRAY(SELECT id FROM conversations
                   WHERE id = ANY(wanted) AND deleted_at IS NULL AND status IN ('generated', 'approved', 'rejected')
                     AND status <> target AND id <> ALL(held || several)
                     AND NOT (p_action = 'approve' AND tier IS NOT DISTINCT FROM 'edge_case')
                   ORDER BY id FOR NO KEY UPDATE);
    -- The feed knows every change of a day, the log every action for good.
    taken := ARRAY(
        SELECT unnest(taken)
        EXCEPT SELECT conversation_id FROM conversation_changes
               WHERE xid8 >= pg_snapshot_xmin(p_seen) AND NOT pg_visible_in_snapshot(xid8, p_seen)
        EXCEPT SELECT c.id FROM conversations AS c JOIN review_logs AS log USING (conversation_id)
               WHERE c.id = ANY(taken) AND NOT pg_visible_in_snapshot(log.xid8, p_seen)
                 AND log.xid8 < pg_snapshot_xmax(pg_current_snapshot()));  -- a later one is of the server that a backup is from
    SELECT coalesce(jsonb_object_agg(why, number), '{}') INTO skipped FROM (
        SELECT CASE WHEN c.id IS NULL THEN 'gone' WHEN c.deleted_at IS NOT NULL THEN 'trash'
                    WHEN c.status NOT IN ('generated', 'approved', 'rejected') THEN 'no text'
                    WHEN c.status = target THEN 'already'
                    WHEN p_action = 'approve' AND c.tier = 'edge_case' THEN 'edge case'
                    WHEN c.id = ANY(held) THEN 'reserved' WHEN c.id = ANY(several) THEN 'second review' ELSE 'changed' END AS why, count(*) AS number
        FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(taken)) AS rest(id) LEFT JOIN conversations AS c USING (id)
        GROUP BY 1) AS counted;
    logs := log_bulk(p_bulk_id, p_action, taken, target, p_reason, p_notes);
    UPDATE conversations AS c SET status = target, decision_id = log.id
    FROM review_logs AS log WHERE log.id = ANY(logs) AND c.conversation_id = log.conversation_id;
    done := done + cardinality(taken);
END
$$;

CREATE OR REPLACE FUNCTION waiting_second_reviews(p_seen pg_snapshot DEFAULT NULL) RETURNS TABLE (
    id bigint, state text, needed integer, decided bigint, approving bigint
)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.id, review.state, review.decisions, there.decided, there.approving
    FROM second_reviews AS review
        JOIN conversations AS c
            ON c.conversation_id = review.conversation_id AND c.revision = review.revision
            AND c.status = 'generated' AND c.deleted_at IS NULL
        CROSS JOIN LATERAL (
            SELECT count(*) AS decided, count(*) FILTER (WHERE action = 'approve') AS approving
            FROM open_decisions(review.conversation_id, review.revision)) AS there
    WHERE review.state IN ('open', 'disputed') AND there.decided > 0
      AND (p_seen IS NULL OR NOT EXISTS (
          SELECT FROM review_logs AS log
          WHERE log.conversation_id = review.conversation_id AND NOT pg_visible_in_snapshot(log.xid8, p_seen)
            AND log.xid8 < pg_snapshot_xmax(pg_current_snapshot())))  -- a later one is of the server that a backup is from
$$;

DROP FUNCTION hidden_review_rows();
DROP FUNCTION seal_logs(boolean);
DROP FUNCTION merkle_root(bytea[]);
DROP FUNCTION log_snapshot(pg_snapshot);
DROP FUNCTION log_xid8();
DROP FUNCTION know_log_order();
DROP FUNCTION begin_log_order();
DROP TABLE audit_seal_leaves;
DROP TABLE audit_seal_parts;
DROP TABLE audit_seals;
DROP TABLE log_order;
DROP INDEX ix_generation_logs_xid8;
DROP INDEX ix_export_logs_xid8;
DROP INDEX ix_review_logs_xid8;
