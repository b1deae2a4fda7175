-- What the record says of itself is held against what stands there: digests of what was erased, sums of what was removed; and
-- each look at it is on record.

-- Erasing ---------------------------------------------------------------------------------------------------------------

-- An erasure has the hash of its call's row as it stood, so that who changed the row with it is found; null for calls in the
-- archive, whose hashes the seals have. A row that has it has a hash of version 2.
ALTER TABLE erasures ADD COLUMN call_row_hash BYTEA;

CREATE OR REPLACE FUNCTION erasure_digest(e erasures) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of(VARIADIC ARRAY['erasures', e.hash_version::text, e.id::text, e.log, e.row_id::text,
        micros(e.row_created_at), encode(e.request_sha256, 'hex'), encode(e.response_sha256, 'hex'),
        encode(e.error_sha256, 'hex'), encode(digest_of(e.reason), 'hex'), e.erased_by, micros(e.erased_at)]
        || CASE WHEN e.hash_version >= 2 THEN ARRAY[encode(e.call_row_hash, 'hex')] ELSE '{}' END || ARRAY[e.xid8::text])
$$;
CREATE OR REPLACE FUNCTION stamp_erasure() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.erased_by := session_user;
    NEW.erased_at := clock_timestamp();
    NEW.hash_version := CASE WHEN NEW.call_row_hash IS NULL THEN 1 ELSE 2 END;
    NEW.xid8 := log_xid8();
    NEW.row_hash := erasure_digest(NEW);
    RETURN NEW;
END
$$;

-- As before. Of a call in the archive the digests are the client's word, which who takes the parts out of their frame, and a
-- look at the record, hold against the row.
CREATE OR REPLACE FUNCTION erase_payload(p_id bigint, p_created_at timestamptz, p_parts text[], p_reason text,
                              p_archived jsonb DEFAULT NULL) RETURNS erasures
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    call generation_logs;
    done erasures;
    monday date := date_trunc('week', p_created_at AT TIME ZONE 'UTC')::date;
BEGIN
    PERFORM require_role('admin');
    IF coalesce(btrim(p_reason), '') = '' OR char_length(p_reason) > 500 THEN
        RAISE EXCEPTION 'an erasure has a reason of 1 to 500 characters' USING ERRCODE = 'TT003';
    END IF;
    IF coalesce(cardinality(p_parts), 0) = 0 OR NOT p_parts <@ ARRAY['request', 'response', 'error'] THEN
        RAISE EXCEPTION 'the parts of a call are request, response and error' USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO call FROM generation_logs WHERE id = p_id AND created_at = p_created_at FOR UPDATE;
    IF FOUND THEN
        IF call.state = 'sending' THEN
            RAISE EXCEPTION 'call % has not ended', p_id USING ERRCODE = 'TT003';
        END IF;
        done.request_sha256 := CASE WHEN 'request' = ANY(p_parts) AND call.request_payload IS NOT NULL
                                    THEN call.request_sha256 END;
        done.response_sha256 := CASE WHEN 'response' = ANY(p_parts) AND call.response_payload IS NOT NULL
                                     THEN call.response_sha256 END;
        done.error_sha256 := CASE WHEN 'error' = ANY(p_parts) AND call.error_message IS NOT NULL
                                  THEN digest_of(call.error_message) END;
        done.call_row_hash := call.row_hash;
    ELSIF EXISTS (SELECT FROM archive_frames AS f JOIN retirements AS r ON r.log = f.log AND r.week = f.week
                  WHERE f.log = 'generation_logs' AND f.week = monday AND p_created_at BETWEEN f.first_at AND f.last_at) THEN
        IF p_archived IS NULL THEN
            RAISE EXCEPTION 'call % went into the archive meanwhile', p_id USING ERRCODE = 'TT003';
        END IF;
        IF EXISTS (SELECT FROM jsonb_each_text(p_archived) WHERE value !~ '^[0-9a-f]{64}$') THEN
            RAISE EXCEPTION 'a digest has 64 hexadecimal digits' USING ERRCODE = 'TT003';
        END IF;
        done.request_sha256 := CASE WHEN 'request' = ANY(p_parts) THEN decode(p_archived->>'request', 'hex') END;
        done.response_sha256 := CASE WHEN 'response' = ANY(p_parts) THEN decode(p_archived->>'response', 'hex') END;
        done.error_sha256 := CASE WHEN 'error' = ANY(p_parts) THEN decode(p_archived->>'error', 'hex') END;
        -- What is on record with this digest already is not erased twice; one with another digest keeps nothing from being erased.
        SELECT CASE WHEN bool_or(e.request_sha256 = done.request_sha256) THEN NULL ELSE done.request_sha256 END,
               CASE WHEN bool_or(e.response_sha256 = done.response_sha256) THEN NULL ELSE done.response_sha256 END,
               CASE WHEN bool_or(e.error_sha256 = done.error_sha256) THEN NULL ELSE done.error_sha256 END
        INTO done.request_sha256, done.response_sha256, done.error_sha256
        FROM erasures AS e WHERE e.row_id = p_id AND e.row_created_at = p_created_at;
    ELSE
        RAISE EXCEPTION 'there is no call %', p_id USING ERRCODE = 'TT002';
    END IF;
    IF num_nonnulls(done.request_sha256, done.response_sha256, done.error_sha256) = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO erasures (log, row_id, row_created_at, request_sha256, response_sha256, error_sha256, call_row_hash, reason)
    VALUES ('generation_logs', p_id, p_created_at, done.request_sha256, done.response_sha256, done.error_sha256,
            done.call_row_hash, btrim(p_reason))
    RETURNING * INTO done;
    UPDATE generation_logs
    SET request_payload = CASE WHEN done.request_sha256 IS NULL THEN request_payload END,
        response_payload = CASE WHEN done.response_sha256 IS NULL THEN response_payload END,
        error_message = CASE WHEN done.error_sha256 IS NULL THEN error_message END
    WHERE id = p_id AND created_at = p_created_at;
    -- A copy of its week may be under way too.
    INSERT INTO archive_erasures (erasure_id)
    SELECT done.id WHERE EXISTS (SELECT FROM archive_frames AS f WHERE f.log = 'generation_logs' AND f.week = monday
                                 AND p_created_at BETWEEN f.first_at AND f.last_at);
    RETURN done;
END
$$;

-- Erases what was said in all finished calls of conversations that are purged: what was sent, what came back, and the text of an
-- error, which may have words of both. The hash of a row covers that text by its digest, so an erasure keeps it.
CREATE FUNCTION erase_calls_of(p_names text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    failed bigint[];
BEGIN
    failed := ARRAY(SELECT id FROM generation_logs WHERE conversation_id = ANY(p_names) AND state <> 'sending'
                    AND error_message IS NOT NULL FOR UPDATE);
    INSERT INTO erasures (log, row_id, row_created_at, request_sha256, response_sha256, error_sha256, call_row_hash, reason)
    SELECT 'generation_logs', id, created_at, CASE WHEN request_payload IS NOT NULL THEN request_sha256 END,
           CASE WHEN response_payload IS NOT NULL THEN response_sha256 END, digest_of(error_message), row_hash,
           'Its conversation was purged.'
    FROM generation_logs WHERE conversation_id = ANY(p_names) AND id = ANY(failed) ORDER BY id;
    UPDATE generation_logs SET request_payload = NULL, response_payload = NULL, error_message = NULL
    WHERE conversation_id = ANY(p_names) AND state <> 'sending'
      AND (id = ANY(failed) OR error_message IS NULL AND num_nonnulls(request_payload, response_payload) > 0);
    -- After that: a week may have gone to the archive until then.
    INSERT INTO archive_erasures (conversation_id)
    SELECT name FROM unnest(p_names) AS name
    WHERE EXISTS (SELECT FROM archive_frames AS f WHERE f.log = 'generation_logs' AND f.conversation_ids && ARRAY[name])
    ORDER BY name;
END
$$;

-- As before; the text of an error goes too.
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
    PERFORM erase_calls_of(names);
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

-- As before; the text of an error goes too.
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
        PERFORM erase_calls_of(names);
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

-- Why something is still not out of the archive, as of the last time that it was tried.
ALTER TABLE archive_erasures ADD COLUMN failure TEXT;

CREATE FUNCTION archive_erasing_failed(p_ids bigint[], p_failure text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    UPDATE archive_erasures SET failure = left(p_failure, 500) WHERE id = ANY(p_ids);
END
$$;

-- What removed calls came to ----------------------------------------------------------------------------------------------

-- A retirement of calls has the digest of what is kept of them in retired_calls and retired_sums; null for exports, and for what
-- was removed before. A row that has one has a hash of version 3.
ALTER TABLE retirements ADD COLUMN sums_sha256 BYTEA;

-- Over the digests of the rows of a week, in the order of their bytes.
CREATE FUNCTION retired_sums_digest(p_week date) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(coalesce(string_agg(digest, '' ORDER BY digest), ''))
    FROM (SELECT digest_of('retired_calls', conversation_id, run_id::text, template_id::text, calls::text, cost_usd::text,
                           unpriced_calls::text) AS digest
          FROM retired_calls WHERE week = p_week
          UNION ALL
          SELECT digest_of('retired_sums', run_id::text, model, to_char(day, 'YYYY-MM-DD'), prompt_tokens::text, category,
                           read::text, written::text, calls::text)
          FROM retired_sums WHERE week = p_week) AS kept
$$;

CREATE OR REPLACE FUNCTION retirement_digest(r retirements) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of(VARIADIC ARRAY['retirements', r.hash_version::text, r.id::text, r.log, to_char(r.week, 'YYYY-MM-DD'),
        micros(r.retired_at), r.retired_by, r.keep_days::text, r.row_count::text, r.noted_count::text, r.row_bytes::text,
        encode(r.root, 'hex'), r.frame_count::text, r.archive_bytes::text, encode(r.archive_sha256, 'hex')]
        || CASE WHEN r.hash_version >= 2 THEN ARRAY[encode(r.noted_sha256, 'hex')] ELSE '{}' END
        || CASE WHEN r.hash_version >= 3 THEN ARRAY[encode(r.sums_sha256, 'hex')] ELSE '{}' END || ARRAY[r.xid8::text])
$$;
CREATE OR REPLACE FUNCTION stamp_retirement() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.retired_by := session_user;
    NEW.retired_at := clock_timestamp();
    NEW.hash_version := CASE WHEN NEW.sums_sha256 IS NOT NULL THEN 3 WHEN NEW.noted_sha256 IS NOT NULL THEN 2 ELSE 1 END;
    NEW.xid8 := log_xid8();
    NEW.row_hash := retirement_digest(NEW);
    RETURN NEW;
END
$$;

-- As before, with the digest of what the calls came to.
CREATE OR REPLACE FUNCTION retire_generations(p_week date) RETURNS retirements
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    most_tries CONSTANT integer := 6;
    days integer;
    gone retirements;
    part_name text := 'generation_logs_' || to_char(p_week, 'IYYY"w"IW');
    there record;
    sealed record;
    kept record;
    older text;
    seen pg_snapshot;
    holders text;
BEGIN
    PERFORM require_role('admin');
    LOCK TABLE archive_frames IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT * INTO gone FROM retirements WHERE log = 'generation_logs' AND week = p_week;
    IF FOUND THEN
        RETURN gone;
    END IF;
    days := require_due('generation_logs', p_week);
    IF to_regclass('public.' || part_name) IS NULL THEN
        RAISE EXCEPTION 'there is no week of %', p_week USING ERRCODE = 'TT002';
    END IF;
    -- A call that ended late is told by the row of a later week: sums that stay are made in order.
    SELECT min(child.relname) INTO older FROM pg_inherits AS part JOIN pg_class AS child ON child.oid = part.inhrelid
    WHERE part.inhparent = 'public.generation_logs'::regclass AND child.relname ~ '^generation_logs_\d{4}w\d{2}$'
      AND child.relname < part_name;
    IF older IS NOT NULL THEN
        RAISE EXCEPTION 'the week of % is still there, and weeks go in their order',
            to_date(right(older, 7), 'IYYY"w"IW') USING ERRCODE = 'TT003';
    END IF;
    seen := log_snapshot(pg_current_snapshot());
    -- Nobody writes there but who purges or erases: whether somebody did meanwhile is seen below.
    EXECUTE format(
        'SELECT count(*) AS number, count(*) FILTER (WHERE row_hash IS NULL) AS under_way,'
        ' count(request_payload) + count(response_payload) AS payloads,'
        ' sha256(coalesce(string_agg(int8send(xid8::text::bigint) || int8send(id), %L::bytea ORDER BY xid8, id), %L)) AS keys,'
        ' sha256(coalesce(string_agg(row_hash, %L::bytea ORDER BY xid8, id), %L)) AS hashes FROM public.%I',
        '', '', '', '', part_name) INTO there;
    IF there.under_way > 0 THEN
        RAISE EXCEPTION 'the week of % has % calls that have not ended', p_week, there.under_way USING ERRCODE = 'TT003';
    END IF;
    SELECT coalesce(sum(p.row_count), 0) AS number, sha256(coalesce(string_agg(l.keys, '' ORDER BY p.number, p.place), '')) AS keys,
           sha256(coalesce(string_agg(l.row_hashes, '' ORDER BY p.number, p.place), '')) AS hashes,
           merkle_root(coalesce(array_agg(p.root ORDER BY p.number, p.place), '{}')) AS root
    INTO sealed FROM audit_seal_parts AS p JOIN audit_seal_leaves AS l ON l.number = p.number AND l.place = p.place
    WHERE p.log = 'generation_logs' AND p.week = p_week;
    IF (sealed.number, sealed.keys, sealed.hashes) IS DISTINCT FROM (there.number, there.keys, there.hashes) THEN
        RAISE EXCEPTION 'the week of % is not as it was sealed: % rows, % of them under a seal', p_week, there.number,
            sealed.number USING ERRCODE = 'TT003', HINT = 'traintui audit verify';
    END IF;
    SELECT coalesce(sum(f.row_count), 0) AS number, coalesce(sum(f.payload_count), 0) AS payloads, count(*) AS frames,
           coalesce(sum(octet_length(f.content)), 0) AS bytes,
           sha256(coalesce(string_agg(f.sha256, '' ORDER BY f.place), '')) AS hash
    INTO kept FROM archive_frames AS f WHERE f.log = 'generation_logs' AND f.week = p_week;
    IF (kept.number, kept.payloads) IS DISTINCT FROM (there.number, there.payloads) THEN
        RAISE EXCEPTION 'the week of % is not in the archive as it stands: % of % rows', p_week, kept.number, there.number
            USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
    END IF;
    EXECUTE format(
        'INSERT INTO retired_calls SELECT %L::date, conversation_id, run_id, template_id, count(*),'
        ' sum(cost_usd) FILTER (WHERE NOT EXISTS (SELECT FROM generation_logs AS late WHERE late.late_reply_to = log.id)),'
        ' count(*) FILTER (WHERE cost_usd IS NULL AND output_tokens > 0) FROM public.%I AS log'
        ' WHERE num_nonnulls(conversation_id, run_id, template_id) > 0 GROUP BY 2, 3, 4', p_week, part_name);
    gone.row_bytes := pg_total_relation_size(('public.' || part_name)::regclass);
    FOR try IN 1..most_tries LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '200ms', true);
            -- Before its week, as everybody does: who writes to all weeks would wait for this, and this for them.
            LOCK TABLE ONLY generation_logs IN ACCESS EXCLUSIVE MODE;
            IF payloads_erased_since(seen) THEN
                RAISE EXCEPTION 'the week of % is not in the archive as it stands: something was erased', p_week
                    USING ERRCODE = 'TT003', HINT = 'traintui audit retire';
            END IF;
            EXECUTE format('DROP TABLE public.%I', part_name);
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF try = most_tries THEN
                holders := holders_of(ARRAY['public.generation_logs', 'public.' || part_name]::regclass[]);
                RAISE EXCEPTION 'the log is read all the time%', coalesce(': by ' || holders, '')
                    USING ERRCODE = '55P03', HINT = 'traintui audit retire';
            END IF;
        END;
        PERFORM pg_sleep(0.5 + random());
    END LOOP;
    INSERT INTO retirements (log, week, keep_days, row_count, noted_count, row_bytes, root, frame_count, archive_bytes,
                             archive_sha256, sums_sha256)
    VALUES ('generation_logs', p_week, days, there.number, 0, gone.row_bytes, sealed.root, kept.frames, kept.bytes, kept.hash,
            retired_sums_digest(p_week))
    RETURNING * INTO gone;
    RETURN gone;
END
$$;

-- Frames against the seals ------------------------------------------------------------------------------------------------

-- Parts of a log, of a week, by their last row: each has those up to there that none before it has.
CREATE INDEX ix_audit_seal_parts_last ON audit_seal_parts (log, week, last_xid8, last_id);

-- At which place of a part the row of a key stands, from 0 on; null where it does not.
CREATE FUNCTION place_in_part(p_part audit_seal_parts, p_xid8 xid8, p_id bigint) RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted CONSTANT bytea := int8send(p_xid8::text::bigint) || int8send(p_id);
    low integer := 0;
    high integer := p_part.row_count - 1;
    middle integer;
    there bytea;
BEGIN
    WHILE low <= high LOOP
        middle := (low + high) / 2;
        SELECT substring(l.keys FROM 1 + 16 * middle FOR 16) INTO there
        FROM audit_seal_leaves AS l WHERE l.number = p_part.number AND l.place = p_part.place;
        IF there = wanted THEN
            RETURN middle;
        ELSIF there < wanted THEN
            low := middle + 1;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- The first part of a log, of a week, that ends at a key or behind it. Served by ix_audit_seal_parts_last.
CREATE FUNCTION part_ending_at(p_log text, p_week date, p_xid8 xid8, p_id bigint) RETURNS audit_seal_parts
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found audit_seal_parts;
BEGIN
    IF p_week IS NULL THEN
        SELECT * INTO found FROM audit_seal_parts AS p
        WHERE p.log = p_log AND p.week IS NULL AND (p.last_xid8, p.last_id) >= (p_xid8, p_id)
        ORDER BY p.week, p.last_xid8, p.last_id LIMIT 1;
    ELSE
        SELECT * INTO found FROM audit_seal_parts AS p
        WHERE p.log = p_log AND p.week = p_week AND (p.last_xid8, p.last_id) >= (p_xid8, p_id)
        ORDER BY p.last_xid8, p.last_id LIMIT 1;
    END IF;
    RETURN found;
END
$$;

-- How many rows of a log, of a week, stand under seals from one key to another, both among them; null where one of them does not.
-- `before` is the key in front of the first of a week, null where there is none. Only the parts from the one to the other are
-- looked at. Served by ix_audit_seal_parts_last and ix_audit_seal_parts_log_week.
CREATE FUNCTION sealed_between(
    p_log text, p_week date, p_first_xid8 xid8, p_first_id bigint, p_last_xid8 xid8, p_last_id bigint,
    OUT number bigint, OUT before_xid8 xid8, OUT before_id bigint
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first_part CONSTANT audit_seal_parts := part_ending_at(p_log, p_week, p_first_xid8, p_first_id);
    last_part CONSTANT audit_seal_parts := part_ending_at(p_log, p_week, p_last_xid8, p_last_id);
    first_place CONSTANT integer := place_in_part(first_part, p_first_xid8, p_first_id);
    last_place CONSTANT integer := place_in_part(last_part, p_last_xid8, p_last_id);
    passed bigint;
    there bytea;
BEGIN
    IF first_place IS NULL OR last_place IS NULL THEN
        RETURN;
    END IF;
    IF p_week IS NULL THEN
        SELECT coalesce(sum(p.row_count), 0) INTO passed FROM audit_seal_parts AS p
        WHERE p.log = p_log AND p.week IS NULL AND (p.number, p.place) >= (first_part.number, first_part.place)
          AND (p.number, p.place) < (last_part.number, last_part.place);
    ELSE
        SELECT coalesce(sum(p.row_count), 0) INTO passed FROM audit_seal_parts AS p
        WHERE p.log = p_log AND p.week = p_week AND (p.number, p.place) >= (first_part.number, first_part.place)
          AND (p.number, p.place) < (last_part.number, last_part.place);
    END IF;
    number := passed + last_place + 1 - first_place;
    IF first_place > 0 THEN
        SELECT substring(l.keys FROM 1 + 16 * (first_place - 1) FOR 16) INTO there
        FROM audit_seal_leaves AS l WHERE l.number = first_part.number AND l.place = first_part.place;
        before_xid8 := ('x' || encode(substring(there FROM 1 FOR 8), 'hex'))::bit(64)::bigint::text::xid8;
        before_id := ('x' || encode(substring(there FROM 9 FOR 8), 'hex'))::bit(64)::bigint;
    ELSIF p_week IS NOT NULL THEN
        SELECT p.last_xid8, p.last_id INTO before_xid8, before_id FROM audit_seal_parts AS p
        WHERE p.log = p_log AND p.week = p_week AND (p.number, p.place) < (first_part.number, first_part.place)
        ORDER BY p.number DESC, p.place DESC LIMIT 1;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION add_archive_frame(
    p_log text, p_week date, p_place integer, p_row_count integer, p_payload_count integer, p_first_xid8 xid8,
    p_first_id bigint, p_last_xid8 xid8, p_last_id bigint, p_first_at timestamptz, p_last_at timestamptz,
    p_conversation_ids text[], p_raw_bytes integer, p_content bytea
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '30s' AS $$
DECLARE
    last archive_frames;
    of_week CONSTANT date := CASE WHEN p_log = 'generation_logs' THEN p_week END;
    between record;
BEGIN
    PERFORM require_role('admin');
    PERFORM require_due(CASE p_log WHEN 'export_rows' THEN 'export_logs' ELSE p_log END, p_week);
    LOCK TABLE archive_frames IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM retirements WHERE week = p_week AND (log = 'generation_logs') = (p_log = 'generation_logs')) THEN
        RAISE EXCEPTION 'the week of % is archived already', p_week USING ERRCODE = 'TT003';
    END IF;
    SELECT * INTO last FROM archive_frames WHERE log = p_log AND week = p_week ORDER BY place DESC LIMIT 1;
    IF p_place <> coalesce(last.place, 0) + 1 OR (p_first_xid8, p_first_id) <= (last.last_xid8, last.last_id)
        OR (p_first_xid8, p_first_id) > (p_last_xid8, p_last_id) THEN
        RAISE EXCEPTION 'somebody else archives the week of %', p_week USING ERRCODE = 'TT003';
    END IF;
    IF p_log = 'export_rows' THEN
        IF (p_first_xid8, p_last_xid8, p_first_id, p_last_id) IS DISTINCT FROM
           ('0'::xid8, '0'::xid8, coalesce(last.last_id, 0) + 1, coalesce(last.last_id, 0) + p_row_count) THEN
            RAISE EXCEPTION 'the conversations of exports of the week of % are not counted as they come', p_week
                USING ERRCODE = 'TT003';
        END IF;
    ELSE
        between := sealed_between(p_log, of_week, p_first_xid8, p_first_id, p_last_xid8, p_last_id);
        IF between.number IS NULL THEN
            RAISE EXCEPTION 'the week of % has rows that are not sealed yet', p_week USING ERRCODE = 'TT003';
        END IF;
        -- Rows of calls come without a gap; between those of the exports of a week stand others.
        IF between.number < p_row_count OR p_log = 'generation_logs' AND (between.number > p_row_count
            OR (between.before_xid8, between.before_id) IS DISTINCT FROM (last.last_xid8, last.last_id)) THEN
            RAISE EXCEPTION 'the week of % is not as it was sealed: % rows in a frame, % under their seals', p_week,
                p_row_count, between.number USING ERRCODE = 'TT003', HINT = 'traintui audit verify';
        END IF;
    END IF;
    INSERT INTO archive_frames VALUES (
        p_log, p_week, p_place, p_row_count, p_payload_count, p_first_xid8, p_first_id, p_last_xid8, p_last_id, p_first_at,
        p_last_at, p_conversation_ids, p_raw_bytes, p_content, sha256(p_content));
END
$$;

DROP FUNCTION sealed_place(text, date, xid8, bigint);

-- What is told to nobody --------------------------------------------------------------------------------------------------

-- Who names the holder of a lease may end it, so no login reads it.
REVOKE SELECT ON sampling, retention_rounds FROM traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT SELECT (only_row, held_until) ON sampling TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT SELECT (only_one, taken_by, lease_until, due_at, ended_at, removed, failure) ON retention_rounds
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;

-- Looks at the record -----------------------------------------------------------------------------------------------------

-- Each look at the whole record that came to its end: by whom, when, up to which seal, and what it found; `first_finding` is the
-- first of `findings`.
CREATE TABLE record_looks (
    id BIGINT GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    looked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    looked_by TEXT DEFAULT session_user NOT NULL,
    rows_looked_at BIGINT NOT NULL,
    newest_seal BIGINT,
    findings BIGINT NOT NULL,
    first_finding TEXT,
    CONSTRAINT pk_record_looks PRIMARY KEY (id),
    CONSTRAINT ck_record_looks_first_finding CHECK ((findings > 0) = (first_finding IS NOT NULL)),
    CONSTRAINT ck_record_looks_findings CHECK (findings >= 0)
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON record_looks FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON record_looks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION note_record_look(p_rows bigint, p_newest_seal bigint, p_findings bigint, p_first_finding text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('auditor');
    INSERT INTO record_looks (rows_looked_at, newest_seal, findings, first_finding)
    VALUES (p_rows, p_newest_seal, p_findings, left(p_first_finding, 1000));
END
$$;

REVOKE ALL ON record_looks FROM PUBLIC;
GRANT SELECT ON record_looks TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION erase_calls_of(text[]), archive_erasing_failed(bigint[], text), retired_sums_digest(date),
    part_ending_at(text, date, xid8, bigint), place_in_part(audit_seal_parts, xid8, bigint),
    sealed_between(text, date, xid8, bigint, xid8, bigint),
    note_record_look(bigint, bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION archive_erasing_failed(bigint[], text) TO traintui_admin;
GRANT EXECUTE ON FUNCTION note_record_look(bigint, bigint, bigint, text) TO traintui_auditor, traintui_admin;
