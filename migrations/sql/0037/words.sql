-- What words are looked for in: the error of a call, as far as an index can hold it, and what a reviewer wrote.
CREATE OR REPLACE FUNCTION call_words(p_error_type text, p_error_message text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT to_tsvector('simple'::regconfig,
                       left(coalesce(p_error_type, '') || ' ' || coalesce(p_error_message, ''), 20000))
$$;
CREATE OR REPLACE FUNCTION review_words(p_reviewer_notes text, p_reason text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT to_tsvector('simple'::regconfig, coalesce(p_reviewer_notes, '') || ' ' || coalesce(p_reason, ''))
$$;
REVOKE ALL ON FUNCTION call_words(text, text), review_words(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION call_words(text, text), review_words(text, text)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
