-- What calls cost: prices with effective dates, what was spent by each batch in each month, and a budget for the month.

-- USD per million tokens, from a day (UTC) on. A prompt of more than long_prompt_over tokens pays the long rates for all
-- of its tokens; a call through a provider's batches pays batch_factor of every price.
CREATE TABLE model_prices (
    model text NOT NULL,
    effective_from date NOT NULL,
    input numeric(12, 6) NOT NULL,
    output numeric(12, 6) NOT NULL,
    cache_read numeric(12, 6) NOT NULL,
    cache_write_5m numeric(12, 6) NOT NULL,
    cache_write_1h numeric(12, 6) NOT NULL,
    long_prompt_over integer,
    long_input numeric(12, 6),
    long_output numeric(12, 6),
    long_cache_read numeric(12, 6),
    long_cache_write_5m numeric(12, 6),
    long_cache_write_1h numeric(12, 6),
    batch_factor numeric(5, 4) DEFAULT 0.5 NOT NULL,
    set_by text DEFAULT session_user NOT NULL,
    set_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_model_prices PRIMARY KEY (model, effective_from),
    CONSTRAINT ck_model_prices_model CHECK (model ~ '^\S+$' AND char_length(model) <= 200),
    -- Above the greatest number stands NaN, which a plain `>= 0` would let in.
    CONSTRAINT ck_model_prices_rates CHECK (
        input BETWEEN 0 AND 100000 AND output BETWEEN 0 AND 100000 AND cache_read BETWEEN 0 AND 100000
        AND cache_write_5m BETWEEN 0 AND 100000 AND cache_write_1h BETWEEN 0 AND 100000),
    CONSTRAINT ck_model_prices_long_prompt CHECK (
        num_nulls(long_prompt_over, long_input, long_output, long_cache_read, long_cache_write_5m, long_cache_write_1h)
            IN (0, 6)
        AND long_prompt_over > 0 AND long_input BETWEEN 0 AND 100000 AND long_output BETWEEN 0 AND 100000
        AND long_cache_read BETWEEN 0 AND 100000 AND long_cache_write_5m BETWEEN 0 AND 100000
        AND long_cache_write_1h BETWEEN 0 AND 100000),
    CONSTRAINT ck_model_prices_batch_factor CHECK (batch_factor BETWEEN 0 AND 1)
);

-- The list as of November 2026 (platform.claude.com, Pricing). Writing to the cache costs 1.25 of the input price for
-- five minutes, and twice for an hour.
INSERT INTO model_prices (model, effective_from, input, output, cache_read, cache_write_5m, cache_write_1h, set_by)
SELECT model, '2026-10-07', input, output, cache_read, input * 1.25, input * 2, 'traintui'
FROM (VALUES ('claude-opus-5-5', 4, 20, 0.20), ('claude-opus-5', 5, 25, 0.50), ('claude-sonnet-5-5', 2, 10, 0.10),
             ('claude-sonnet-5', 2, 10, 0.20), ('claude-fable-5-1', 10, 50, 0.25), ('claude-haiku-4-5', 1, 5, 0.10),
             ('claude-haiku-5-5', 0.10, 0.50, 0.01)) AS listed(model, input, output, cache_read);
UPDATE model_prices SET long_prompt_over = 100000, long_input = 0.50, long_output = 2.50, long_cache_read = 0.05,
    long_cache_write_5m = 0.625, long_cache_write_1h = 1 WHERE model = 'claude-haiku-5-5';

-- Sets the price of a model from a day on. What is in effect stays: a price begins today (UTC) or later, or it is the
-- first of its model. One that begins today or later may be set again. The change goes on record with the settings.
CREATE FUNCTION set_model_price(p_price jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given model_prices := jsonb_populate_record(NULL::model_prices, p_price);
    before model_prices;
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    PERFORM require_role('admin');
    PERFORM pg_advisory_xact_lock(7453, 14);
    SELECT * INTO before FROM model_prices AS price
    WHERE price.model = given.model AND price.effective_from <= greatest(given.effective_from, today)
    ORDER BY price.effective_from DESC LIMIT 1;
    IF given.effective_from < today AND before.model IS NOT NULL THEN
        RAISE EXCEPTION 'the price of % has been in effect since %: a new one begins today or later',
            given.model, before.effective_from USING ERRCODE = 'TT003';
    END IF;
    given.batch_factor := coalesce(given.batch_factor, 0.5);
    given.set_by := session_user;
    given.set_at := clock_timestamp();
    DELETE FROM model_prices AS price WHERE price.model = given.model AND price.effective_from = given.effective_from;
    INSERT INTO model_prices SELECT given.*;
    INSERT INTO workspace_setting_changes (key, old_value, new_value, changed_by)
    VALUES ('model_prices.' || given.model, CASE WHEN before.model IS NOT NULL THEN to_jsonb(before) END, to_jsonb(given),
            session_user);
END
$$;

-- Spending ---------------------------------------------------------------------------------------------------------

-- What was spent, and what calls under way may cost at most, for each batch, month (UTC), worker and model: sums over
-- generation_logs that a budget can be held against without adding up the log for each call. Each worker has rows of its
-- own, so that none waits for another, and none can wait in a circle. A run_id or worker_id of 0 stands for none.
-- unpriced_calls counts replies with no known cost.
CREATE TABLE spending (
    month date NOT NULL,
    run_id bigint NOT NULL,
    worker_id bigint NOT NULL,
    model text NOT NULL,
    is_rehearsal boolean NOT NULL,
    spent_usd numeric DEFAULT 0 NOT NULL,
    under_way_usd numeric DEFAULT 0 NOT NULL,
    calls bigint DEFAULT 0 NOT NULL,
    unpriced_calls bigint DEFAULT 0 NOT NULL,
    CONSTRAINT pk_spending PRIMARY KEY (month, run_id, worker_id, model, is_rehearsal)
) WITH (fillfactor = 50);
CREATE INDEX ix_spending_run_id ON spending (run_id);

CREATE FUNCTION month_of(moment timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT date_trunc('month', moment AT TIME ZONE 'UTC')::date
$$;

-- What a call adds to the sum of calls under way.
CREATE FUNCTION under_way_of(log generation_logs) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN log.state = 'sending' AND log.cost_usd IS NULL THEN coalesce(estimate_of(log.parameters), 0) ELSE 0 END
$$;

-- 1 for a reply whose cost is not known.
CREATE FUNCTION unpriced_of(log generation_logs) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (log.state <> 'sending' AND log.cost_usd IS NULL AND coalesce(log.output_tokens, 0) > 0)::integer
$$;

CREATE FUNCTION add_spending(log generation_logs, p_spent numeric, p_under_way numeric, p_calls integer, p_unpriced integer)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO spending AS sum
        (month, run_id, worker_id, model, is_rehearsal, spent_usd, under_way_usd, calls, unpriced_calls)
    VALUES (month_of(log.created_at), coalesce(log.run_id, 0), coalesce(log.worker_id, 0), log.model, log.is_rehearsal,
            p_spent, p_under_way, p_calls, p_unpriced)
    ON CONFLICT (month, run_id, worker_id, model, is_rehearsal) DO UPDATE
    SET spent_usd = sum.spent_usd + excluded.spent_usd, under_way_usd = sum.under_way_usd + excluded.under_way_usd,
        calls = sum.calls + excluded.calls, unpriced_calls = sum.unpriced_calls + excluded.unpriced_calls
$$;

-- The estimate of a call that was given up does not count once its late reply is here with what it really cost.
CREATE FUNCTION note_spending() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given_up generation_logs;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM add_spending(NEW, coalesce(NEW.cost_usd, 0) - coalesce(OLD.cost_usd, 0),
                             under_way_of(NEW) - under_way_of(OLD), 0, unpriced_of(NEW) - unpriced_of(OLD));
        RETURN NULL;
    END IF;
    IF NEW.late_reply_to IS NOT NULL THEN
        SELECT * INTO given_up FROM generation_logs AS log WHERE log.id = NEW.late_reply_to AND log.state = 'unknown';
        IF given_up.cost_usd <> 0 AND NOT EXISTS (SELECT FROM generation_logs AS late WHERE late.id > NEW.late_reply_to
            AND late.late_reply_to = NEW.late_reply_to AND late.id <> NEW.id) THEN
            PERFORM add_spending(given_up, -given_up.cost_usd, 0, 0, 0);
        END IF;
    END IF;
    PERFORM add_spending(NEW, coalesce(NEW.cost_usd, 0), under_way_of(NEW), 1, unpriced_of(NEW));
    RETURN NULL;
END
$$;
CREATE TRIGGER note_spending AFTER INSERT OR UPDATE ON generation_logs FOR EACH ROW EXECUTE FUNCTION note_spending();

-- Adds up the whole log anew: for what was loaded without the trigger. Writers wait until this is committed, so that no
-- call is left out and none counts twice.
CREATE FUNCTION add_up_spending() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    LOCK TABLE generation_logs IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM spending;
    INSERT INTO spending (month, run_id, worker_id, model, is_rehearsal, spent_usd, under_way_usd, calls, unpriced_calls)
    SELECT month_of(created_at), coalesce(run_id, 0), coalesce(worker_id, 0), model, is_rehearsal,
           coalesce(sum(cost_usd) FILTER (WHERE NOT replaced), 0), sum(under_way_of(log)), count(*), sum(unpriced_of(log))
    FROM generation_logs AS log, LATERAL (SELECT state = 'unknown' AND id IN (
        SELECT late_reply_to FROM generation_logs WHERE late_reply_to IS NOT NULL) AS replaced) AS estimate
    GROUP BY 1, 2, 3, 4, 5;
END
$$;
SELECT add_up_spending();

-- What a batch has cost in USD; calls that are under way count at their estimate.
CREATE OR REPLACE FUNCTION committed_cost(p_batch_id bigint) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(spent_usd + under_way_usd), 0) FROM spending WHERE run_id = p_batch_id
$$;

-- The same for all that was paid for in the month of a moment. A rehearsal is not paid.
CREATE FUNCTION committed_in_month(moment timestamptz) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(spent_usd + under_way_usd), 0) FROM spending WHERE month = month_of(moment) AND NOT is_rehearsal
$$;

-- The month's budget is a setting: a number above 0, or null for none.
ALTER TABLE workspace_settings ADD CONSTRAINT ck_workspace_settings_monthly_budget_usd CHECK (
    key <> 'monthly_budget_usd' OR CASE jsonb_typeof(value)
        WHEN 'null' THEN true WHEN 'number' THEN value::numeric > 0 AND value::numeric <= 100000000 ELSE false END);

-- The row of a call, before it is sent. Raises TT011 when the item has gone to another worker, TT012 when its batch is not
-- running any more, and TT013 when the call, at its dearest, could pass the budget of the batch or of the month.
CREATE OR REPLACE FUNCTION start_attempt(
    p_kind text, p_model text, p_endpoint text, p_request_payload jsonb, p_parameters jsonb, p_redactions jsonb,
    p_is_rehearsal boolean, p_worker_id bigint DEFAULT NULL, p_item_id bigint DEFAULT NULL, p_fence bigint DEFAULT NULL,
    OUT id bigint, OUT created_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    batch batches;
    estimate numeric := estimate_of(p_parameters);
    budget numeric;
    spent numeric;
BEGIN
    PERFORM require_role('author');
    created_at := clock_timestamp();
    PERFORM ensure_generation_partition(created_at);
    IF p_item_id IS NOT NULL THEN
        UPDATE generation_items AS i SET attempts = attempts + 1
        WHERE i.id = p_item_id AND i.fence = p_fence AND i.state = 'running' RETURNING * INTO item;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'item % has gone to another worker', p_item_id USING ERRCODE = 'TT011';
        END IF;
        SELECT * INTO batch FROM batches WHERE batches.id = item.batch_id;
        IF batch.state <> 'running' THEN
            RAISE EXCEPTION 'batch % is %', batch.id, batch.state USING ERRCODE = 'TT012';
        END IF;
        IF batch.budget_usd IS NOT NULL THEN
            -- Calls of all workers wait here for each other, so that none begins beside the count.
            PERFORM FROM batches WHERE batches.id = batch.id FOR NO KEY UPDATE;
            IF estimate IS NULL THEN
                RAISE EXCEPTION 'the price of % is not known, so its budget cannot be kept', p_model USING ERRCODE = 'TT013';
            END IF;
            spent := committed_cost(batch.id);
            IF spent + estimate > batch.budget_usd THEN
                RAISE EXCEPTION 'the next call may pass the budget of $%: $% is spent or under way',
                    trim_scale(batch.budget_usd), round(spent, 4) USING ERRCODE = 'TT013';
            END IF;
        END IF;
    END IF;
    -- Only these kinds are paid for; counting tokens and asking after a provider's batches are not.
    IF NOT p_is_rehearsal AND p_kind IN ('generate', 'judge', 'batch_item') THEN
        SELECT value::numeric INTO budget FROM workspace_settings
        WHERE key = 'monthly_budget_usd' AND jsonb_typeof(value) = 'number' FOR NO KEY UPDATE;
        IF budget IS NOT NULL AND estimate IS NULL THEN
            RAISE EXCEPTION 'the price of % is not known, so the budget of the month cannot be kept', p_model
                USING ERRCODE = 'TT013';
        END IF;
        -- The moment is read again: whoever waited may be in another month by now.
        created_at := clock_timestamp();
        IF budget IS NOT NULL THEN
            spent := committed_in_month(created_at);
            IF spent + estimate > budget THEN
                RAISE EXCEPTION 'the next call may pass the budget of $% for %: $% is spent or under way',
                    trim_scale(budget), to_char(month_of(created_at), 'FMMonth YYYY'), round(spent, 4)
                    USING ERRCODE = 'TT013';
            END IF;
        END IF;
        PERFORM ensure_generation_partition(created_at);
    END IF;
    INSERT INTO generation_logs AS log (
        created_at, conversation_id, run_id, item_id, fence, attempt, template_id, template_version, worker_id, kind, state,
        requested_by, endpoint, is_rehearsal, model, request_payload, parameters, redactions)
    VALUES (
        created_at, (SELECT c.conversation_id FROM conversations AS c WHERE c.id = item.conversation_id), batch.id, item.id,
        item.fence, coalesce(item.attempts, 1), batch.template_id,
        (SELECT version FROM templates WHERE templates.id = batch.template_id), p_worker_id, p_kind, 'sending',
        coalesce(batch.requested_by, session_user), p_endpoint, p_is_rehearsal, p_model, p_request_payload, p_parameters,
        p_redactions)
    RETURNING log.id INTO id;
END
$$;

GRANT SELECT ON model_prices, spending TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION set_model_price(jsonb), month_of(timestamptz), under_way_of(generation_logs),
    unpriced_of(generation_logs), add_spending(generation_logs, numeric, numeric, integer, integer), note_spending(),
    add_up_spending(), committed_in_month(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION month_of(timestamptz), committed_cost(bigint), committed_in_month(timestamptz)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION set_model_price(jsonb) TO traintui_admin;
