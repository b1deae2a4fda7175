-- Where too few people review, what waits for another decision waits for good: an administrator can release it.

-- The second reviews that wait, with how many decisions are there and how many of those approve. One whose decisions were
-- all taken back waits for its first, like any conversation, and so does not count; nor does one on which anything was done
-- that the snapshot p_seen does not know, where one is given.
CREATE FUNCTION waiting_second_reviews(p_seen pg_snapshot DEFAULT NULL) RETURNS TABLE (
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

-- How many wait for another decision, and how many for one on which others disagree; how many people the most demanding of
-- them needs, null where none waits; and with p_to_release, to administrators, in how many those that are there agree. Who
-- has decided on one could tell from that what the others said: it is null to all else.
CREATE FUNCTION second_review_standing(
    p_to_release boolean DEFAULT false, OUT open bigint, OUT disputed bigint, OUT agreed bigint, OUT needed integer
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'disputed'),
           CASE WHEN p_to_release AND session_role() = 'admin' THEN count(*) FILTER (WHERE approving IN (0, decided)) END,
           max(CASE state WHEN 'disputed' THEN decided + 1 ELSE needed END)::integer
    FROM waiting_second_reviews()
$$;

-- Ends up to 1,000 of the second reviews that wait, each with its row in the log as the login behind the session: with
-- 'approve' or 'reject' those whose decisions that are there all say so, as a bulk that can be taken back; with 'reopen'
-- any, which then wait for one decision of anybody. What was decided is hidden from nobody from then on. p_seen is the
-- snapshot that they were counted with: what changed since was not seen as it stands, and is left alone. Returns how many
-- were ended, and how many more there are.
CREATE FUNCTION release_second_reviews(
    p_action text, p_bulk_id text, p_seen pg_snapshot, OUT done integer, OUT remaining integer
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    target text := CASE p_action WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' WHEN 'reopen' THEN 'generated' END;
    wanted bigint[];
    taken bigint[];
    logs bigint[];
BEGIN
    PERFORM require_role('admin');
    IF target IS NULL THEN
        RAISE EXCEPTION '"%" is not a decision', p_action USING ERRCODE = 'TT003', HINT = 'approve, reject or reopen';
    END IF;
    IF p_seen IS NULL THEN
        RAISE EXCEPTION 'a release names the snapshot that it was counted with' USING ERRCODE = 'TT003';
    END IF;
    wanted := ARRAY(SELECT id FROM waiting_second_reviews(p_seen)
                    WHERE p_action = 'reopen' OR decided = CASE p_action WHEN 'approve' THEN approving ELSE decided - approving END
                    ORDER BY id);
    PERFORM FROM conversations WHERE id = ANY(wanted[:1000]) ORDER BY id FOR NO KEY UPDATE;
    -- What is read in a statement after this stands still.
    taken := ARRAY(SELECT id FROM waiting_second_reviews(p_seen)
                   WHERE id = ANY(wanted[:1000])
                     AND (p_action = 'reopen' OR decided = CASE p_action WHEN 'approve' THEN approving ELSE decided - approving END));
    IF p_action = 'reopen' THEN  -- no bulk to be taken back: nobody wants to wait again
        logs := log_bulk(p_bulk_id, p_action, taken, target, NULL, 'handed back: one decision is enough');
        UPDATE second_reviews AS review SET state = 'ended', settled_at = clock_timestamp()
        FROM conversations AS c
        WHERE c.id = ANY(taken) AND review.conversation_id = c.conversation_id AND review.revision = c.revision;
        INSERT INTO conversation_changes (conversation_id) SELECT unnest(taken);  -- whoever looks hears of it
    ELSIF cardinality(taken) > 0 THEN
        PERFORM begin_bulk(p_bulk_id, p_action);
        logs := log_bulk(p_bulk_id, p_action, taken, target, NULL, 'settled by the decisions that were there');
        UPDATE conversations AS c SET status = target, decision_id = log.id
        FROM review_logs AS log WHERE log.id = ANY(logs) AND c.conversation_id = log.conversation_id;
    END IF;
    done := cardinality(taken);
    remaining := greatest(cardinality(wanted) - 1000, 0);
END
$$;

REVOKE ALL ON FUNCTION waiting_second_reviews(pg_snapshot), second_review_standing(boolean),
    release_second_reviews(text, text, pg_snapshot) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION second_review_standing(boolean) TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION release_second_reviews(text, text, pg_snapshot) TO traintui_admin;
