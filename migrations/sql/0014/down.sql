-- Ends a worker: its items go back to the queue behind a new fence, its open calls become `unknown` at their estimate.
-- Locks are taken in the order in which every verb here takes them: item, conversation, call.
CREATE OR REPLACE FUNCTION retire_worker(p_worker_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('reviewer');
    UPDATE workers SET ended_at = clock_timestamp() WHERE id = p_worker_id AND ended_at IS NULL;
    WITH lost AS (
        UPDATE generation_items SET state = 'queued', worker_id = NULL, fence = fence + 1, not_before = clock_timestamp()
        WHERE worker_id = p_worker_id AND state = 'running' RETURNING id, conversation_id
    ), forgotten AS (
        DELETE FROM generation_streams USING lost WHERE item_id = lost.id
    )
    UPDATE conversations SET status = 'planned' FROM lost
    WHERE conversations.id = lost.conversation_id AND status = 'generating';
    UPDATE generation_logs SET state = 'unknown', cost_is_estimate = true,
        -- What is no number is no estimate: nothing may keep lost work from being found.
        cost_usd = estimate_of(parameters),
        error_type = 'worker_lost',
        error_message = 'The worker ended while this call was under way. Whether it was paid is not known.'
    WHERE worker_id = p_worker_id AND state = 'sending';
END
$$;

DROP FUNCTION settle_call(bigint, jsonb, jsonb, double precision, boolean),
    reserve_call(text, text, bigint, double precision, double precision), take_turn(bigint, bigint, bigint),
    hold_model(text, text, double precision),
    refill_buckets(text, text, timestamptz);
DROP TABLE rate_reservations, rate_ratios, rate_buckets, rate_limits;
