-- What a provider can, as far as somebody has asked or seen it: of an address as a whole (model '') or of one model there.
-- log_id and logged_at name the call that showed it; it may be gone from the log by now.
CREATE TABLE provider_capabilities (
    endpoint text NOT NULL,
    model text DEFAULT '' NOT NULL,
    capability text NOT NULL,
    supported boolean NOT NULL,
    basis text NOT NULL,
    seen text NOT NULL,
    log_id bigint,
    logged_at timestamptz,
    found_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_provider_capabilities PRIMARY KEY (endpoint, model, capability),
    CONSTRAINT ck_provider_capabilities_capability CHECK (
        capability IN ('structured_output', 'count_tokens', 'caching', 'batches', 'rate_limits')),
    CONSTRAINT ck_provider_capabilities_basis CHECK (basis IN ('probe', 'call'))
);

-- Takes over what a call has shown. What nobody has seen for a quarter is forgotten: its address is hardly used any more.
CREATE FUNCTION note_capability(
    p_endpoint text, p_model text, p_capability text, p_supported boolean, p_basis text, p_seen text, p_log_id bigint,
    p_logged_at timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    DELETE FROM provider_capabilities WHERE found_at < clock_timestamp() - interval '90 days';
    INSERT INTO provider_capabilities AS known (endpoint, model, capability, supported, basis, seen, log_id, logged_at)
    VALUES (p_endpoint, p_model, p_capability, p_supported, p_basis, p_seen, p_log_id, p_logged_at)
    ON CONFLICT (endpoint, model, capability) DO UPDATE
    SET supported = excluded.supported, basis = excluded.basis, seen = excluded.seen, log_id = excluded.log_id,
        logged_at = excluded.logged_at, found_at = clock_timestamp();
END
$$;

-- Forgets what is known of an address, so that it is asked again before the next call. Returns how much that was.
CREATE FUNCTION forget_capabilities(p_endpoint text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number integer;
BEGIN
    PERFORM require_role('author');
    DELETE FROM provider_capabilities WHERE endpoint = p_endpoint;
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END
$$;

-- The row of a probe, before it is sent: a call that belongs to no conversation, made for a batch or for none. Where it
-- costs something it is held to the budgets as any call: TT012 when the batch does not run, TT013 at a budget.
CREATE FUNCTION start_probe(
    p_batch_id bigint, p_model text, p_endpoint text, p_request_payload jsonb, p_parameters jsonb, p_redactions jsonb,
    p_is_rehearsal boolean, p_worker_id bigint, OUT id bigint, OUT created_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    batch batches;
    estimate numeric := estimate_of(p_parameters);
    budget numeric;
BEGIN
    PERFORM require_role('author');
    IF p_batch_id IS NOT NULL THEN
        -- Calls of all workers wait here for each other, as in start_attempt.
        SELECT * INTO batch FROM batches WHERE batches.id = p_batch_id FOR NO KEY UPDATE;
        IF batch.state IS DISTINCT FROM 'running' THEN
            RAISE EXCEPTION 'batch % is %', p_batch_id, coalesce(batch.state, 'gone') USING ERRCODE = 'TT012';
        END IF;
    END IF;
    IF estimate IS DISTINCT FROM 0 AND batch.budget_usd IS NOT NULL
       AND (estimate IS NULL OR committed_cost(batch.id) + estimate > batch.budget_usd) THEN
        RAISE EXCEPTION 'asking % what it can may pass the budget of $%', p_endpoint, trim_scale(batch.budget_usd)
            USING ERRCODE = 'TT013';
    END IF;
    IF estimate IS DISTINCT FROM 0 AND NOT p_is_rehearsal THEN
        SELECT value::numeric INTO budget FROM workspace_settings
        WHERE key = 'monthly_budget_usd' AND jsonb_typeof(value) = 'number' FOR NO KEY UPDATE;
        IF budget IS NOT NULL
           AND (estimate IS NULL OR committed_in_month(clock_timestamp()) + estimate > budget) THEN
            RAISE EXCEPTION 'a call that tries something may pass the budget of $% for %', trim_scale(budget),
                to_char(month_of(clock_timestamp()), 'FMMonth YYYY') USING ERRCODE = 'TT013';
        END IF;
    END IF;
    created_at := clock_timestamp();
    PERFORM ensure_generation_partition(created_at);
    INSERT INTO generation_logs AS log (
        created_at, run_id, worker_id, kind, state, requested_by, endpoint, is_rehearsal, model, request_payload,
        parameters, redactions)
    VALUES (created_at, p_batch_id, p_worker_id, 'probe', 'sending', coalesce(batch.requested_by, session_user), p_endpoint,
            p_is_rehearsal, p_model, p_request_payload, p_parameters, p_redactions)
    RETURNING log.id INTO id;
END
$$;

REVOKE ALL ON provider_capabilities FROM PUBLIC;
GRANT SELECT ON provider_capabilities TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION note_capability(text, text, text, boolean, text, text, bigint, timestamptz),
    forget_capabilities(text), start_probe(bigint, text, text, jsonb, jsonb, jsonb, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_capability(text, text, text, boolean, text, text, bigint, timestamptz),
    forget_capabilities(text), start_probe(bigint, text, text, jsonb, jsonb, jsonb, boolean, bigint) TO traintui_author;
