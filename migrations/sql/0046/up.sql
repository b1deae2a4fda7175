-- What a month came to, once it is over: the query log is kept for five weeks only, and a month is read beside the one
-- before. It is made of what stands in the tables of the query log and of samples, and no record that seals cover.
CREATE TABLE monthly_figures (
    month DATE NOT NULL,
    figures JSONB NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    made_by TEXT DEFAULT session_user NOT NULL,
    CONSTRAINT pk_monthly_figures PRIMARY KEY (month),
    CONSTRAINT ck_monthly_figures_month CHECK (month = date_trunc('month', month::timestamp)::date),
    CONSTRAINT ck_monthly_figures_figures CHECK (
        jsonb_typeof(figures) = 'object' AND pg_column_size(figures) <= 4000000)
);

-- Keeps what a month came to that is over and was sampled, once. Only administrators: others are shown what stands there,
-- with statements that mend something. Returns whether it was not there yet.
CREATE FUNCTION note_month(p_month date, p_figures jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    IF (p_month + interval '1 month') > clock_timestamp() AT TIME ZONE 'UTC' THEN
        RAISE EXCEPTION 'this month is not over' USING ERRCODE = 'TT003';
    END IF;
    IF NOT EXISTS (SELECT FROM server_samples WHERE at >= p_month::timestamp AT TIME ZONE 'UTC'
                   AND at < (p_month + interval '1 month') AT TIME ZONE 'UTC') THEN
        RAISE EXCEPTION 'nothing was sampled in this month' USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO monthly_figures (month, figures) VALUES (p_month, p_figures) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- What was generated, reviewed and exported in a time, in numbers alone.
CREATE FUNCTION work_between(p_begin timestamptz, p_end timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_object(
        -- Served by ix_conversations_created_at_id.
        'conversations', (SELECT count(*) FROM conversations WHERE created_at >= p_begin AND created_at < p_end),
        'imported', (SELECT coalesce(sum(imported), 0) FROM imports WHERE started_at >= p_begin AND started_at < p_end),
        'calls', coalesce(s.calls, 0), 'rehearsal_calls', coalesce(s.rehearsal_calls, 0),
        'unpriced_calls', coalesce(s.unpriced, 0), 'spent_usd', coalesce(s.spent, 0)::text,
        'decisions', r.decisions, 'approvals', r.approvals, 'edits', r.edits, 'undone', r.undone, 'reviewers', r.reviewers,
        'median_seconds', r.median_ms / 1000,
        'exports', (SELECT count(*) FROM export_logs
                    WHERE exported_at >= p_begin AND exported_at < p_end AND state = 'succeeded'),
        'exported', (SELECT coalesce(sum(conversation_count), 0) FROM export_logs
                     WHERE exported_at >= p_begin AND exported_at < p_end AND state = 'succeeded'))
    FROM (SELECT sum(calls) FILTER (WHERE NOT is_rehearsal) AS calls, sum(calls) FILTER (WHERE is_rehearsal) AS rehearsal_calls,
                 sum(unpriced_calls) AS unpriced, sum(spent_usd) FILTER (WHERE NOT is_rehearsal) AS spent
          FROM spending
          WHERE month >= (p_begin AT TIME ZONE 'UTC')::date AND month < (p_end AT TIME ZONE 'UTC')::date) AS s,
         -- Served by ix_review_logs_timestamp_id.
         (SELECT count(*) FILTER (WHERE action IN ('approve', 'reject')) AS decisions,
                 count(*) FILTER (WHERE action = 'approve') AS approvals, count(*) FILTER (WHERE action = 'edit') AS edits,
                 count(*) FILTER (WHERE action = 'undo') AS undone, count(DISTINCT reviewer_id) AS reviewers,
                 percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE action IN ('approve', 'reject')) AS median_ms
          FROM review_logs WHERE "timestamp" >= p_begin AND "timestamp" < p_end) AS r
$$;

-- Of each statement the time that it took longest in a time, the longest first: without what it was asked with, and by whom.
CREATE FUNCTION slowest_statements(p_begin timestamptz, p_end timestamptz, p_limit integer)
RETURNS TABLE (label text, statement text, times bigint, most_us bigint, last_at timestamptz, plan_hash text, statement_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT s.label, (array_agg(s.statement ORDER BY s.duration_us DESC))[1], count(*), max(s.duration_us), max(s.at),
           (array_agg(s.plan_hash ORDER BY s.duration_us DESC) FILTER (WHERE s.plan_hash IS NOT NULL))[1], s.statement_hash
    FROM slow_queries AS s WHERE s.at >= p_begin AND s.at < p_end
    GROUP BY s.label, s.statement_hash ORDER BY max(s.duration_us) DESC, s.label LIMIT least(p_limit, 100)
$$;

REVOKE ALL ON monthly_figures FROM PUBLIC;
GRANT SELECT ON monthly_figures TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION note_month(date, jsonb), work_between(timestamptz, timestamptz),
    slowest_statements(timestamptz, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_month(date, jsonb), work_between(timestamptz, timestamptz),
    slowest_statements(timestamptz, timestamptz, integer)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
