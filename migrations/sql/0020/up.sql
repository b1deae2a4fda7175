-- What a running batch shows and needs: its figures without adding up its items and calls, who watches what is being
-- written, who was here when, and whom a worker calls.

-- Figures -----------------------------------------------------------------------------------------------------------

-- What became of the items of a batch and of its calls, of each kind, as sums that are kept with each change. Each connection has a row
-- of its own, so that no two transactions wait for each other there; the figure of a batch is the sum of its rows. Cost
-- stands in `spending`. input_tokens has those of the cache too.
CREATE TABLE batch_figures (
    batch_id bigint NOT NULL,
    kind text NOT NULL,
    backend integer DEFAULT pg_backend_pid() NOT NULL,
    queued bigint DEFAULT 0 NOT NULL,
    running bigint DEFAULT 0 NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    calls bigint DEFAULT 0 NOT NULL,
    failed_calls bigint DEFAULT 0 NOT NULL,
    estimated_calls bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    CONSTRAINT pk_batch_figures PRIMARY KEY (batch_id, kind, backend)
) WITH (fillfactor = 50);

-- The rate of the last minute, and what was finished since somebody was here.
CREATE INDEX ix_generation_items_finished_at ON generation_items (finished_at) WHERE finished_at IS NOT NULL;

CREATE FUNCTION note_items() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- Of each operation only the tables that it has may be named, so each has a statement of its own.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO batch_figures AS sum (batch_id, kind, queued, running, done, failed)
        SELECT batch_id, kind, count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running'),
               count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed')
        FROM after_it GROUP BY batch_id, kind
        ON CONFLICT (batch_id, kind, backend) DO UPDATE SET queued = sum.queued + excluded.queued,
            running = sum.running + excluded.running, done = sum.done + excluded.done, failed = sum.failed + excluded.failed;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO batch_figures AS sum (batch_id, kind, queued, running, done, failed)
        SELECT batch_id, kind, -count(*) FILTER (WHERE state = 'queued'), -count(*) FILTER (WHERE state = 'running'),
               -count(*) FILTER (WHERE state = 'done'), -count(*) FILTER (WHERE state = 'failed')
        FROM before_it GROUP BY batch_id, kind
        ON CONFLICT (batch_id, kind, backend) DO UPDATE SET queued = sum.queued + excluded.queued,
            running = sum.running + excluded.running, done = sum.done + excluded.done, failed = sum.failed + excluded.failed;
    ELSIF EXISTS (SELECT FROM before_it JOIN after_it USING (id) WHERE before_it.state <> after_it.state) THEN
        INSERT INTO batch_figures AS sum (batch_id, kind, queued, running, done, failed)
        SELECT batch_id, kind, coalesce(sum(sign) FILTER (WHERE state = 'queued'), 0),
               coalesce(sum(sign) FILTER (WHERE state = 'running'), 0),
               coalesce(sum(sign) FILTER (WHERE state = 'done'), 0), coalesce(sum(sign) FILTER (WHERE state = 'failed'), 0)
        FROM (SELECT batch_id, kind, state, 1 AS sign FROM after_it
              UNION ALL SELECT batch_id, kind, state, -1 FROM before_it) AS change
        GROUP BY batch_id, kind
        ON CONFLICT (batch_id, kind, backend) DO UPDATE SET queued = sum.queued + excluded.queued,
            running = sum.running + excluded.running, done = sum.done + excluded.done, failed = sum.failed + excluded.failed;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_items_inserted AFTER INSERT ON generation_items
    REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION note_items();
CREATE TRIGGER note_items_updated AFTER UPDATE ON generation_items
    REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION note_items();
CREATE TRIGGER note_items_deleted AFTER DELETE ON generation_items
    REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION note_items();

-- What a call adds to the figures of its batch: whether it failed, whether its cost is an estimate, its tokens.
CREATE FUNCTION tokens_in(log generation_logs) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(log.input_tokens, 0) + coalesce(log.cache_read_tokens, 0) + coalesce(log.cache_write_tokens, 0)
$$;

-- A call that is about an opinion counts with those, all others with what is generated.
CREATE FUNCTION item_kind_of(log generation_logs) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN log.kind = 'judge' THEN 'judge' ELSE 'generate' END
$$;

-- 1 for a call that failed. A probe that is answered with an error has found something out.
CREATE FUNCTION failures_of(log generation_logs) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(log.state IN ('error', 'unknown') AND log.kind <> 'probe', false)::integer
$$;

CREATE FUNCTION note_calls() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before generation_logs;
    settled integer := 0;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := OLD;
    ELSIF NEW.late_reply_to IS NOT NULL AND NOT EXISTS (SELECT FROM generation_logs AS late WHERE late.id > NEW.late_reply_to
        AND late.late_reply_to = NEW.late_reply_to AND late.id <> NEW.id) THEN
        -- The estimate of a call that was given up does not count once its late reply is here.
        SELECT log.cost_is_estimate::integer INTO settled FROM generation_logs AS log
        WHERE log.id = NEW.late_reply_to AND log.state = 'unknown';
    END IF;
    INSERT INTO batch_figures AS sum (batch_id, kind, calls, failed_calls, estimated_calls, input_tokens, output_tokens)
    VALUES (NEW.run_id, item_kind_of(NEW), (TG_OP = 'INSERT')::integer, failures_of(NEW) - failures_of(before),
            NEW.cost_is_estimate::integer - coalesce(before.cost_is_estimate, false)::integer - coalesce(settled, 0),
            tokens_in(NEW) - tokens_in(before), coalesce(NEW.output_tokens, 0) - coalesce(before.output_tokens, 0))
    ON CONFLICT (batch_id, kind, backend) DO UPDATE
    SET calls = sum.calls + excluded.calls, failed_calls = sum.failed_calls + excluded.failed_calls,
        estimated_calls = sum.estimated_calls + excluded.estimated_calls,
        input_tokens = sum.input_tokens + excluded.input_tokens, output_tokens = sum.output_tokens + excluded.output_tokens;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_calls AFTER INSERT OR UPDATE ON generation_logs FOR EACH ROW WHEN (NEW.run_id IS NOT NULL)
    EXECUTE FUNCTION note_calls();

-- Adds up items and log anew: for what was there before the triggers. Writers wait until this is committed.
CREATE FUNCTION add_up_batches() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    LOCK TABLE generation_items, generation_logs IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM batch_figures;
    INSERT INTO batch_figures (batch_id, kind, backend, queued, running, done, failed)
    SELECT batch_id, kind, 0, count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running'),
           count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed')
    FROM generation_items GROUP BY batch_id, kind;
    INSERT INTO batch_figures AS sum
        (batch_id, kind, backend, calls, failed_calls, estimated_calls, input_tokens, output_tokens)
    SELECT run_id, item_kind_of(log), 0, count(*), sum(failures_of(log)),
           count(*) FILTER (WHERE cost_is_estimate AND NOT replaced), sum(tokens_in(log)), coalesce(sum(output_tokens), 0)
    FROM generation_logs AS log, LATERAL (SELECT state = 'unknown' AND id IN (
        SELECT late_reply_to FROM generation_logs WHERE late_reply_to IS NOT NULL) AS replaced) AS estimate
    WHERE run_id IS NOT NULL GROUP BY 1, 2
    ON CONFLICT (batch_id, kind, backend) DO UPDATE
    SET calls = excluded.calls, failed_calls = excluded.failed_calls, estimated_calls = excluded.estimated_calls,
        input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens;
END
$$;
SELECT add_up_batches();

-- When a batch last went from one state to another.
ALTER TABLE batches ADD COLUMN changed_at timestamptz DEFAULT now() NOT NULL;
UPDATE batches SET changed_at = coalesce(finished_at, started_at, created_at);
CREATE FUNCTION note_batch_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER note_batch_state BEFORE UPDATE ON batches FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state)
    EXECUTE FUNCTION note_batch_state();

-- Watching ----------------------------------------------------------------------------------------------------------

-- Whose screen shows a batch, for some seconds unless it says so again, and which of its calls it is shown. Worth nothing
-- after a crash, as what is being written.
CREATE UNLOGGED TABLE generation_watches (
    watcher uuid CONSTRAINT pk_generation_watches PRIMARY KEY,
    batch_id bigint NOT NULL,
    watched_until timestamptz NOT NULL,
    item_id bigint,
    fence bigint
);
-- A worker that was fenced may write in the same moment: what it wrote is not taken for its successor's.
ALTER TABLE generation_streams ADD COLUMN fence bigint DEFAULT 0 NOT NULL;

-- Says that a screen shows a batch for the next seconds.
CREATE FUNCTION watch_batch(p_watcher uuid, p_batch_id bigint, p_seconds double precision) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM generation_watches WHERE watched_until < clock_timestamp() AND watcher <> p_watcher;
    INSERT INTO generation_watches AS watch (watcher, batch_id, watched_until)
    VALUES (p_watcher, p_batch_id, clock_timestamp() + make_interval(secs => p_seconds))
    ON CONFLICT (watcher) DO UPDATE SET batch_id = excluded.batch_id, watched_until = excluded.watched_until,
        item_id = CASE WHEN watch.batch_id = excluded.batch_id THEN watch.item_id END,
        fence = CASE WHEN watch.batch_id = excluded.batch_id THEN watch.fence END;
END
$$;

CREATE FUNCTION end_watch(p_watcher uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM generation_watches WHERE watcher = p_watcher
$$;

-- Whether the call that is about to begin is shown to somebody: to whom watches its batch and is shown no other one.
CREATE FUNCTION show_call(p_item_id bigint, p_fence bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    UPDATE generation_watches AS watch SET item_id = p_item_id, fence = p_fence
    FROM generation_items AS item
    WHERE item.id = p_item_id AND item.fence = p_fence AND watch.batch_id = item.batch_id
      AND watch.watched_until > clock_timestamp()
      AND (watch.item_id IS NULL OR watch.item_id = p_item_id OR NOT EXISTS (
            SELECT FROM generation_items AS shown
            WHERE shown.id = watch.item_id AND shown.fence = watch.fence AND shown.state = 'running'));
    RETURN FOUND;
END
$$;

-- Being here --------------------------------------------------------------------------------------------------------

-- When each person last had the app open.
CREATE TABLE presence (
    login text CONSTRAINT pk_presence PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- Notes that whoever asks is here now; when that was noted last, or NULL.
CREATE FUNCTION note_presence() RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before timestamptz;
BEGIN
    SELECT seen_at INTO before FROM presence WHERE login = session_user FOR NO KEY UPDATE;
    INSERT INTO presence (login, seen_at) VALUES (session_user, clock_timestamp())
    ON CONFLICT (login) DO UPDATE SET seen_at = excluded.seen_at;
    RETURN before;
END
$$;

-- Whom a worker calls, as the ledger has it; NULL when it takes no more work.
ALTER TABLE workers ADD COLUMN endpoint text;
GRANT INSERT (endpoint), UPDATE (endpoint) ON workers TO traintui_author;

REVOKE ALL ON batch_figures, generation_watches, presence FROM PUBLIC;
GRANT SELECT ON batch_figures, generation_watches, presence
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION note_items(), note_calls(), tokens_in(generation_logs), item_kind_of(generation_logs),
    failures_of(generation_logs), add_up_batches(), note_batch_state(),
    watch_batch(uuid, bigint, double precision), end_watch(uuid), show_call(bigint, bigint), note_presence() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION watch_batch(uuid, bigint, double precision), end_watch(uuid), note_presence()
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION show_call(bigint, bigint) TO traintui_author;
