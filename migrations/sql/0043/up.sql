-- What the calls of a batch read from the cache, wrote to it, and were refused for, is kept of weeks that are removed.

-- Prompts are grouped by thousands of tokens, each group under its longest: prices change at thousands.
CREATE TABLE retired_sums (
    run_id BIGINT NOT NULL,
    week DATE NOT NULL,
    model TEXT NOT NULL,
    day DATE NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    category TEXT,
    read BIGINT NOT NULL,
    written BIGINT NOT NULL,
    calls INTEGER NOT NULL
);
CREATE INDEX ix_retired_sums_run_id ON retired_sums (run_id);

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON retired_sums FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON retired_sums FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A removal notes in retired_calls what its calls came to, while they still stand: so they are added up here too.
CREATE FUNCTION keep_sums() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO retired_sums (run_id, week, model, day, prompt_tokens, category, read, written, calls)
    SELECT called.run_id, called.week, called.model, called.day, max(called.prompt), called.category,
           sum(called.read), sum(called.written), count(*)
    FROM (
        SELECT log.run_id, weeks.week, log.model, (log.created_at AT TIME ZONE 'UTC')::date AS day,
               CASE WHEN log.cache_read_tokens > 0 OR log.cache_write_tokens > 0
                    THEN coalesce(log.input_tokens, 0)::bigint + coalesce(log.cache_read_tokens, 0)
                         + coalesce(log.cache_write_tokens, 0)
                    ELSE 0 END AS prompt,
               CASE WHEN log.error_type = 'refusal'
                    THEN coalesce(log.response_payload->'stop_details'->>'category', 'no category') END AS category,
               coalesce(log.cache_read_tokens, 0) AS read, coalesce(log.cache_write_tokens, 0) AS written
        FROM (SELECT DISTINCT added.week FROM added) AS weeks
            JOIN generation_logs AS log ON log.created_at >= weeks.week::timestamp AT TIME ZONE 'UTC'
                AND log.created_at < (weeks.week + 7)::timestamp AT TIME ZONE 'UTC'
        WHERE log.run_id IS NOT NULL
    ) AS called
    WHERE called.prompt > 0 OR called.category IS NOT NULL
    GROUP BY called.run_id, called.week, called.model, called.day, (called.prompt + 999) / 1000, called.category;
    RETURN NULL;
END
$$;
CREATE TRIGGER keeps_sums AFTER INSERT ON retired_calls REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_sums();

REVOKE ALL ON retired_sums FROM PUBLIC;
REVOKE ALL ON FUNCTION keep_sums() FROM PUBLIC;
GRANT SELECT ON retired_sums TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
