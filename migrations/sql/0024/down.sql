DROP POLICY settled_or_own ON review_logs;
ALTER TABLE review_logs DISABLE ROW LEVEL SECURITY;
DROP TRIGGER end_second_review ON conversations;
DROP FUNCTION end_second_review();
CREATE OR REPLACE FUNCTION undo(p_log_id bigint, p_decision_key text) RETURNS review_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    undone review_logs;
    seen conversations;
    before conversation_revisions;
    written review_logs;
    target text;
    next_revision integer;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO undone FROM review_logs WHERE id = p_log_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no action %', p_log_id USING ERRCODE = 'TT007';
    END IF;
    IF undone.reviewer_id <> session_user THEN
        RAISE EXCEPTION 'action % is by %', p_log_id, undone.reviewer_id USING ERRCODE = 'TT004';
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
    INSERT INTO review_logs (conversation_id, action, revision, undoes, decision_key, status_before, status_after,
                             decision_before, content_sha256)
    VALUES (undone.conversation_id, 'undo', next_revision, undone.id, p_decision_key, seen.status, target, seen.decision_id,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = undone.conversation_id AND revision = next_revision))
    RETURNING * INTO written;
    UPDATE conversations
    SET status = target,
        decision_id = CASE WHEN target <> seen.status THEN written.id ELSE decision_id END,
        flagged = CASE undone.action WHEN 'flag' THEN false WHEN 'unflag' THEN true ELSE flagged END
    WHERE id = seen.id;
    RETURN written;
END
$$;
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
    INSERT INTO review_logs (conversation_id, action, reviewer_notes, revision, reason, turn_number, decision_key,
                             duration_ms, bulk_id, status_before, status_after, decision_before, content_sha256)
    VALUES (p_conversation_id, p_action, nullif(p_notes, ''), seen.revision, nullif(p_reason, ''), p_turn_number,
            p_decision_key, p_duration_ms, p_bulk_id, seen.status, target, seen.decision_id,
            (SELECT content_sha256 FROM conversation_revisions
             WHERE conversation_id = p_conversation_id AND revision = seen.revision))
    RETURNING * INTO written;
    UPDATE conversations SET status = target, decision_id = written.id WHERE id = seen.id;
    RETURN written;
END
$$;
DROP FUNCTION second_review_of(conversations, text);
DROP FUNCTION open_decisions(text, integer);
DROP FUNCTION decisions_asked(text);
DROP TABLE second_reviews;
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_second_review;
