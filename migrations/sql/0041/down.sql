DROP FUNCTION roll_up_queries(integer);
DROP FUNCTION note_slow_query(timestamptz, text, bigint, bigint, text, text, text, jsonb, text);
DROP FUNCTION note_plan(text, text, text, text, jsonb);
DROP FUNCTION note_queries(jsonb);
DROP FUNCTION add_histograms(jsonb, jsonb);
DROP TABLE slow_queries;
DROP TABLE query_plans;
DROP TABLE query_times;
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_slow_query_ms;
