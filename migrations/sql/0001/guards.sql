-- What the tables themselves refuse, whoever asks. Refusals carry a code of class TT, which the app turns into an answer.
--   TT001 moved on          TT002 not found          TT003 not possible now    TT004 no right
--   TT005 logs only grow    TT006 undecided change   TT007 nothing to undo     TT008 turns not whole
--   TT009 not in vocabulary TT010 key already used   TT011 fenced off
--   TT012 batch not running TT013 over budget

-- SHA-256 over fields, each with its length in bytes before it, so that no two lists of fields read the same.
CREATE FUNCTION digest_of(VARIADIC fields text[]) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(convert_to(string_agg(
        CASE WHEN field IS NULL THEN '-;' ELSE octet_length(field) || ':' || field || ';' END, '' ORDER BY place
    ), 'UTF8'))
    FROM unnest(fields) WITH ORDINALITY AS list(field, place)
$$;

-- A time as microseconds since the epoch: its text would depend on the reader's time zone.
CREATE FUNCTION micros(moment timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (extract(epoch FROM moment) * 1000000)::bigint::text
$$;

CREATE FUNCTION json_digest(value jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(convert_to(value::text, 'UTF8'))
$$;

-- What a revision says: the system prompt, then role, content and train flag of each turn.
CREATE FUNCTION content_digest(system_prompt text, turns jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of(VARIADIC ARRAY['conversation', '1', system_prompt] || coalesce((
        SELECT array_agg(field ORDER BY place, part)
        FROM jsonb_array_elements(turns) WITH ORDINALITY AS list(turn, place),
             LATERAL (VALUES (1, turn->>'role'), (2, turn->>'content'),
                             (3, coalesce((turn->>'train')::boolean, true)::text)) AS parts(part, field)
    ), '{}'::text[]))
$$;

-- Turns as a revision keeps them: role, content and train flag of each, and nothing else.
CREATE FUNCTION plain_turns(turns jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_agg(jsonb_build_object('role', turn->>'role', 'content', turn->>'content',
                                        'train', coalesce((turn->>'train')::boolean, true)) ORDER BY place)
    FROM jsonb_array_elements(turns) WITH ORDINALITY AS list(turn, place)
$$;

CREATE FUNCTION is_decided(status text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT status IN ('approved', 'rejected')
$$;

-- The strongest role of the login behind this session. A login with no role of ours reads as 'none'.
CREATE FUNCTION session_role() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE
        WHEN pg_has_role(session_user, 'traintui_admin', 'MEMBER') THEN 'admin'
        WHEN pg_has_role(session_user, 'traintui_author', 'MEMBER') THEN 'author'
        WHEN pg_has_role(session_user, 'traintui_reviewer', 'MEMBER') THEN 'reviewer'
        WHEN pg_has_role(session_user, 'traintui_auditor', 'MEMBER') THEN 'auditor'
        ELSE 'none'
    END
$$;

CREATE FUNCTION require_role(needed text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(session_user, 'traintui_' || needed, 'MEMBER') THEN
        RAISE EXCEPTION '% does not have the role %', session_user, needed USING ERRCODE = 'TT004';
    END IF;
END
$$;

-- Conversations ----------------------------------------------------------------------------------------------------

-- A status goes into or out of approved and rejected only together with the log row that says who did it: the row that
-- decision_id names must be of this conversation, of this very transaction, and lead to this status. So must a row that
-- decision_id is changed to.
CREATE FUNCTION guard_decision() RETURNS trigger
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
CREATE TRIGGER guard_decision_insert BEFORE INSERT ON conversations
    FOR EACH ROW WHEN (is_decided(NEW.status) OR NEW.decision_id IS NOT NULL) EXECUTE FUNCTION guard_decision();
CREATE TRIGGER guard_decision_update BEFORE UPDATE ON conversations
    FOR EACH ROW WHEN (NEW.status IS DISTINCT FROM OLD.status OR NEW.decision_id IS DISTINCT FROM OLD.decision_id)
    EXECUTE FUNCTION guard_decision();

-- Names by which logs and exports know a conversation never change, and its revision never counts down.
CREATE FUNCTION guard_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.conversation_id <> OLD.conversation_id OR NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'the id of % is fixed and its revision only counts up', OLD.conversation_id
            USING ERRCODE = 'TT003';
    END IF;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_identity BEFORE UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION guard_identity();

-- A conversation with text leaves only by a purge that is on record.
CREATE FUNCTION guard_purge() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM review_logs AS log WHERE log.conversation_id = OLD.conversation_id
                   AND log.action = 'purge' AND log.xid8 = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% can only be purged, with its log row', OLD.conversation_id USING ERRCODE = 'TT006';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER guard_purge BEFORE DELETE ON conversations
    FOR EACH ROW WHEN (OLD.turn_count > 0) EXECUTE FUNCTION guard_purge();

-- Turns are numbered without gaps once there is something to read; their roles follow from their numbers.
CREATE FUNCTION turns_are_whole(conversation bigint, expected integer) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT expected >= 2 AND count(*) = expected AND max(turn_number) = expected
    FROM conversation_turns WHERE conversation_id = conversation
$$;

CREATE FUNCTION guard_whole() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found conversations;
BEGIN
    -- A deferred trigger fires with the row as it was; what counts is how it stands at commit.
    SELECT * INTO found FROM conversations
    WHERE id = CASE WHEN TG_TABLE_NAME = 'conversations' THEN (to_jsonb(coalesce(NEW, OLD))->>'id')::bigint
                    ELSE (to_jsonb(OLD)->>'conversation_id')::bigint END;
    IF found.status IN ('generated', 'approved', 'rejected') AND NOT turns_are_whole(found.id, found.turn_count) THEN
        RAISE EXCEPTION '% needs % turns, numbered from 1 without gaps, at least 2', found.conversation_id, found.turn_count
            USING ERRCODE = 'TT008';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER guard_whole_insert AFTER INSERT ON conversations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.status IN ('generated', 'approved', 'rejected')) EXECUTE FUNCTION guard_whole();
-- A decision moves between statuses that have turns already and changes none, so it does not pay for this.
CREATE CONSTRAINT TRIGGER guard_whole_update AFTER UPDATE ON conversations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.turn_count <> OLD.turn_count
        OR (NEW.status IN ('generated', 'approved', 'rejected') AND OLD.status IN ('planned', 'generating', 'failed')))
    EXECUTE FUNCTION guard_whole();
CREATE CONSTRAINT TRIGGER guard_whole_turns AFTER UPDATE OF conversation_id, turn_number OR DELETE ON conversation_turns
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_whole();

-- A turn past the count that its conversation declares is refused at once; a missing one is found at commit.
CREATE FUNCTION guard_turn_count() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id
               WHERE added.turn_number > c.turn_count) THEN
        RAISE EXCEPTION 'more turns than the conversation declares' USING ERRCODE = 'TT008';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_turn_count AFTER INSERT ON conversation_turns
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_turn_count();

-- Dimension values come from the vocabulary. The tier's are a CHECK as well.
CREATE FUNCTION refuse_unknown_value(dimension text, value text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% "%" is not in the vocabulary', dimension, value
        USING ERRCODE = 'TT009', DETAIL = jsonb_build_object('dimension', dimension, 'value', value)::text;
END
$$;

CREATE FUNCTION guard_vocabulary_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stranger record;
BEGIN
    SELECT used.dimension, used.value INTO stranger
    FROM (SELECT DISTINCT pair.dimension, pair.value
          FROM added, LATERAL (VALUES ('persona', persona), ('emotion', emotion), ('topic', topic), ('intent', intent),
                                      ('tone', tone), ('tier', tier)) AS pair(dimension, value)
          WHERE pair.value IS NOT NULL) AS used
    WHERE NOT EXISTS (SELECT FROM vocabulary AS v WHERE v.dimension = used.dimension AND v.value = used.value)
    LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_unknown_value(stranger.dimension, stranger.value);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_vocabulary_insert AFTER INSERT ON conversations
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_vocabulary_insert();

CREATE FUNCTION guard_vocabulary_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stranger record;
BEGIN
    SELECT pair.dimension, pair.value INTO stranger
    FROM (VALUES ('persona', NEW.persona), ('emotion', NEW.emotion), ('topic', NEW.topic), ('intent', NEW.intent),
                 ('tone', NEW.tone), ('tier', NEW.tier)) AS pair(dimension, value)
    WHERE pair.value IS NOT NULL
      AND NOT EXISTS (SELECT FROM vocabulary AS v WHERE v.dimension = pair.dimension AND v.value = pair.value)
    LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_unknown_value(stranger.dimension, stranger.value);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_vocabulary_update AFTER UPDATE OF persona, emotion, topic, intent, tone, tier ON conversations
    FOR EACH ROW EXECUTE FUNCTION guard_vocabulary_update();

CREATE FUNCTION guard_vocabulary_value() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.dimension <> OLD.dimension OR NEW.value <> OLD.value THEN
        RAISE EXCEPTION 'the value "%" of % stays: exports and seals hold it', OLD.value, OLD.dimension
            USING ERRCODE = 'TT003', HINT = 'Change its label, or make it inactive.';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_vocabulary_value BEFORE UPDATE OR DELETE ON vocabulary
    FOR EACH ROW EXECUTE FUNCTION guard_vocabulary_value();

-- The queue --------------------------------------------------------------------------------------------------------

-- Only what is planned is generated: a claim of anything else would stop every worker.
CREATE FUNCTION guard_items() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN conversations AS c ON c.id = added.conversation_id WHERE c.status <> 'planned') THEN
        RAISE EXCEPTION 'only planned conversations are generated' USING ERRCODE = 'TT003';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_items AFTER INSERT ON generation_items
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_items();

-- Settings ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION record_setting_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO workspace_setting_changes (key, old_value, changed_by) VALUES (OLD.key, OLD.value, session_user);
        RETURN OLD;
    END IF;
    NEW.updated_at := clock_timestamp();
    NEW.updated_by := session_user;
    INSERT INTO workspace_setting_changes (key, old_value, new_value, changed_by)
    VALUES (NEW.key, CASE WHEN TG_OP = 'UPDATE' THEN OLD.value END, NEW.value, session_user);
    RETURN NEW;
END
$$;
CREATE TRIGGER record_setting_change BEFORE INSERT OR UPDATE OR DELETE ON workspace_settings
    FOR EACH ROW EXECUTE FUNCTION record_setting_change();

-- Logs -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% only grows: its rows are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'TT005';
END
$$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON review_logs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON export_logs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON export_rows FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON conversation_revisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON workspace_setting_changes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE DELETE ON generation_logs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON review_logs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON export_logs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON export_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON generation_logs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON conversation_revisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON workspace_setting_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON conversations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Row hashes cover digests of notes and payloads, not the texts: a person's data can be erased and a seal still verifies.
-- The order of fields is part of hash_version; a new field means a new version.

CREATE FUNCTION review_log_digest(log review_logs) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of('review_logs', log.hash_version::text, log.id::text, log.conversation_id, log.action,
        log.reviewer_id, log.reviewer_role, encode(digest_of(log.reviewer_notes), 'hex'), micros(log.timestamp),
        log.revision::text, log.reason, log.turn_number::text, log.undoes::text, log.decision_key, log.duration_ms::text,
        log.status_before, log.status_after, log.decision_before::text, log.bulk_id, encode(log.content_sha256, 'hex'),
        encode(json_digest(log.details), 'hex'), log.xid8::text)
$$;

CREATE FUNCTION stamp_review_log() RETURNS trigger
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
CREATE TRIGGER stamp BEFORE INSERT ON review_logs FOR EACH ROW EXECUTE FUNCTION stamp_review_log();

CREATE FUNCTION export_log_digest(log export_logs) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of('export_logs', log.hash_version::text, log.id::text, log.export_id, log.user_id,
        log.conversation_count::text, encode(json_digest(log.filter_state), 'hex'), log.format, micros(log.exported_at),
        encode(json_digest(log.metadata), 'hex'), log.state, encode(log.file_sha256, 'hex'),
        encode(digest_of(log.error_message), 'hex'), log.xid8::text)
$$;

CREATE FUNCTION stamp_export_log() RETURNS trigger
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
CREATE TRIGGER stamp BEFORE INSERT ON export_logs FOR EACH ROW EXECUTE FUNCTION stamp_export_log();

CREATE FUNCTION generation_log_digest(log generation_logs) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT digest_of('generation_logs', log.hash_version::text, log.id::text, micros(log.created_at), log.conversation_id,
        log.run_id::text, log.item_id::text, log.fence::text, log.attempt::text, log.template_id::text,
        log.template_version::text, log.worker_id::text, log.kind, log.state, log.requested_by, log.sent_by, log.endpoint,
        log.is_rehearsal::text, log.model, encode(log.request_sha256, 'hex'), encode(log.response_sha256, 'hex'),
        encode(json_digest(log.parameters), 'hex'), log.cost_usd::text, log.cost_is_estimate::text,
        log.input_tokens::text, log.output_tokens::text, log.cache_read_tokens::text, log.cache_write_tokens::text,
        log.duration_ms::text, log.http_status::text, log.request_id, log.stop_reason, log.error_type,
        encode(digest_of(log.error_message), 'hex'), log.late_reply_to::text,
        encode(json_digest(log.redactions), 'hex'), micros(log.finished_at), log.xid8::text)
$$;

CREATE FUNCTION stamp_generation_log() RETURNS trigger
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
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON generation_logs FOR EACH ROW EXECUTE FUNCTION stamp_generation_log();

-- The weeks of the generation log, from this one on. A new table is attached, which leaves readers and writers alone;
-- there is no default partition, since it would block detaching. Returns how many were made.
CREATE FUNCTION make_generation_partitions(weeks_ahead integer DEFAULT 4, from_moment timestamptz DEFAULT now())
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made integer := 0;
    monday date;
    partition text;
BEGIN
    IF weeks_ahead NOT BETWEEN 0 AND 60 THEN
        RAISE EXCEPTION 'from 0 to 60 weeks are made ahead, not %', weeks_ahead USING ERRCODE = 'TT003';
    END IF;
    -- Several processes may start at once.
    PERFORM pg_advisory_xact_lock(7453, 1);
    FOR week IN 0..weeks_ahead LOOP
        monday := date_trunc('week', from_moment AT TIME ZONE 'UTC')::date + 7 * week;
        partition := 'generation_logs_' || to_char(monday, 'IYYY"w"IW');
        IF to_regclass('public.' || partition) IS NULL THEN
            EXECUTE format('CREATE TABLE public.%I (LIKE public.generation_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                           partition);
            EXECUTE format('ALTER TABLE public.generation_logs ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                           partition, monday || ' 00:00:00+00', (monday + 7) || ' 00:00:00+00');
            -- Triggers for rows come with attaching, those for statements do not.
            EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON public.%I '
                           'FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', partition);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

-- Makes the week of a moment, and those after it, when it is missing: a row must never fail for want of its week.
CREATE FUNCTION ensure_generation_partition(moment timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF to_regclass('public.generation_logs_' || to_char(moment AT TIME ZONE 'UTC', 'IYYY"w"IW')) IS NULL THEN
        PERFORM make_generation_partitions(4, moment);
    END IF;
END
$$;
