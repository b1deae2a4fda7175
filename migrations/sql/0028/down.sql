DROP FUNCTION purge_many(bigint[], text);
REVOKE EXECUTE ON FUNCTION decisions_asked(text) FROM traintui_reviewer;
DROP TRIGGER only_grows ON conversation_revisions;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON conversation_revisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP TRIGGER only_grows ON judgements;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON judgements FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION refuse_change_unless_purged();

CREATE OR REPLACE FUNCTION stamp_generation_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.sent_by := session_user;
        NEW.request_sha256 := coalesce(json_digest(NEW.request_payload), NEW.request_sha256);
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

DROP FUNCTION is_purged(text);

CREATE OR REPLACE FUNCTION undo_bulk(p_bulk_id text, p_limit integer, OUT undone integer, OUT kept integer, OUT remaining integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bulk bulk_actions;
    batch bigint[];
    written bigint[];
BEGIN
    PERFORM require_role('reviewer');
    IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'from 1 to 1,000 rows at once, not %', p_limit USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO bulk FROM bulk_actions WHERE bulk_id = p_bulk_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no bulk %', p_bulk_id USING ERRCODE = 'TT007';
    END IF;
    IF bulk.user_id <> session_user THEN
        RAISE EXCEPTION 'this bulk is by %', bulk.user_id USING ERRCODE = 'TT004';
    END IF;
    IF bulk.action IN ('delete', 'restore') THEN
        PERFORM require_role('author');
    END IF;
    batch := ARRAY(SELECT id FROM review_logs WHERE bulk_id = p_bulk_id AND id > bulk.undone_to ORDER BY id LIMIT p_limit);
    PERFORM FROM conversations AS c JOIN review_logs AS log USING (conversation_id)
    WHERE log.id = ANY(batch) ORDER BY c.id FOR NO KEY UPDATE OF c;
    WITH entry AS (
        INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after, decision_before,
                                 content_sha256, details)
        SELECT log.conversation_id, 'undo', c.revision, log.id, c.status,
               CASE WHEN bulk.action IN ('approve', 'reject', 'reopen') THEN log.status_before ELSE c.status END,
               c.decision_id, r.content_sha256, jsonb_build_object('bulk_id', p_bulk_id)
        FROM review_logs AS log JOIN conversations AS c USING (conversation_id)
             LEFT JOIN conversation_revisions AS r
                 ON r.conversation_id = c.conversation_id AND r.revision = c.revision
        WHERE log.id = ANY(batch)
          AND NOT EXISTS (SELECT FROM review_logs AS earlier WHERE earlier.undoes = log.id)
          AND NOT EXISTS (
              SELECT FROM review_logs AS later
              WHERE later.conversation_id = log.conversation_id AND later.id > log.id AND later.action <> 'undo'
                AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id))
        ORDER BY c.id
        RETURNING id
    )
    SELECT coalesce(array_agg(id), '{}') INTO written FROM entry;
    UPDATE conversations AS c
    SET status = entry.status_after,
        decision_id = CASE WHEN entry.status_after <> c.status THEN entry.id ELSE c.decision_id END,
        flagged = CASE bulk.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE c.flagged END,
        deleted_at = CASE bulk.action WHEN 'delete' THEN NULL
                                      WHEN 'restore' THEN (log.details->>'deleted_at')::timestamptz ELSE c.deleted_at END
    FROM review_logs AS entry JOIN review_logs AS log ON log.id = entry.undoes
    WHERE entry.id = ANY(written) AND c.conversation_id = entry.conversation_id;
    undone := cardinality(written);
    kept := cardinality(batch) - undone;
    UPDATE bulk_actions AS b
    SET undone = b.undone + undo_bulk.undone, kept = b.kept + undo_bulk.kept,
        undone_to = coalesce((SELECT max(id) FROM unnest(batch) AS id), b.undone_to)
    WHERE b.bulk_id = p_bulk_id
    RETURNING b.done - b.undone - b.kept INTO remaining;
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
    -- Nobody waits for a row that is skipped. What is read in a statement after this stands still.
    taken := ARRAY(SELECT id FROM conversations
                   WHERE id = ANY(wanted) AND deleted_at IS NULL AND status IN ('generated', 'approved', 'rejected')
                     AND status <> target
                   ORDER BY id FOR NO KEY UPDATE);
    -- The feed knows every change of a day, the log every action for good.
    taken := ARRAY(
        SELECT unnest(taken)
        EXCEPT SELECT conversation_id FROM conversation_changes
               WHERE xid8 >= pg_snapshot_xmin(p_seen) AND NOT pg_visible_in_snapshot(xid8, p_seen)
        EXCEPT SELECT c.id FROM conversations AS c JOIN review_logs AS log USING (conversation_id)
               WHERE c.id = ANY(taken) AND NOT pg_visible_in_snapshot(log.xid8, p_seen));
    SELECT coalesce(jsonb_object_agg(why, number), '{}') INTO skipped FROM (
        SELECT CASE WHEN c.id IS NULL THEN 'gone' WHEN c.deleted_at IS NOT NULL THEN 'trash'
                    WHEN c.status NOT IN ('generated', 'approved', 'rejected') THEN 'no text'
                    WHEN c.status = target THEN 'already' ELSE 'changed' END AS why, count(*) AS number
        FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(taken)) AS rest(id) LEFT JOIN conversations AS c USING (id)
        GROUP BY 1) AS counted;
    logs := log_bulk(p_bulk_id, p_action, taken, target, p_reason, p_notes);
    UPDATE conversations AS c SET status = target, decision_id = log.id
    FROM review_logs AS log WHERE log.id = ANY(logs) AND c.conversation_id = log.conversation_id;
    done := done + cardinality(taken);
END
$$;

CREATE OR REPLACE FUNCTION digest_of(VARIADIC fields text[]) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(convert_to(string_agg(
        CASE WHEN field IS NULL THEN '-;' ELSE octet_length(field) || ':' || field || ';' END, '' ORDER BY place
    ), 'UTF8'))
    FROM unnest(fields) WITH ORDINALITY AS list(field, place)
$$;

CREATE OR REPLACE FUNCTION review_log_digest(log review_logs) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of('review_logs', log.hash_version::text, log.id::text, log.conversation_id, log.action,
        log.reviewer_id, log.reviewer_role, encode(digest_of(log.reviewer_notes), 'hex'), micros(log.timestamp),
        log.revision::text, log.reason, log.turn_number::text, log.undoes::text, log.decision_key, log.duration_ms::text,
        log.status_before, log.status_after, log.decision_before::text, log.bulk_id, encode(log.content_sha256, 'hex'),
        encode(json_digest(log.details), 'hex'), log.xid8::text)
$$;
