-- Retention looks after itself: once a day one process takes the round, and what became of it stands there for all to see.

ALTER TABLE workspace_settings ADD CONSTRAINT ck_workspace_settings_retire_automatically CHECK (
    key <> 'retire_automatically' OR jsonb_typeof(value) IN ('boolean', 'null'));

-- One row. Whose the round is until lease_until; when the next one is due, at once where nothing says so; when the last one
-- ended, how many rows it removed, and what it could not do.
CREATE TABLE retention_rounds (
    only_one BOOLEAN DEFAULT true NOT NULL,
    holder UUID,
    taken_by TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    removed BIGINT,
    failure TEXT,
    CONSTRAINT pk_retention_rounds PRIMARY KEY (only_one),
    CONSTRAINT ck_retention_rounds_only_one CHECK (only_one)
);

-- Takes the round where it is due and nobody has it. Whether it was taken.
CREATE FUNCTION take_retention_round(p_holder uuid, p_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    INSERT INTO retention_rounds DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE retention_rounds SET holder = p_holder, taken_by = session_user,
                                lease_until = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE coalesce(due_at <= clock_timestamp(), true) AND coalesce(lease_until <= clock_timestamp(), true);
    RETURN FOUND;
END
$$;

-- Keeps it for longer. False where it is somebody else's by now.
CREATE FUNCTION renew_retention_round(p_holder uuid, p_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    UPDATE retention_rounds SET lease_until = clock_timestamp() + make_interval(secs => p_seconds) WHERE holder = p_holder;
    RETURN FOUND;
END
$$;

-- Says what became of it, and when the next one is due. Nothing happens where it is somebody else's by now.
CREATE FUNCTION end_retention_round(p_holder uuid, p_again_in double precision, p_removed bigint, p_failure text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('admin');
    UPDATE retention_rounds SET holder = NULL, lease_until = NULL, ended_at = clock_timestamp(),
                                due_at = clock_timestamp() + make_interval(secs => p_again_in), removed = p_removed,
                                failure = p_failure
    WHERE holder = p_holder;
END
$$;

REVOKE ALL ON retention_rounds FROM PUBLIC;
GRANT SELECT ON retention_rounds TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION take_retention_round(uuid, double precision), renew_retention_round(uuid, double precision),
    end_retention_round(uuid, double precision, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_retention_round(uuid, double precision), renew_retention_round(uuid, double precision),
    end_retention_round(uuid, double precision, bigint, text) TO traintui_admin;
