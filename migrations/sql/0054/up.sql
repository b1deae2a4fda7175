-- A metadata key that is asked for often becomes a column of conversations, by a migration of the workspace's own.

-- Where the workspace's own migrations are; Alembic's table of ours knows nothing of them, so neither is in the way of the other.
CREATE TABLE workspace_version (
    version_num TEXT NOT NULL,
    CONSTRAINT pk_workspace_version PRIMARY KEY (version_num)
);

-- Each key that became a column, and how far that is. `revision` is that of the workspace's migration; `done_up_to` is the last
-- conversation that the fill, or the way back, has passed. One with a vocabulary has the values that were `listed` at its start.
CREATE TABLE promotions (
    revision TEXT NOT NULL,
    key TEXT NOT NULL,
    column_name TEXT NOT NULL,
    value_type TEXT NOT NULL,
    listed JSONB,
    leaves_unfitting BOOLEAN NOT NULL,
    was_registered BOOLEAN NOT NULL,
    state TEXT DEFAULT 'filling' NOT NULL,
    done_up_to BIGINT DEFAULT 0 NOT NULL,
    filled BIGINT DEFAULT 0 NOT NULL,
    unfitting BIGINT,
    promoted_by TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    demoted_in TEXT,
    demoted_by TEXT,
    demoted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_promotions PRIMARY KEY (revision),
    CONSTRAINT ck_promotions_revision CHECK (revision ~ '^w[0-9]{4}$'),
    CONSTRAINT ck_promotions_key CHECK (is_metadata_key(key)),
    CONSTRAINT ck_promotions_column_name CHECK (column_name ~ '^key_[a-z0-9_]{1,50}$'),
    CONSTRAINT ck_promotions_value_type CHECK (value_type IN ('text', 'integer', 'number', 'boolean', 'date')),
    CONSTRAINT ck_promotions_vocabulary CHECK (listed IS NULL OR value_type = 'text'),
    CONSTRAINT ck_promotions_state CHECK (state IN ('filling', 'indexing', 'promoted', 'demoting', 'demoted'))
);
CREATE UNIQUE INDEX uq_promotions_key ON promotions (key) WHERE state <> 'demoted';
CREATE UNIQUE INDEX uq_promotions_column_name ON promotions (column_name) WHERE state <> 'demoted';

-- What a promoted key with a vocabulary may hold.
CREATE TABLE promoted_values (
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    added_by TEXT DEFAULT session_user NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_promoted_values PRIMARY KEY (key, value),
    CONSTRAINT ck_promoted_values_value CHECK (char_length(value) BETWEEN 1 AND 100)
);

GRANT SELECT ON workspace_version, promotions, promoted_values
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;

-- A value of metadata as that of a column: NULL where it is not of the type.
CREATE FUNCTION promoted_text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' END
$$;
CREATE FUNCTION promoted_integer(value jsonb) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF metadata_fits(value, 'integer') THEN
        RETURN value::numeric::bigint;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION promoted_number(value jsonb) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF metadata_fits(value, 'number') THEN
        RETURN value::numeric::double precision;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION promoted_boolean(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN value::boolean END
$$;
-- make_date, since a text becomes a date by the settings of a session.
CREATE FUNCTION promoted_date(value jsonb) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    said text := value #>> '{}';
BEGIN
    IF metadata_fits(value, 'date') THEN
        RETURN make_date(left(said, 4)::integer, substr(said, 6, 2)::integer, right(said, 2)::integer);
    END IF;
    RETURN NULL;
END
$$;

-- Whether this statement only fills a column with what metadata says: nobody sees a change, so it is none for the feed, nor for
-- updated_at. Only for logins that could switch triggers off anyway; a function with the owner's rights changes nothing here,
-- since it is the login that is asked.
CREATE FUNCTION is_filling() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN coalesce(current_setting('traintui.filling', true), '') = 'on'
        AND pg_has_role(session_user, 'traintui_owner', 'MEMBER');
END
$$;

-- As before, but for what fills a column.
CREATE OR REPLACE FUNCTION feed_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF is_filling() THEN
        RETURN NULL;
    END IF;
    INSERT INTO conversation_changes (conversation_id) SELECT id FROM changed;
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION guard_identity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    scored conversations;
BEGIN
    IF NEW.id <> OLD.id OR NEW.conversation_id <> OLD.conversation_id OR NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'the id of % is fixed and its revision only counts up', OLD.conversation_id
            USING ERRCODE = 'TT003';
    END IF;
    IF is_filling() THEN
        RETURN NEW;
    END IF;
    NEW.updated_at := clock_timestamp();
    IF NEW.score_parts IS DISTINCT FROM OLD.score_parts OR NEW.judge_score IS DISTINCT FROM OLD.judge_score THEN
        scored := OLD;
        scored.quality_score := NEW.quality_score;
        scored.score_parts := NEW.score_parts;
        scored.judge_score := NEW.judge_score;
        scored.updated_at := NEW.updated_at;
        IF scored IS NOT DISTINCT FROM NEW THEN
            NEW.updated_at := OLD.updated_at;
        END IF;
    END IF;
    RETURN NEW;
END
$$;

-- What was there before its key had a type stays as it is while other keys are edited; what is written has to fit.
CREATE OR REPLACE FUNCTION guard_metadata_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM hold_metadata_rules();
    SELECT key, value_type, NEW.metadata -> key AS value INTO wrong FROM metadata_keys
    WHERE NEW.metadata ? key AND NEW.metadata -> key IS DISTINCT FROM OLD.metadata -> key
      AND NOT metadata_fits(NEW.metadata -> key, value_type) LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_metadata(wrong.key, wrong.value_type, wrong.value);
    END IF;
    RETURN NULL;
END
$$;

-- The type of a key that has a column is that of its column.
CREATE FUNCTION guard_promoted_key() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM promotions WHERE key = OLD.key AND state <> 'demoted') THEN
        RAISE EXCEPTION '"%" has a column of its own, which has its type', OLD.key
            USING ERRCODE = 'TT003', HINT = 'traintui db demote';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER guard_promoted_key BEFORE DELETE ON metadata_keys FOR EACH ROW EXECUTE FUNCTION guard_promoted_key();
CREATE TRIGGER guard_promoted_type BEFORE UPDATE OF value_type ON metadata_keys FOR EACH ROW
    WHEN (NEW.value_type <> OLD.value_type) EXECUTE FUNCTION guard_promoted_key();

-- Called by the trigger that keeps a promoted key with a vocabulary in step.
CREATE FUNCTION require_promoted_value(p_key text, p_value text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    listed text[];
BEGIN
    IF NOT EXISTS (SELECT FROM promoted_values WHERE key = p_key AND value = p_value) THEN
        listed := ARRAY(SELECT value FROM promoted_values WHERE key = p_key ORDER BY value LIMIT 20);
        RAISE EXCEPTION '"%" is no value of "%", which has %', left(p_value, 200), p_key,
            left(array_to_string(listed, ', '), 300) USING ERRCODE = 'TT014',
            DETAIL = jsonb_build_object('key', p_key, 'value', left(p_value, 200), 'values', listed)::text;
    END IF;
END
$$;

-- One more value that a promoted key with a vocabulary may hold; harmless where it is there.
CREATE FUNCTION add_promoted_value(p_key text, p_value text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    IF NOT EXISTS (SELECT FROM promotions WHERE key = p_key AND listed IS NOT NULL AND state <> 'demoted') THEN
        RAISE EXCEPTION '"%" is no promoted key with a vocabulary', p_key USING ERRCODE = 'TT002';
    END IF;
    INSERT INTO promoted_values (key, value) VALUES (p_key, p_value) ON CONFLICT DO NOTHING;
END
$$;

REVOKE ALL ON FUNCTION promoted_text(jsonb), promoted_integer(jsonb), promoted_number(jsonb), promoted_boolean(jsonb),
    promoted_date(jsonb), is_filling(), guard_promoted_key(), require_promoted_value(text, text),
    add_promoted_value(text, text) FROM PUBLIC;
-- Triggers use these with the rights of who writes.
GRANT EXECUTE ON FUNCTION promoted_text(jsonb), promoted_integer(jsonb), promoted_number(jsonb), promoted_boolean(jsonb),
    promoted_date(jsonb), is_filling(), require_promoted_value(text, text)
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION add_promoted_value(text, text) TO traintui_author;

COMMENT ON TABLE workspace_version IS 'Alembic''s own note of the workspace''s newest migration. That of Traintui''s stands in alembic_version.';
COMMENT ON COLUMN workspace_version.version_num IS 'The number of the migration, as w0003.';

COMMENT ON TABLE promotions IS 'Metadata keys that became columns of conversations, and how far each is or how it went back.';
COMMENT ON COLUMN promotions.revision IS 'The workspace''s migration that promotes it, as w0001.';
COMMENT ON COLUMN promotions.key IS 'The metadata key.';
COMMENT ON COLUMN promotions.column_name IS 'The column of conversations, key_ and the key in small letters.';
COMMENT ON COLUMN promotions.value_type IS 'text, integer, number, boolean or date.';
COMMENT ON COLUMN promotions.listed IS 'The values that its vocabulary began with, a list. Null where it has none.';
COMMENT ON COLUMN promotions.leaves_unfitting IS 'Whether values of another type may stay in metadata alone.';
COMMENT ON COLUMN promotions.was_registered IS 'Whether the key was registered before. Else the way back takes that away too, unless somebody changed it since.';
COMMENT ON COLUMN promotions.state IS 'filling, indexing, promoted, demoting or demoted.';
COMMENT ON COLUMN promotions.done_up_to IS 'The id of the last conversation that the fill, or the way back, has passed.';
COMMENT ON COLUMN promotions.filled IS 'How many conversations got a value by the fill.';
COMMENT ON COLUMN promotions.unfitting IS 'How many have a value in metadata alone. Null until it is promoted.';
COMMENT ON COLUMN promotions.promoted_by IS 'The login that asked for it.';
COMMENT ON COLUMN promotions.started_at IS 'When the column was added (UTC).';
COMMENT ON COLUMN promotions.ended_at IS 'When it was filled and indexed (UTC). Null until then.';
COMMENT ON COLUMN promotions.demoted_in IS 'The workspace''s migration that takes it back. Null until that begins.';
COMMENT ON COLUMN promotions.demoted_by IS 'The login that took it back. Null until that begins.';
COMMENT ON COLUMN promotions.demoted_at IS 'When the column went (UTC). Null while it is there.';
COMMENT ON INDEX uq_promotions_key IS 'A key has one column at a time.';
COMMENT ON INDEX uq_promotions_column_name IS 'A column is that of one key at a time.';

COMMENT ON TABLE promoted_values IS 'The values that a promoted key with a vocabulary may have.';
COMMENT ON COLUMN promoted_values.key IS 'The promoted key.';
COMMENT ON COLUMN promoted_values.value IS 'A value, of 1 to 100 characters.';
COMMENT ON COLUMN promoted_values.added_by IS 'The login that added it.';
COMMENT ON COLUMN promoted_values.added_at IS 'When it was added (UTC).';
