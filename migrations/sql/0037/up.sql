-- Each of these is the beginning of one that is there now.
DROP INDEX ix_generation_logs_created_at_id;
DROP INDEX ix_review_logs_timestamp;

-- Rows of the review log with these words in their note or reason, by ix_review_logs_said. Behind row level security no
-- index of words serves, for its operator could tell of hidden rows; so this looks as the owner, and hides what
-- settled_or_own hides.
CREATE FUNCTION review_rows_saying(p_words tsquery) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT id FROM review_logs
    WHERE (reviewer_notes IS NOT NULL OR reason IS NOT NULL)
      AND review_words(reviewer_notes, reason) @@ p_words
      AND (NOT details ? 'blind' OR reviewer_id = session_user OR session_role() = 'auditor'
           OR NOT EXISTS (SELECT FROM second_reviews AS review
                          WHERE review.conversation_id = review_logs.conversation_id
                            AND review.revision = review_logs.revision
                            AND review.state IN ('open', 'disputed')))
$$;
REVOKE ALL ON FUNCTION review_rows_saying(tsquery) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION review_rows_saying(tsquery)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
