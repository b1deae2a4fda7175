-- Rows of the logs are sealed shortly after they are there, in one chain whose newest hash stands outside the database too.

-- The order of the logs -----------------------------------------------------------------------------------------------

-- Rows are sealed in the order of their transactions, and a workspace that moves to another server finds lower numbers of
-- transactions there. So the xid8 of a log is that of the server and an offset, which is 0 until the workspace moves.
-- workspace_id begins the chain of seals. Rows from begins_at on were written by this server, in the transaction that they
-- say; those below may be copies. A row of this table that another transaction wrote than written_by was copied, as all.
CREATE TABLE log_order (
    only_row BOOLEAN DEFAULT true NOT NULL,
    workspace_id UUID DEFAULT gen_random_uuid() NOT NULL,
    xid_offset BIGINT DEFAULT 0 NOT NULL,
    begins_at xid8 DEFAULT '0'::xid8 NOT NULL,
    server_started_at TIMESTAMP WITH TIME ZONE,
    written_by xid8,
    CONSTRAINT pk_log_order PRIMARY KEY (only_row),
    CONSTRAINT ck_log_order_only_row CHECK (only_row),
    CONSTRAINT ck_log_order_xid_offset CHECK (xid_offset >= 0)
);
INSERT INTO log_order DEFAULT VALUES;

CREATE TABLE audit_seals (
    number BIGINT NOT NULL,
    horizon xid8 NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    row_count INTEGER NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_audit_seals PRIMARY KEY (number),
    CONSTRAINT ck_audit_seals_number CHECK (number >= 1)
);

CREATE TABLE audit_seal_parts (
    number BIGINT NOT NULL,
    place INTEGER NOT NULL,
    log TEXT NOT NULL,
    week DATE,
    first_xid8 xid8 NOT NULL,
    first_id BIGINT NOT NULL,
    last_xid8 xid8 NOT NULL,
    last_id BIGINT NOT NULL,
    row_count INTEGER NOT NULL,
    root BYTEA NOT NULL,
    keys_sha256 BYTEA NOT NULL,
    CONSTRAINT pk_audit_seal_parts PRIMARY KEY (number, place),
    CONSTRAINT ck_audit_seal_parts_log CHECK (log IN ('review_logs', 'export_logs', 'generation_logs')),
    CONSTRAINT ck_audit_seal_parts_row_count CHECK (row_count >= 1)
);
CREATE INDEX ix_audit_seal_parts_log_week ON audit_seal_parts (log, week, number, place);

-- What the root of a part is made of, so that the row that differs can be named: for each row 16 bytes of its xid8 and id,
-- and the 32 of its hash. It does not shrink by compression.
CREATE TABLE audit_seal_leaves (
    number BIGINT NOT NULL,
    place INTEGER NOT NULL,
    keys BYTEA NOT NULL,
    row_hashes BYTEA NOT NULL,
    CONSTRAINT pk_audit_seal_leaves PRIMARY KEY (number, place)
);
ALTER TABLE audit_seal_leaves ALTER COLUMN keys SET STORAGE EXTERNAL, ALTER COLUMN row_hashes SET STORAGE EXTERNAL;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_seal_parts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_seal_leaves FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_seal_parts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_seal_leaves FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Looks, once after each start of the server and each copy, whether its transactions still come behind those of the logs,
-- and begins a new offset where they would not. Numbers of a server only grow, so while it runs there is nothing to look
-- at; who writes at the same moment waits.
CREATE FUNCTION begin_log_order() RETURNS log_order
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

-- The same for who comes in, in a short transaction of its own rather than in one that somebody waits for.
CREATE FUNCTION know_log_order() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM log_order WHERE server_started_at = pg_postmaster_start_time() AND xmin = written_by::xid) THEN
        PERFORM begin_log_order();
    END IF;
END
$$;

-- The number of this transaction in the logs.
CREATE FUNCTION log_xid8() RETURNS xid8
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    added bigint;
BEGIN
    SELECT xid_offset INTO added FROM log_order
    WHERE server_started_at = pg_postmaster_start_time()
      AND (xmin = written_by::xid OR written_by = pg_current_xact_id());  -- a part of a transaction has a number of its own
    IF NOT FOUND THEN
        added := (begin_log_order()).xid_offset;
    END IF;
    IF added = 0 THEN
        RETURN pg_current_xact_id();
    END IF;
    RETURN (pg_current_xact_id()::text::bigint + added)::text::xid8;
END
$$;

-- A snapshot of the server as one of the logs, to be compared with their xid8.
CREATE FUNCTION log_snapshot(p_snapshot pg_snapshot) RETURNS pg_snapshot
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN xid_offset = 0 THEN p_snapshot ELSE (
        (pg_snapshot_xmin(p_snapshot)::text::bigint + xid_offset) || ':'
        || (pg_snapshot_xmax(p_snapshot)::text::bigint + xid_offset) || ':'
        || coalesce((SELECT string_agg((running::text::bigint + xid_offset)::text, ',' ORDER BY running)
                     FROM pg_snapshot_xip(p_snapshot) AS running), ''))::pg_snapshot END
    FROM log_order
$$;

-- As before, with the number of the logs.

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
          AND log.xid8 = log_xid8() AND log.status_after = NEW.status;
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
                   AND log.action = 'purge' AND log.xid8 = (SELECT log_xid8())) THEN
        RAISE EXCEPTION '% can only be purged, with its log row', OLD.conversation_id USING ERRCODE = 'TT006';
    END IF;
    RETURN OLD;
END
$$;

CREATE OR REPLACE FUNCTION is_purged(p_conversation_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM review_logs WHERE conversation_id = p_conversation_id AND action = 'purge'
                   AND xid8 = (SELECT log_xid8()))
$$;

CREATE OR REPLACE FUNCTION stamp_review_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.reviewer_id := session_user;
    NEW.reviewer_role := session_role();
    NEW.timestamp := clock_timestamp();
    NEW.hash_version := 1;
    NEW.xid8 := log_xid8();
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
    NEW.xid8 := log_xid8();
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
    NEW.xid8 := log_xid8();
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
               WHERE c.id = ANY(taken) AND NOT pg_visible_in_snapshot(log.xid8, (SELECT log_snapshot(p_seen)))
                 AND log.xid8 < (SELECT pg_snapshot_xmax(log_snapshot(pg_current_snapshot()))));  -- a later one is of the server that a backup is from
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
          WHERE log.conversation_id = review.conversation_id AND NOT pg_visible_in_snapshot(log.xid8, (SELECT log_snapshot(p_seen)))
            AND log.xid8 < (SELECT pg_snapshot_xmax(log_snapshot(pg_current_snapshot())))))  -- a later one is of the server that a backup is from
$$;

-- Seals ---------------------------------------------------------------------------------------------------------------

-- The root of RFC 6962 (section 2.1) over row hashes in their order. Hashing pairs level by level and taking an odd one
-- along gives the same tree as splitting at the largest power of two.
CREATE FUNCTION merkle_root(p_hashes bytea[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    level bytea[] := ARRAY(SELECT sha256('\x00'::bytea || hash)
                           FROM unnest(p_hashes) WITH ORDINALITY AS list(hash, place) ORDER BY place);
BEGIN
    IF cardinality(level) = 0 THEN
        RETURN sha256('');
    END IF;
    WHILE cardinality(level) > 1 LOOP
        level := ARRAY(
            SELECT CASE WHEN beside IS NULL THEN hash ELSE sha256('\x01'::bytea || hash || beside) END
            FROM (SELECT place, hash, lead(hash) OVER (ORDER BY place) AS beside
                  FROM unnest(level) WITH ORDINALITY AS list(hash, place)) AS paired
            WHERE place % 2 = 1 ORDER BY place);
    END LOOP;
    RETURN level[1];
END
$$;

-- Seals finished rows of the three logs whose transactions, and all before them, have ended: about 20,000 at once,
-- `remaining` says whether there are more. Without p_all only where 1,000 wait, or some wait and the last seal is a minute
-- old, and not where somebody else is at it. Returns the newest seal, null where there is none yet, and how many rows this
-- call sealed. Anybody may: it shows nothing and changes nothing else.
CREATE FUNCTION seal_logs(
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

-- The rows that a second review hides from this session, by their keys and hashes: who may verify need not know what others
-- decided.
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

REVOKE ALL ON log_order, audit_seals, audit_seal_parts, audit_seal_leaves FROM PUBLIC;
GRANT SELECT ON log_order, audit_seals, audit_seal_parts, audit_seal_leaves
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION begin_log_order(), know_log_order(), log_xid8(), log_snapshot(pg_snapshot), merkle_root(bytea[]), seal_logs(boolean),
    hidden_review_rows() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION know_log_order(), log_snapshot(pg_snapshot), seal_logs(boolean)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION hidden_review_rows() TO traintui_auditor;
