REVOKE ALL ON FUNCTION committed_cost(bigint) FROM traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
DROP TRIGGER note_spending ON generation_logs;
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_monthly_budget_usd;

-- What a batch has cost in USD; calls that are under way count at their estimate.
CREATE OR REPLACE FUNCTION committed_cost(p_batch_id bigint) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(sum(coalesce(cost_usd, CASE WHEN state = 'sending' THEN estimate_of(parameters) END)), 0)
    FROM generation_logs AS log
    WHERE run_id = p_batch_id AND created_at >= (SELECT created_at FROM batches WHERE id = p_batch_id)
      -- A call whose end came late has a row of its own with what it really cost.
      AND NOT (state = 'unknown' AND EXISTS (SELECT FROM generation_logs AS late
               WHERE late.run_id = p_batch_id AND late.late_reply_to = log.id))
$$;

-- The row of a call, before it is sent. Raises TT011 when the item has gone to another worker, TT012 when its batch is not
-- running any more, and TT013 when the call, at its dearest, could pass the batch's budget.
CREATE OR REPLACE FUNCTION start_attempt(
    p_kind text, p_model text, p_endpoint text, p_request_payload jsonb, p_parameters jsonb, p_redactions jsonb,
    p_is_rehearsal boolean, p_worker_id bigint DEFAULT NULL, p_item_id bigint DEFAULT NULL, p_fence bigint DEFAULT NULL,
    OUT id bigint, OUT created_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    item generation_items;
    batch batches;
    spent numeric;
BEGIN
    PERFORM require_role('author');
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
            IF estimate_of(p_parameters) IS NULL THEN
                RAISE EXCEPTION 'the price of % is not known, so its budget cannot be kept', p_model USING ERRCODE = 'TT013';
            END IF;
            spent := committed_cost(batch.id);
            IF spent + estimate_of(p_parameters) > batch.budget_usd THEN
                RAISE EXCEPTION 'the next call may pass the budget of $%: $% is spent or under way',
                    trim_scale(batch.budget_usd), round(spent, 4) USING ERRCODE = 'TT013';
            END IF;
        END IF;
    END IF;
    created_at := clock_timestamp();
    PERFORM ensure_generation_partition(created_at);
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

DROP FUNCTION add_up_spending(), note_spending(), add_spending(generation_logs, numeric, numeric, integer, integer),
    under_way_of(generation_logs), unpriced_of(generation_logs), committed_in_month(timestamptz),
    month_of(timestamptz), set_model_price(jsonb);
DROP TABLE spending, model_prices;
