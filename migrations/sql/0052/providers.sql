-- What stands in the tables of prices, of what was spent, and of what providers allow.

COMMENT ON TABLE model_prices IS
    'What a model costs from a day (UTC) on, in USD per million tokens. A price in effect is never changed.';
COMMENT ON COLUMN model_prices.model IS 'The model.';
COMMENT ON COLUMN model_prices.effective_from IS 'The first day (UTC) on which it holds.';
COMMENT ON COLUMN model_prices.input IS 'USD per million input tokens.';
COMMENT ON COLUMN model_prices.output IS 'USD per million output tokens.';
COMMENT ON COLUMN model_prices.cache_read IS 'USD per million tokens read from the cache.';
COMMENT ON COLUMN model_prices.cache_write_5m IS 'USD per million tokens written to the cache for five minutes.';
COMMENT ON COLUMN model_prices.cache_write_1h IS 'USD per million tokens written to the cache for an hour.';
COMMENT ON COLUMN model_prices.long_prompt_over IS
    'From how many prompt tokens on the long prices hold. Null where there are none.';
COMMENT ON COLUMN model_prices.long_input IS 'As input, for long prompts. Null where there are no long prices.';
COMMENT ON COLUMN model_prices.long_output IS 'As output, for long prompts. Null where there are no long prices.';
COMMENT ON COLUMN model_prices.long_cache_read IS 'As cache_read, for long prompts. Null where there are no long prices.';
COMMENT ON COLUMN model_prices.long_cache_write_5m IS 'As cache_write_5m, for long prompts. Null where there are no long prices.';
COMMENT ON COLUMN model_prices.long_cache_write_1h IS 'As cache_write_1h, for long prompts. Null where there are no long prices.';
COMMENT ON COLUMN model_prices.batch_factor IS 'What of the price a call through the Message Batches API costs, such as 0.5.';
COMMENT ON COLUMN model_prices.set_by IS 'The login that set it.';
COMMENT ON COLUMN model_prices.set_at IS 'When it was set (UTC).';

COMMENT ON TABLE spending IS
    'What a batch has spent in a month through one worker and model. A trigger on the generation log keeps it.';
COMMENT ON COLUMN spending.month IS 'The first day of the month (UTC).';
COMMENT ON COLUMN spending.run_id IS 'The batch; 0 for calls of none.';
COMMENT ON COLUMN spending.worker_id IS 'The worker; 0 for calls of none.';
COMMENT ON COLUMN spending.model IS 'The model.';
COMMENT ON COLUMN spending.is_rehearsal IS 'Whether the rehearsal answered.';
COMMENT ON COLUMN spending.spent_usd IS 'What the calls that ended cost, in USD.';
COMMENT ON COLUMN spending.under_way_usd IS 'What the calls under way may cost at most, in USD.';
COMMENT ON COLUMN spending.calls IS 'How many calls ended.';
COMMENT ON COLUMN spending.unpriced_calls IS 'Replies whose cost is not known.';

COMMENT ON TABLE rate_limits IS
    'A model at an address: until when it is held back, and how many calls at once it takes. Unlogged.';
COMMENT ON COLUMN rate_limits.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN rate_limits.model IS 'The model.';
COMMENT ON COLUMN rate_limits.held_until IS 'Until when nothing is sent (UTC). Null where nothing holds it back.';
COMMENT ON COLUMN rate_limits.in_flight_limit IS
    'How many calls at once, where the provider names no limits. Null where it does.';
COMMENT ON COLUMN rate_limits.best_latency_ms IS 'The quickest answer so far, in milliseconds. Null until there is one.';
COMMENT ON COLUMN rate_limits.updated_at IS 'When it last changed (UTC).';

COMMENT ON TABLE rate_buckets IS
    'What is left of a minute''s requests, input or output tokens. Unlogged.';
COMMENT ON COLUMN rate_buckets.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN rate_buckets.model IS 'The model.';
COMMENT ON COLUMN rate_buckets.kind IS 'requests, input or output.';
COMMENT ON COLUMN rate_buckets.per_minute IS 'How much a minute allows.';
COMMENT ON COLUMN rate_buckets.level IS 'What was left at seen_at; below zero where more was used than thought.';
COMMENT ON COLUMN rate_buckets.seen_at IS 'When the level was right (UTC).';

COMMENT ON TABLE rate_ratios IS
    'How much of an estimate the calls of a model really use. Unlogged.';
COMMENT ON COLUMN rate_ratios.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN rate_ratios.model IS 'The model.';
COMMENT ON COLUMN rate_ratios.kind IS 'input or output.';
COMMENT ON COLUMN rate_ratios.ratio IS 'Tokens used for each that was estimated.';

COMMENT ON TABLE rate_reservations IS
    'A call that is under way or waits for its turn. Unlogged.';
COMMENT ON COLUMN rate_reservations.id IS 'Its place in the line.';
COMMENT ON COLUMN rate_reservations.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN rate_reservations.model IS 'The model.';
COMMENT ON COLUMN rate_reservations.worker_id IS 'The worker whose call it is. Null where none is.';
COMMENT ON COLUMN rate_reservations.estimated_input IS 'Input tokens, by estimate.';
COMMENT ON COLUMN rate_reservations.estimated_output IS 'Output tokens, by estimate.';
COMMENT ON COLUMN rate_reservations.input IS 'Input tokens that were taken from the bucket when it was sent; 0 until then.';
COMMENT ON COLUMN rate_reservations.output IS 'Output tokens that were taken from the bucket when it was sent; 0 until then.';
COMMENT ON COLUMN rate_reservations.sent_at IS 'When it was sent (UTC). Null while it waits.';
COMMENT ON COLUMN rate_reservations.left_then IS 'What the accounts said was left when it was sent: a number for each kind.';

COMMENT ON TABLE provider_capabilities IS
    'What an address, or a model there, was found to be able to do.';
COMMENT ON COLUMN provider_capabilities.endpoint IS 'The address, without credentials.';
COMMENT ON COLUMN provider_capabilities.model IS 'The model. Empty where it does not depend on one.';
COMMENT ON COLUMN provider_capabilities.capability IS 'structured_output, count_tokens, caching, batches or rate_limits.';
COMMENT ON COLUMN provider_capabilities.supported IS 'Whether it can.';
COMMENT ON COLUMN provider_capabilities.basis IS 'probe (it was asked) or call (it was seen in one).';
COMMENT ON COLUMN provider_capabilities.seen IS 'What showed it, in words.';
COMMENT ON COLUMN provider_capabilities.log_id IS 'The call that showed it, in generation_logs. Null where there is none.';
COMMENT ON COLUMN provider_capabilities.logged_at IS 'When that row was written (UTC). Null where there is none.';
COMMENT ON COLUMN provider_capabilities.found_at IS 'When it was found (UTC).';
