-- Calls without their parts would look as if somebody had taken them, and the archive would keep what was to go.
DO $$
BEGIN
    IF EXISTS (SELECT FROM erasures) OR EXISTS (SELECT FROM archive_erasures) THEN
        RAISE EXCEPTION 'the log has calls from which something was erased, and the revision below knows no erasure'
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
        (SELECT xid8::text::bigint + 1 FROM retirements ORDER BY xid8 DESC LIMIT 1),
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
        (SELECT 1 FROM retirements WHERE xid8 >= since LIMIT 1000) UNION ALL
        (SELECT 1 FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since LIMIT 1000)) AS found;
    IF waiting = 0 OR NOT p_all AND waiting < 1000 AND last.made_at > clock_timestamp() - interval '60 seconds' THEN
        RETURN;
    END IF;
    until := pg_snapshot_xmin(log_snapshot(pg_current_snapshot()));
    -- The statements from here on see all that ended before that.
    SELECT xid8 INTO cut FROM (
        (SELECT xid8 FROM review_logs WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM export_logs WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM retirements WHERE xid8 >= since AND xid8 < until ORDER BY xid8 LIMIT step + 1) UNION ALL
        (SELECT xid8 FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < until
         ORDER BY xid8 LIMIT step + 1)) AS first
    ORDER BY xid8 OFFSET step LIMIT 1;
    IF cut IS NOT NULL THEN
        remaining := true;
        -- A transaction is sealed as a whole, whatever it wrote.
        until := CASE WHEN EXISTS (SELECT FROM review_logs WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM export_logs WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM retirements WHERE xid8 >= since AND xid8 < cut)
                        OR EXISTS (SELECT FROM generation_logs WHERE row_hash IS NOT NULL AND xid8 >= since AND xid8 < cut)
                      THEN cut ELSE (cut::text::bigint + 1)::text::xid8 END;
    END IF;
    FOR source IN
        SELECT 'review_logs' AS log, NULL::date AS week
        UNION ALL SELECT 'export_logs', NULL
        UNION ALL SELECT 'retirements', NULL
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

CREATE OR REPLACE FUNCTION guard_archive() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM retirements AS r WHERE r.week = OLD.week
                                        AND (r.log = 'generation_logs') = (OLD.log = 'generation_logs')) THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE'
        AND to_jsonb(NEW) - ARRAY['content', 'erased_sha256', 'payload_count', 'raw_bytes']
          = to_jsonb(OLD) - ARRAY['content', 'erased_sha256', 'payload_count', 'raw_bytes']
        AND NEW.erased_sha256 = sha256(NEW.content) AND NEW.payload_count < OLD.payload_count THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the archive only grows: what stands there alone is never changed or removed' USING ERRCODE = 'TT005';
END
$$;

CREATE OR REPLACE FUNCTION purge_many(p_ids bigint[], p_bulk_id text, OUT done integer, OUT skipped jsonb)
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

CREATE OR REPLACE FUNCTION take_back_import(p_import_id text, p_limit integer, p_erase boolean,
                                 OUT undone integer, OUT kept integer, OUT remaining integer)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    batch bigint[];
    free bigint[];
    gone bigint[];
    names text[];
    log review_logs;
    seen conversations;
    before conversation_revisions;
    written review_logs;
BEGIN
    batch := ARRAY(SELECT l.id FROM review_logs AS l JOIN bulk_actions AS b USING (bulk_id)
                   WHERE l.bulk_id = p_import_id AND l.id > b.undone_to AND NOT l.details ? 'carried'
                     AND l.action IN ('import', 'edit', 'metadata', 'restore')
                   ORDER BY l.id LIMIT p_limit);
    PERFORM FROM conversations AS c JOIN review_logs AS l USING (conversation_id)
    WHERE l.id = ANY(batch) ORDER BY c.id FOR UPDATE OF c;
    free := ARRAY(
        SELECT l.id FROM review_logs AS l JOIN conversations AS c USING (conversation_id)
        WHERE l.id = ANY(batch) AND NOT EXISTS (SELECT FROM review_logs AS earlier WHERE earlier.undoes = l.id)
          AND NOT EXISTS (
              SELECT FROM review_logs AS later
              WHERE later.conversation_id = l.conversation_id AND later.id > l.id
                AND later.bulk_id IS DISTINCT FROM p_import_id AND later.bulk_id IS DISTINCT FROM p_import_id || ':approve'
                AND later.action NOT IN ('undo', 'takeover')
                AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = later.id))
          AND NOT EXISTS (SELECT FROM generation_items AS asked
                          WHERE asked.conversation_id = c.id AND asked.state IN ('queued', 'running'))
        ORDER BY l.id);
    SELECT array_agg(c.id), array_agg(c.conversation_id) INTO gone, names
    FROM review_logs AS l JOIN conversations AS c USING (conversation_id) WHERE l.id = ANY(free) AND l.action = 'import';
    IF p_erase THEN
        INSERT INTO review_logs (conversation_id, action, revision, status_before, status_after, decision_before,
                                 content_sha256, details)
        SELECT c.conversation_id, 'purge', c.revision, c.status, c.status, c.decision_id, r.content_sha256,
               jsonb_build_object('import', p_import_id, 'revisions', (
                   SELECT coalesce(jsonb_object_agg(old.revision, encode(old.content_sha256, 'hex')), '{}')
                   FROM conversation_revisions AS old WHERE old.conversation_id = c.conversation_id))
        FROM conversations AS c JOIN conversation_revisions AS r USING (conversation_id, revision)
        WHERE c.id = ANY(gone) ORDER BY c.id;
        DELETE FROM judgements WHERE conversation_id = ANY(names);
        DELETE FROM conversation_revisions WHERE conversation_id = ANY(names);
        DELETE FROM conversations WHERE id = ANY(gone);
    ELSE
        INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after, decision_before,
                                 content_sha256, details)
        SELECT c.conversation_id, 'undo', c.revision, l.id, c.status, c.status, c.decision_id, r.content_sha256,
               jsonb_build_object('bulk_id', p_import_id)
        FROM review_logs AS l JOIN conversations AS c USING (conversation_id)
             JOIN conversation_revisions AS r ON r.conversation_id = c.conversation_id AND r.revision = c.revision
        WHERE l.id = ANY(free) AND l.action = 'import' ORDER BY l.id;
        UPDATE conversations SET deleted_at = clock_timestamp() WHERE id = ANY(gone) AND deleted_at IS NULL;
    END IF;
    FOR log IN SELECT * FROM review_logs AS l WHERE l.id = ANY(free) AND l.action <> 'import' ORDER BY l.id DESC LOOP
        SELECT * INTO seen FROM conversations WHERE conversation_id = log.conversation_id;
        IF log.action = 'edit' THEN
            SELECT * INTO STRICT before FROM conversation_revisions AS r
            WHERE r.conversation_id = log.conversation_id AND r.revision = (log.details->>'from_revision')::integer;
            PERFORM write_turns(seen, seen.revision + 1, before.system_prompt, before.turns, session_user::text, 'edited');
            INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after,
                                     decision_before, content_sha256, details)
            VALUES (log.conversation_id, 'undo', seen.revision + 1, log.id, seen.status, log.status_before,
                    seen.decision_id, before.content_sha256, jsonb_build_object('bulk_id', p_import_id))
            RETURNING * INTO written;
            UPDATE conversations
            SET status = log.status_before,
                decision_id = CASE WHEN log.status_before <> seen.status THEN written.id ELSE decision_id END
            WHERE id = seen.id;
            CONTINUE;
        END IF;
        INSERT INTO review_logs (conversation_id, action, revision, undoes, status_before, status_after, decision_before,
                                 details)
        VALUES (log.conversation_id, 'undo', seen.revision, log.id, seen.status, seen.status, seen.decision_id,
                jsonb_build_object('bulk_id', p_import_id));
        IF log.action = 'restore' THEN
            UPDATE conversations SET deleted_at = (log.details->>'deleted_at')::timestamptz WHERE id = seen.id;
        ELSE
            UPDATE conversations AS c
            SET metadata = log.details->'was'->'metadata', persona = log.details->'was'->>'persona',
                emotion = log.details->'was'->>'emotion', topic = log.details->'was'->>'topic',
                intent = log.details->'was'->>'intent', tone = log.details->'was'->>'tone',
                tier = log.details->'was'->>'tier'
            WHERE c.id = seen.id;
        END IF;
    END LOOP;
    undone := cardinality(free);
    kept := cardinality(batch) - undone;
    UPDATE bulk_actions AS b
    SET undone = b.undone + take_back_import.undone, kept = b.kept + take_back_import.kept,
        undone_to = coalesce((SELECT max(id) FROM unnest(batch) AS id), b.undone_to)
    WHERE b.bulk_id = p_import_id
    RETURNING b.done - b.undone - b.kept INTO remaining;
    IF remaining = 0 THEN
        -- What is left of the rows is of the history that was carried: there is nothing more to take back.
        UPDATE bulk_actions SET undone_to = coalesce(newest_log, undone_to) WHERE bulk_id = p_import_id;
    END IF;
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

ALTER TABLE audit_seal_parts DROP CONSTRAINT ck_audit_seal_parts_log, ADD CONSTRAINT ck_audit_seal_parts_log
    CHECK (log IN ('review_logs', 'export_logs', 'generation_logs', 'retirements'));
DROP FUNCTION archive_is_erased(bigint[]);
DROP FUNCTION erase_payload(bigint, timestamptz, text[], text, jsonb);
DROP FUNCTION is_erased(generation_logs, generation_logs);
DROP TRIGGER stamp ON erasures;
DROP FUNCTION stamp_erasure();
DROP FUNCTION erasure_digest(erasures);
DROP TABLE archive_erasures;
DROP TABLE erasures;
