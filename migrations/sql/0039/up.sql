-- A view is of conversations or of one of the logs; its name is one's own in each of them.
ALTER TABLE saved_views
    ADD COLUMN log text DEFAULT 'conversations' NOT NULL
        CONSTRAINT ck_saved_views_log CHECK (log IN ('conversations', 'generations', 'reviews', 'exports')),
    DROP CONSTRAINT uq_saved_views_owner_name,
    ADD CONSTRAINT uq_saved_views_owner_log_name UNIQUE (owner, log, name);

-- Auditors keep views of the logs too, and delete them; those of conversations are for who reviews.
CREATE FUNCTION require_role_for_views(p_log text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_log = 'conversations' OR NOT pg_has_role(session_user, 'traintui_auditor', 'MEMBER') THEN
        PERFORM require_role('reviewer');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION require_role_for_views(text) FROM PUBLIC;

DROP FUNCTION save_view(text, text, text, jsonb, boolean);

-- Saves a view of one's own; one of this name is replaced. Returns its row.
CREATE FUNCTION save_view(p_name text, p_filter text, p_sort text, p_columns jsonb, p_shared boolean,
                          p_log text DEFAULT 'conversations') RETURNS saved_views
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    written saved_views;
BEGIN
    PERFORM require_role_for_views(p_log);
    INSERT INTO saved_views (name, owner, shared, filter, sort, columns, log)
    VALUES (p_name, session_user, p_shared, p_filter, p_sort, p_columns, p_log)
    ON CONFLICT (owner, log, name) DO UPDATE
        SET shared = p_shared, filter = p_filter, sort = p_sort, columns = p_columns, updated_at = now()
    RETURNING * INTO written;
    RETURN written;
END
$$;

-- Deletes a view of one's own; an administrator also one that somebody shared.
CREATE OR REPLACE FUNCTION delete_view(p_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    seen saved_views;
BEGIN
    SELECT * INTO seen FROM saved_views WHERE id = p_id FOR UPDATE;
    PERFORM require_role_for_views(coalesce(seen.log, 'conversations'));
    IF seen.id IS NULL THEN
        RAISE EXCEPTION 'this view is deleted already' USING ERRCODE = 'TT002';
    END IF;
    IF seen.owner <> session_user AND NOT (seen.shared AND pg_has_role(session_user, 'traintui_admin', 'MEMBER')) THEN
        RAISE EXCEPTION 'the view "%" belongs to %', seen.name, seen.owner USING ERRCODE = 'TT004';
    END IF;
    DELETE FROM saved_views WHERE id = p_id;
END
$$;

REVOKE ALL ON FUNCTION save_view(text, text, text, jsonb, boolean, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION save_view(text, text, text, jsonb, boolean, text) TO traintui_reviewer, traintui_auditor;
GRANT EXECUTE ON FUNCTION delete_view(bigint) TO traintui_auditor;
