-- A bulk says beforehand what it will leave out, is twice as fast, and approves no edge case; the trash can be emptied.

-- What 0027 asks of new rows holds for those that were there: looked at in a transaction that keeps nobody from writing.
ALTER TABLE templates VALIDATE CONSTRAINT ck_templates_kind;
ALTER TABLE batches VALIDATE CONSTRAINT ck_batches_kind, VALIDATE CONSTRAINT ck_batches_judge_is_named;
ALTER TABLE generation_items VALIDATE CONSTRAINT ck_generation_items_kind;

-- The same digests as before, in less time: a log of many rows is written with three of them each.
CREATE OR REPLACE FUNCTION digest_of(VARIADIC fields text[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    field text;
    parts text[] := '{}';
BEGIN
    FOREACH field IN ARRAY fields LOOP
        parts := parts || coalesce(octet_length(field) || ':' || field || ';', '-;');
    END LOOP;
    RETURN sha256(convert_to(array_to_string(parts, ''), 'UTF8'));
END
$$;

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

-- Purging -----------------------------------------------------------------------------------------------------------

-- Whether this very transaction purges a conversation, on record.
CREATE FUNCTION is_purged(p_conversation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM review_logs WHERE conversation_id = p_conversation_id AND action = 'purge'
                   AND xid8 = pg_current_xact_id_if_assigned())
$$;

-- What only grows, and is erased with the conversation that it is about.
CREATE FUNCTION refuse_change_unless_purged() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND is_purged(OLD.conversation_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% only grows: its rows are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'TT005';
END
$$;
DROP TRIGGER only_grows ON conversation_revisions;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON conversation_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change_unless_purged();
DROP TRIGGER only_grows ON judgements;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON judgements
    FOR EACH ROW EXECUTE FUNCTION refuse_change_unless_purged();

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

-- Erases conversations that are in the trash: text, revisions, opinions, and what was sent and answered to write them. What
-- stays are the rows of the logs, with digests of what is gone, and one more for each with those of its revisions. Whoever
-- repeats a call whose answer was lost purges nothing twice. Returns how many were purged, those of an earlier call of this
-- bulk among them, and why others were not: {"kept": 2 (not in the trash), "batch": 1 (still to be written), "gone": 3}.
CREATE FUNCTION purge_many(p_ids bigint[], p_bulk_id text, OUT done integer, OUT skipped jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint[] := bulk_ids(p_ids);
    before bigint[];
    busy bigint[];
    taken bigint[];
    names text[];
BEGIN
    PERFORM require_role('admin');
    IF p_bulk_id IS NULL OR char_length(p_bulk_id) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'a bulk has an id of 1 to 100 characters' USING ERRCODE = 'TT003';
    END IF;
    before := done_before(p_bulk_id, wanted);
    wanted := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(before));
    taken := ARRAY(SELECT id FROM conversations
                   WHERE id = ANY(wanted) AND deleted_at IS NOT NULL ORDER BY id FOR UPDATE);
    -- What is asked for locks its conversation: from here on there is no more of it.
    busy := ARRAY(SELECT conversation_id FROM generation_items
                  WHERE conversation_id = ANY(wanted) AND state IN ('queued', 'running'));
    taken := ARRAY(SELECT unnest(taken) EXCEPT SELECT unnest(busy));
    SELECT coalesce(jsonb_object_agg(why, number), '{}') INTO skipped FROM (
        SELECT CASE WHEN c.id IS NULL THEN 'gone' WHEN c.id = ANY(busy) THEN 'batch' ELSE 'kept' END AS why,
               count(*) AS number
        FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(taken)) AS rest(id) LEFT JOIN conversations AS c USING (id)
        GROUP BY 1) AS counted;
    names := ARRAY(SELECT conversation_id FROM conversations WHERE id = ANY(taken));
    INSERT INTO review_logs (conversation_id, action, revision, decision_key, bulk_id, status_before, status_after,
                             decision_before, content_sha256, details)
    SELECT c.conversation_id, 'purge', c.revision, p_bulk_id || ':' || c.id, p_bulk_id, c.status, c.status, c.decision_id,
           (SELECT content_sha256 FROM conversation_revisions AS r
            WHERE r.conversation_id = c.conversation_id AND r.revision = c.revision),
           jsonb_build_object('deleted_at', c.deleted_at, 'revisions', (
               SELECT coalesce(jsonb_object_agg(revision, encode(content_sha256, 'hex')), '{}')
               FROM conversation_revisions AS r WHERE r.conversation_id = c.conversation_id))
    FROM conversations AS c WHERE c.id = ANY(taken) ORDER BY c.id;
    UPDATE generation_logs SET request_payload = NULL, response_payload = NULL
    WHERE conversation_id = ANY(names) AND state <> 'sending'
      AND (request_payload IS NOT NULL OR response_payload IS NOT NULL);
    -- What was wrong with turns that were written anew is text about what was said.
    UPDATE plans SET definition = definition || '{"reason": null, "note": null}'
    WHERE id IN (SELECT batch.plan_id FROM generation_items AS item JOIN batches AS batch ON batch.id = item.batch_id
                 WHERE item.conversation_id = ANY(taken) AND item.kind = 'regenerate');
    DELETE FROM judgements WHERE conversation_id = ANY(names);
    DELETE FROM conversation_revisions WHERE conversation_id = ANY(names);
    DELETE FROM conversations WHERE id = ANY(taken);
    done := cardinality(before) + cardinality(taken);
END
$$;

-- Decisions on many ---------------------------------------------------------------------------------------------------

-- Decides many as the login behind the session, each with its row in the log. p_seen is the snapshot that the set was read
-- with: one that changed since was not seen as it stands, and is left alone. (A time would not do: what is committed late
-- carries an earlier one.) Nobody approves an edge case without having read it. Returns how many were decided, those of an
-- earlier call of this bulk among them, and why others were not: {"trash": 2, "no text": 1, "already": 20, "edge case": 3,
-- "reserved": 1 (somebody else has it open), "second review": 1 (gets several decisions), "changed": 4, "gone": 1}.
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

-- As before, but that somebody took a conversation over does not keep a bulk from being taken back.
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
              WHERE later.conversation_id = log.conversation_id AND later.id > log.id
                AND later.action NOT IN ('undo', 'takeover') AND NOT later.details ? 'blind'
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

REVOKE ALL ON FUNCTION is_purged(text), refuse_change_unless_purged(), purge_many(bigint[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decisions_asked(text) TO traintui_reviewer;
GRANT EXECUTE ON FUNCTION purge_many(bigint[], text) TO traintui_admin;
