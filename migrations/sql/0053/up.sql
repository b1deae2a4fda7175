-- A workspace may register a JSON Schema for metadata. PostgreSQL cannot read one, the app does: whoever writes metadata
-- says by which version of the schema it was looked at, and the database takes no other than the one in force. Refusals:
-- TT015.

-- {"version": 3, "schema": {...}}: a version for each change, also for the one that takes the schema away, which is null
-- then. Who changed it, when and from what to what stands in workspace_setting_changes, as of every setting.
-- The table has a row for each setting: looking through it keeps nobody waiting.
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE workspace_settings ADD CONSTRAINT ck_workspace_settings_metadata_schema CHECK (
    key <> 'metadata_schema' OR CASE WHEN jsonb_typeof(value) = 'object' AND jsonb_typeof(value->'version') = 'number'
    THEN (value->>'version')::numeric >= 1 AND (value->>'version')::numeric = trunc((value->>'version')::numeric)
        AND coalesce(jsonb_typeof(value->'schema') IN ('object', 'null'), false) AND octet_length(value::text) <= 65536
    ELSE false END);

-- Says, until the end of the transaction, by which version of the schema its metadata was looked at. Always true, so that
-- a statement can make what it does depend on it.
CREATE FUNCTION metadata_looked_at_by(p_version integer) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT set_config('traintui.metadata_schema', p_version::text, true) IS NOT NULL
$$;

-- The same for what puts back metadata as it was before an import: nobody looks at that, a look at all rows finds it.
CREATE FUNCTION metadata_put_back() RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT set_config('traintui.metadata_schema', 'put back', true) IS NOT NULL
$$;

-- One look for a statement. What is written holds the rules until it commits, and a new schema waits for it.
CREATE FUNCTION guard_metadata_schema() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    in_force text;
    looked_at_by text := coalesce(nullif(current_setting('traintui.metadata_schema', true), ''), '0');
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7453, 4);
    SELECT value->>'version' INTO in_force FROM workspace_settings
    WHERE key = 'metadata_schema' AND jsonb_typeof(value->'schema') = 'object';
    IF FOUND AND looked_at_by NOT IN (in_force, 'put back') THEN
        RAISE EXCEPTION 'metadata has to fit version % of the schema, and nobody looked whether this does', in_force
            USING ERRCODE = 'TT015';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_metadata_schema_insert BEFORE INSERT ON conversations
    FOR EACH STATEMENT EXECUTE FUNCTION guard_metadata_schema();
CREATE TRIGGER guard_metadata_schema_update BEFORE UPDATE OF metadata ON conversations
    FOR EACH STATEMENT EXECUTE FUNCTION guard_metadata_schema();

-- Registers a schema, or takes it away (null); p_seen is the version that was there when it was decided. Returns the new
-- version. Those who write metadata wait behind it, a second at the most: a writer that does not end makes it give up
-- (55P03), and who calls it tries again.
CREATE FUNCTION register_metadata_schema(p_schema jsonb, p_seen integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    present integer;
BEGIN
    PERFORM require_role('admin');
    PERFORM pg_advisory_xact_lock(7453, 4);
    SELECT (value->>'version')::integer INTO present FROM workspace_settings WHERE key = 'metadata_schema';
    IF coalesce(present, 0) IS DISTINCT FROM p_seen THEN
        RAISE EXCEPTION 'the schema of metadata has changed: version % is in force, not %', coalesce(present, 0), p_seen
            USING ERRCODE = 'TT001';
    END IF;
    IF present IS NULL THEN
        INSERT INTO workspace_settings (key, value)
        VALUES ('metadata_schema', jsonb_build_object('version', 1, 'schema', p_schema));
    ELSE
        UPDATE workspace_settings SET value = jsonb_build_object('version', present + 1, 'schema', p_schema)
        WHERE key = 'metadata_schema';
    END IF;
    RETURN p_seen + 1;
END
$$;

REVOKE ALL ON FUNCTION metadata_looked_at_by(integer), metadata_put_back(), guard_metadata_schema(),
    register_metadata_schema(jsonb, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metadata_looked_at_by(integer), metadata_put_back() TO traintui_reviewer, traintui_author;
GRANT EXECUTE ON FUNCTION register_metadata_schema(jsonb, integer) TO traintui_admin;
