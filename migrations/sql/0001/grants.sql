-- Who may do what. The roles belong to the server and are made by the bootstrap, never here.
-- Everybody with a role reads; what is guarded changes only through the functions; nobody has UPDATE, DELETE or TRUNCATE
-- on a log. Columns that say who did something are left out of every INSERT right, so their default (the login) stands.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;

-- Helpers that triggers and readers use with their own rights.
GRANT EXECUTE ON FUNCTION new_conversation_id(), digest_of(text[]), micros(timestamptz), json_digest(jsonb),
    content_digest(text, jsonb), plain_turns(jsonb), is_decided(text), session_role(), turns_are_whole(bigint, integer),
    refuse_unknown_value(text, text), review_log_digest(review_logs), export_log_digest(export_logs),
    generation_log_digest(generation_logs)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;

GRANT EXECUTE ON FUNCTION
    decide(text, text, integer, bigint, text, text, text, integer, integer, text),
    set_flag(text, boolean, text),
    edit(text, integer, bigint, text, jsonb, text, text, integer, integer, text),
    undo(bigint, text),
    recover_lost_work()
    TO traintui_reviewer;

GRANT EXECUTE ON FUNCTION
    import_conversations(jsonb, jsonb),
    claim_items(bigint, integer, boolean),
    start_attempt(text, text, text, jsonb, jsonb, jsonb, boolean, bigint, bigint, bigint),
    finish_attempt(bigint, timestamptz, text, jsonb, numeric, boolean, integer, integer, integer, integer, integer, integer,
                   text, text, text, text, jsonb),
    store_generated(bigint, bigint, jsonb, numeric, jsonb),
    release_item(bigint, bigint, text, double precision, text, boolean),
    retire_worker(bigint),
    record_export(text, text, integer, jsonb, text, jsonb, bytea, text),
    record_export_rows(text, text[], integer[]),
    make_generation_partitions(integer, timestamptz)
    TO traintui_author;

GRANT INSERT (name, title, source_path, media_type, content, content_sha256),
      UPDATE (title, source_path, media_type, content, content_sha256, revision, updated_at) ON documents TO traintui_author;
GRANT INSERT, UPDATE (ordinal, heading, document_revision, retired_at) ON chunks TO traintui_author;
GRANT INSERT (dimension, value, label, description, colour, keywords, active, position),
      UPDATE (label, description, colour, keywords, active, position) ON vocabulary TO traintui_author;
GRANT INSERT (name, version, system, user_prompt, active), UPDATE (active) ON templates TO traintui_author;
GRANT INSERT (name, definition) ON plans TO traintui_author;
GRANT INSERT (plan_id, template_id, name, model, state, total, is_rehearsal, budget_usd, started_at),
      UPDATE (state, state_reason, started_at, finished_at) ON batches TO traintui_author;
GRANT INSERT (document_id, chunk_id, persona, emotion, topic, intent, tone, tier, model, is_rehearsal, system_prompt, metadata)
      ON conversations TO traintui_author;
GRANT INSERT (batch_id, conversation_id, priority, exchanges, variation), UPDATE (priority) ON generation_items TO traintui_author;
GRANT INSERT, UPDATE, DELETE ON generation_streams TO traintui_author;
GRANT INSERT (host, pid, holds_lock, lease_until), UPDATE (holds_lock, lease_until) ON workers TO traintui_author;
GRANT INSERT (key, value), UPDATE (value) ON workspace_settings TO traintui_admin;
