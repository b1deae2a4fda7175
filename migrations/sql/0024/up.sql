-- A share of what waits gets several independent decisions. Until they are settled the status stays `generated`, and a
-- decision is visible to who made it alone.

ALTER TABLE workspace_settings ADD CONSTRAINT ck_workspace_settings_second_review
    CHECK (key <> 'second_review' OR CASE jsonb_typeof(value) WHEN 'null' THEN true WHEN 'object' THEN
        CASE WHEN jsonb_typeof(value->'decisions') = 'number' AND jsonb_typeof(value->'share') = 'number'
        THEN (value->>'decisions')::numeric IN (2, 3, 4, 5) AND (value->>'share')::numeric > 0
             AND (value->>'share')::numeric <= 1 ELSE false END ELSE false END);

-- A revision that gets several decisions, and how many. `open` until they are there, `settled` when they agree; else
-- `disputed`, until one more person decides. `ended` when it was edited, or decided in another way, before that.
CREATE TABLE second_reviews (
    conversation_id text NOT NULL,
    revision integer NOT NULL,
    decisions integer NOT NULL,
    state text DEFAULT 'open' NOT NULL,
    opened_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    settled_at timestamptz,
    CONSTRAINT pk_second_reviews PRIMARY KEY (conversation_id, revision),
    CONSTRAINT ck_second_reviews_state CHECK (state IN ('open', 'disputed', 'settled', 'ended'))
);
CREATE INDEX ix_second_reviews_state_opened_at ON second_reviews (state, opened_at);

-- How many independent decisions the workspace asks for of a conversation; NULL where one is enough. Which ones are in the
-- share follows from their ids: it is the same for everybody, and nobody can choose.
CREATE FUNCTION decisions_asked(p_conversation_id text) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (value->>'decisions')::integer
    FROM workspace_settings, sha256(convert_to(p_conversation_id, 'UTF8')) AS digest
    WHERE key = 'second_review' AND jsonb_typeof(value) = 'object'
      AND (get_byte(digest, 0) * 256 + get_byte(digest, 1)) / 65536.0 < (value->>'share')::numeric
$$;

-- The decisions on a revision that wait for others, those left out that were taken back.
CREATE FUNCTION open_decisions(p_conversation_id text, p_revision integer) RETURNS SETOF review_logs
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT log.* FROM review_logs AS log
    WHERE log.conversation_id = p_conversation_id AND log.revision = p_revision AND log.action IN ('approve', 'reject')
      AND log.details ? 'blind' AND NOT EXISTS (SELECT FROM review_logs AS taken_back WHERE taken_back.undoes = log.id)
$$;

-- The second review that an action on a locked conversation is a part of, begun where it is asked for. Raises TT003 for who
-- has decided there already.
CREATE FUNCTION second_review_of(seen conversations, p_action text) RETURNS second_reviews
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    review second_reviews;
    asked integer;
BEGIN
    IF seen.status <> 'generated' OR p_action NOT IN ('approve', 'reject') THEN
        RETURN NULL;
    END IF;
    SELECT * INTO review FROM second_reviews
    WHERE conversation_id = seen.conversation_id AND revision = seen.revision;
    IF NOT FOUND THEN
        asked := decisions_asked(seen.conversation_id);
        IF asked IS NOT NULL THEN
            INSERT INTO second_reviews (conversation_id, revision, decisions)
            VALUES (seen.conversation_id, seen.revision, asked) RETURNING * INTO review;
        END IF;
    ELSIF review.state IN ('open', 'disputed') AND EXISTS (
        SELECT FROM open_decisions(seen.conversation_id, seen.revision) WHERE reviewer_id = session_user) THEN
        RAISE EXCEPTION 'you have decided on % already, and it waits for somebody else', seen.conversation_id
            USING ERRCODE = 'TT003';
    END IF;
    RETURN review;
END
$$;

-- As before, but a decision may be one of several that a second review asks for.
CREATE OR REPLACE FUNCTION decide(
    p_conversation_id text, p_action text, p_revision integer, p_seen_decision bigint, p_decision_key text,
    p_reason text DEFAULT NULL, p_notes text DEFAULT NULL, p_turn_number integer DEFAULT NULL,
    p_duration_ms integer DEFAULT NULL, p_bulk_id text DEFAULT NULL
) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target text := CASE p_action WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN 'reopen' THEN 'generated' END;
    seen conversations;
    written review_logs;
    review second_reviews;
    others integer;
    agreeing integer;
    remarks jsonb := '{}';
BEGIN
    PERFORM require_role('reviewer');
    IF target IS NULL THEN
        RAISE EXCEPTION '"%" is not a decision', p_action USING ERRCODE = 'TT003', HINT = 'approve, reject or reopen';
    END IF;
    -- Two presses of one key wait here for each other, so that the second finds the first.
    SELECT * INTO seen FROM conversations WHERE conversation_id = p_conversation_id FOR NO KEY UPDATE;
    written := earlier_press(p_decision_key, p_conversation_id, p_action);
    IF written.id IS NOT NULL THEN
        RETURN written;
    END IF;
    PERFORM check_seen(p_conversation_id, seen, p_revision, p_seen_decision);
    IF seen.status = target THEN
        RAISE EXCEPTION '% is % already', p_conversation_id, seen.status USING ERRCODE = 'TT003';
    END IF;
    PERFORM check_remarks(p_reason, p_notes, p_turn_number, seen.turn_count);
    review := second_review_of(seen, p_action);
    IF review.state IN ('open', 'disputed') THEN
        SELECT count(*), count(*) FILTER (WHERE action = p_action) INTO others, agreeing
        FROM open_decisions(p_conversation_id, seen.revision);
        remarks := jsonb_build_object('second_review', review.state);
        IF review.state = 'disputed' OR others + 1 >= review.decisions AND agreeing = others THEN
            UPDATE second_reviews SET state = 'settled', settled_at = clock_timestamp()
            WHERE conversation_id = p_conversation_id AND revision = seen.revision;
        ELSE
            -- Kept to oneself: the status stays, and so does what the next reviewer sees.
            target := seen.status;
            remarks := remarks || '{"blind": true}';
            UPDATE second_reviews SET state = 'disputed'
            WHERE conversation_id = p_conversation_id AND revision = seen.revision AND others + 1 >= decisions;
        END IF;
    END IF;
    INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, turn_number, decision_key,
                             duration_ms, bulk_id, status_before, status_after, decision_before, details, content_sha256)
    VALUES (p_conversation_id, p_action, nullif(p_notes, ''), seen.revision, nullif(p_reason, ''), p_turn_number,
            p_decision_key, p_duration_ms, p_bulk_id, seen.status, target, seen.decision_id, remarks,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = p_conversation_id AND revision = seen.revision))
    RETURNING * INTO written;
    IF target <> seen.status THEN
        UPDATE conversations SET status = target, decision_id = written.id WHERE id = seen.id;
    END IF;
    RETURN written;
END
$$;

-- As before, but a decision that waits for others is taken back without a word to them.
CREATE OR REPLACE FUNCTION undo(p_log_id bigint, p_decision_key text) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    undone review_logs;
    seen conversations;
    before conversation_revisions;
    written review_logs;
    target text;
    next_revision integer;
    is_told boolean;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO undone FROM review_logs WHERE id = p_log_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no action %', p_log_id USING ERRCODE = 'TT007';
    END IF;
    IF undone.reviewer_id <> session_user THEN
        -- Whose it is may be hidden yet.
        RAISE EXCEPTION 'action % is somebody else''s', p_log_id USING ERRCODE = 'TT004';
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
          AND NOT later.details ? 'blind'
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
    -- Once all decisions are there, it shows whether they agree: who decides anew then knows what others said.
    is_told := undone.details ? 'second_review' AND EXISTS (
        SELECT FROM second_reviews WHERE conversation_id = undone.conversation_id AND revision = undone.revision
        AND state IN ('settled', 'disputed'));
    INSERT INTO review_logs (conversation_id, action, revision, undoes, decision_key, status_before, status_after,
                             decision_before, details, content_sha256)
    VALUES (undone.conversation_id, 'undo', next_revision, undone.id, p_decision_key, seen.status, target, seen.decision_id,
            CASE WHEN undone.details ? 'blind' THEN '{"blind": true}'::jsonb ELSE '{}' END
                || CASE WHEN is_told THEN '{"informed": true}'::jsonb ELSE '{}' END,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = undone.conversation_id AND revision = next_revision))
    RETURNING * INTO written;
    IF undone.details ? 'second_review' THEN
        -- What was ended stays so; and nobody waits for decisions on a revision that was edited.
        UPDATE second_reviews
        SET state = CASE WHEN undone.revision <> seen.revision THEN 'ended' WHEN undone.details ? 'blind' THEN 'open'
                         ELSE undone.details->>'second_review' END,
            settled_at = CASE WHEN undone.revision <> seen.revision THEN clock_timestamp() END
        WHERE conversation_id = undone.conversation_id AND revision = undone.revision AND state <> 'ended';
    END IF;
    IF undone.details ? 'blind' THEN
        RETURN written;
    END IF;
    UPDATE conversations
    SET status = target,
        decision_id = CASE WHEN target <> seen.status THEN written.id ELSE decision_id END,
        flagged = CASE undone.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE flagged END
    WHERE id = seen.id;
    RETURN written;
END
$$;

-- What was edited, or decided in another way, is not waited for.
CREATE FUNCTION end_second_review() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE second_reviews SET state = 'ended', settled_at = clock_timestamp()
    WHERE conversation_id = NEW.conversation_id AND state IN ('open', 'disputed');
    RETURN NULL;
END
$$;
CREATE TRIGGER end_second_review AFTER UPDATE ON conversations FOR EACH ROW
    WHEN (NEW.revision <> OLD.revision OR OLD.status = 'generated' AND NEW.status <> OLD.status)
    EXECUTE FUNCTION end_second_review();

-- An open decision is for the eyes of who made it, until it is settled. Auditors decide nothing, so nothing sways them.
-- Only logs that say `blind` are looked up; the functions above read as the owner, who sees all.
ALTER TABLE review_logs ENABLE ROW LEVEL SECURITY;
CREATE POLICY settled_or_own ON review_logs FOR SELECT USING (
    NOT details ? 'blind' OR reviewer_id = session_user OR session_role() = 'auditor'
    OR NOT EXISTS (SELECT FROM second_reviews AS review
                   WHERE review.conversation_id = review_logs.conversation_id AND review.revision = review_logs.revision
                     AND review.state IN ('open', 'disputed')));

REVOKE ALL ON second_reviews FROM PUBLIC;
GRANT SELECT ON second_reviews TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION decisions_asked(text), open_decisions(text, integer), second_review_of(conversations, text),
    end_second_review() FROM PUBLIC;
