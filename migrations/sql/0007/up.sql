-- One action on many conversations. It is made in transactions of up to 1,000, each row with its own row in the log, and
-- taken back as one. Whoever repeats a call whose answer was lost does nothing twice.

-- What was done as one, by whom: of use to find one's own last one, and how far it is taken back. What was done to each
-- conversation stands in the log, whose rows have its bulk_id.
CREATE TABLE bulk_actions (
    bulk_id text CONSTRAINT pk_bulk_actions PRIMARY KEY
        CONSTRAINT ck_bulk_actions_bulk_id CHECK (char_length(bulk_id) BETWEEN 1 AND 100),
    user_id text DEFAULT session_user NOT NULL,
    action text NOT NULL,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    undone integer DEFAULT 0 NOT NULL,
    kept integer DEFAULT 0 NOT NULL,
    newest_log bigint,
    undone_to bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ck_bulk_actions_action
        CHECK (action IN ('approve', 'reject', 'reopen', 'flag', 'unflag', 'delete', 'restore'))
);
CREATE INDEX ix_bulk_actions_user_id_newest_log ON bulk_actions (user_id, newest_log) WHERE undone_to < newest_log;

-- The rows of a bulk in their order, however many they are.
DROP INDEX ix_review_logs_bulk_id;
CREATE INDEX ix_review_logs_bulk_id_id ON review_logs (bulk_id, id) WHERE bulk_id IS NOT NULL;
-- One's own last action that is none of bulk_actions, also behind a million rows of an import, a bulk or its undo. An
-- edit of metadata says what was before; what a merge of values moved does not, and is not taken back.
CREATE INDEX ix_review_logs_single ON review_logs (reviewer_id, id)
    WHERE (bulk_id IS NULL OR action = 'metadata' AND details ? 'before') AND action NOT IN ('import', 'undo');

-- The ids of a call, each once, in the order in which every bulk takes its locks.
CREATE FUNCTION bulk_ids(p_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF cardinality(p_ids) > 1000 THEN
        RAISE EXCEPTION 'at most 1,000 conversations at once, not %', cardinality(p_ids) USING ERRCODE = 'TT003';
    END IF;
    RETURN ARRAY(SELECT DISTINCT id FROM unnest(p_ids) AS id WHERE id IS NOT NULL ORDER BY id);
END
$$;

-- Begins a bulk, or goes on with it: two calls of one bulk, or one and its undo, wait here for each other.
CREATE FUNCTION begin_bulk(p_bulk_id text, p_action text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    bulk bulk_actions;
BEGIN
    IF p_bulk_id IS NULL OR char_length(p_bulk_id) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION 'a bulk has an id of 1 to 100 characters' USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO bulk_actions (bulk_id, action) VALUES (p_bulk_id, p_action) ON CONFLICT (bulk_id) DO NOTHING;
    SELECT * INTO bulk FROM bulk_actions WHERE bulk_id = p_bulk_id FOR NO KEY UPDATE;
    IF (bulk.user_id, bulk.action) IS DISTINCT FROM (session_user::text, p_action) THEN
        RAISE EXCEPTION 'this bulk is something else' USING ERRCODE = 'TT010';
    END IF;
    IF bulk.undone_to > 0 THEN
        RAISE EXCEPTION 'this bulk has been taken back' USING ERRCODE = 'TT003';
    END IF;
END
$$;

-- Those of a call that an earlier one of the same bulk has done.
CREATE FUNCTION done_before(p_bulk_id text, p_ids bigint[]) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ARRAY(SELECT given.id FROM unnest(p_ids) AS given(id)
                 JOIN review_logs AS log ON log.decision_key = p_bulk_id || ':' || given.id AND log.bulk_id = p_bulk_id)
$$;

-- Writes the log rows of conversations that the caller has locked. Returns their ids. p_status is what the action leads
-- to, null where the status stays.
CREATE FUNCTION log_bulk(p_bulk_id text, p_action text, p_ids bigint[], p_status text DEFAULT NULL,
                         p_reason text DEFAULT NULL, p_notes text DEFAULT NULL) RETURNS bigint[]
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    written bigint[];
BEGIN
    WITH entry AS (
        INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, decision_key, bulk_id,
                                 status_before, status_after, decision_before, content_sha256, details)
        SELECT c.conversation_id, p_action, nullif(p_notes, ''), c.revision, nullif(p_reason, ''),
               p_bulk_id || ':' || c.id, p_bulk_id, c.status, coalesce(p_status, c.status),
               CASE WHEN p_status IS NOT NULL THEN c.decision_id END, r.content_sha256,
               CASE WHEN p_action = 'restore' THEN jsonb_build_object('deleted_at', c.deleted_at) ELSE '{}' END
        FROM conversations AS c LEFT JOIN conversation_revisions AS r USING (conversation_id, revision)
        WHERE c.id = ANY(p_ids) ORDER BY c.id
        RETURNING id
    )
    SELECT array_agg(id) INTO written FROM entry;
    UPDATE bulk_actions SET done = done + cardinality(written), newest_log = (SELECT max(id) FROM unnest(written) AS id)
    WHERE bulk_id = p_bulk_id AND written IS NOT NULL;
    RETURN written;
END
$$;

-- Decides many as the login behind the session, each with its row in the log. p_seen is the snapshot that the set was read
-- with: one that changed since was not seen as it stands, and is left alone. (A time would not do: what is committed late
-- carries an earlier one.) Returns how many were decided, those of an earlier call of this bulk among them, and why others
-- were not: {"trash": 2, "no text": 1, "already": 20, "changed": 4, "gone": 1}.
CREATE FUNCTION decide_many(
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

-- Flags many, or unflags them. Returns as decide_many does; skipped are 'trash', 'already' and 'gone'.
CREATE FUNCTION flag_many(p_ids bigint[], p_flagged boolean, p_bulk_id text, OUT done integer, OUT skipped jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint[] := bulk_ids(p_ids);
    action text := CASE WHEN p_flagged THEN 'flag' ELSE 'unflag' END;
    taken bigint[];
BEGIN
    PERFORM require_role('reviewer');
    PERFORM begin_bulk(p_bulk_id, action);
    taken := done_before(p_bulk_id, wanted);
    done := cardinality(taken);
    wanted := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(taken));
    taken := ARRAY(SELECT id FROM conversations
                   WHERE id = ANY(wanted) AND deleted_at IS NULL AND flagged <> p_flagged
                   ORDER BY id FOR NO KEY UPDATE);
    SELECT coalesce(jsonb_object_agg(why, number), '{}') INTO skipped FROM (
        SELECT CASE WHEN c.id IS NULL THEN 'gone' WHEN c.deleted_at IS NOT NULL THEN 'trash' ELSE 'already' END AS why,
               count(*) AS number
        FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(taken)) AS rest(id) LEFT JOIN conversations AS c USING (id)
        GROUP BY 1) AS counted;
    PERFORM log_bulk(p_bulk_id, action, taken);
    UPDATE conversations SET flagged = p_flagged WHERE id = ANY(taken);
    done := done + cardinality(taken);
END
$$;

-- Moves many to the trash, or back. Returns as decide_many does; skipped are 'batch' (still to be written by a batch),
-- 'already' and 'gone'.
CREATE FUNCTION trash_many(p_ids bigint[], p_deleted boolean, p_bulk_id text, OUT done integer, OUT skipped jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint[] := bulk_ids(p_ids);
    action text := CASE WHEN p_deleted THEN 'delete' ELSE 'restore' END;
    busy bigint[];
    taken bigint[];
BEGIN
    PERFORM require_role('author');
    PERFORM begin_bulk(p_bulk_id, action);
    taken := done_before(p_bulk_id, wanted);
    done := cardinality(taken);
    wanted := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(taken));
    busy := ARRAY(SELECT conversation_id FROM generation_items
                  WHERE conversation_id = ANY(wanted) AND state IN ('queued', 'running') AND p_deleted);
    taken := ARRAY(SELECT id FROM conversations
                   WHERE id = ANY(wanted) AND id <> ALL(busy) AND (deleted_at IS NOT NULL) <> p_deleted
                   ORDER BY id FOR NO KEY UPDATE);
    SELECT coalesce(jsonb_object_agg(why, number), '{}') INTO skipped FROM (
        SELECT CASE WHEN c.id IS NULL THEN 'gone' WHEN c.id = ANY(busy) THEN 'batch' ELSE 'already' END AS why,
               count(*) AS number
        FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(taken)) AS rest(id) LEFT JOIN conversations AS c USING (id)
        GROUP BY 1) AS counted;
    PERFORM log_bulk(p_bulk_id, action, taken);
    UPDATE conversations SET deleted_at = CASE WHEN p_deleted THEN clock_timestamp() END WHERE id = ANY(taken);
    done := done + cardinality(taken);
END
$$;

-- Takes back up to p_limit rows of one's own bulk, in their order; one that somebody acted on since is kept as it is.
-- Returns how many were taken back, how many were kept, and how many are left for the next call.
CREATE FUNCTION undo_bulk(p_bulk_id text, p_limit integer, OUT undone integer, OUT kept integer, OUT remaining integer)
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

GRANT SELECT ON bulk_actions TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION bulk_ids(bigint[]), begin_bulk(text, text), done_before(text, bigint[]),
    log_bulk(text, text, bigint[], text, text, text), decide_many(bigint[], text, pg_snapshot, text, text, text),
    flag_many(bigint[], boolean, text), trash_many(bigint[], boolean, text), undo_bulk(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION decide_many(bigint[], text, pg_snapshot, text, text, text), flag_many(bigint[], boolean, text),
    undo_bulk(text, integer) TO traintui_reviewer;
GRANT EXECUTE ON FUNCTION trash_many(bigint[], boolean, text) TO traintui_author;
