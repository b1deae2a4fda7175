DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('take_sample(text, boolean, bigint, bigint)'::regprocedure),
                    'max((to_jsonb(s)->>''last_idx_scan'')::timestamptz)', 'max(s.last_idx_scan)');
END
$$;
DROP FUNCTION end_session(text, integer, timestamptz, timestamptz, text);
DROP FUNCTION note_session_ending(text, integer, text, text, text);
DROP TABLE session_endings;
