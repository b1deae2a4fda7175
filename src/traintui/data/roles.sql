-- The roles of Traintui. They belong to the server, so a superuser (or a role with CREATEROLE that owns this database)
-- runs this once in the database that holds the workspace. Running it again changes nothing.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['traintui_owner', 'traintui_reviewer', 'traintui_author', 'traintui_auditor', 'traintui_admin']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
    -- An author may review; an administrator may do what each of the others may. Nobody is a member of the owner.
    GRANT traintui_reviewer TO traintui_author;
    GRANT traintui_author, traintui_auditor TO traintui_admin;
    ALTER SCHEMA public OWNER TO traintui_owner;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin',
                   current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO traintui_owner', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO traintui_author', current_database());
END
$$;
