-- Before this there were views of conversations only: those of the logs go.
DELETE FROM saved_views WHERE log <> 'conversations';
DROP FUNCTION save_view(text, text, text, jsonb, boolean, text);
ALTER TABLE saved_views
    DROP CONSTRAINT uq_saved_views_owner_log_name,
    DROP COLUMN log,
    ADD CONSTRAINT uq_saved_views_owner_name UNIQUE (owner, name);

CREATE FUNCTION save_view(p_name text, p_filter text, p_sort text, p_columns jsonb, p_shared boolean) RETURNS saved_views
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    written saved_views;
BEGIN
    PERFORM require_role('reviewer');
    INSERT INTO saved_views (name, owner, shared, filter, sort, columns)
    VALUES (p_name, session_user, p_shared, p_filter, p_sort, p_columns)
    ON CONFLICT (owner, name) DO UPDATE
        SET shared = p_shared, filter = p_filter, sort = p_sort, columns = p_columns, updated_at = now()
    RETURNING * INTO written;
    RETURN written;
END
$$;

CREATE OR REPLACE FUNCTION delete_view(p_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    seen saved_views;
BEGIN
    PERFORM require_role('reviewer');
    SELECT * INTO seen FROM saved_views WHERE id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this view is deleted already' USING ERRCODE = 'TT002';
    END IF;
    IF seen.owner <> session_user AND NOT (seen.shared AND pg_has_role(session_user, 'traintui_admin', 'MEMBER')) THEN
        RAISE EXCEPTION 'the view "%" belongs to %', seen.name, seen.owner USING ERRCODE = 'TT004';
    END IF;
    DELETE FROM saved_views WHERE id = p_id;
END
$$;
DROP FUNCTION require_role_for_views(text);
REVOKE ALL ON FUNCTION save_view(text, text, text, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION save_view(text, text, text, jsonb, boolean) TO traintui_reviewer;
REVOKE EXECUTE ON FUNCTION delete_view(bigint) FROM traintui_auditor;
