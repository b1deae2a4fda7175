-- Every promoted key goes back first: metadata has its values all along, and gets what only a column has.
DO $$
DECLARE
    promoted promotions;
    differing text;
    held text;
BEGIN
    -- A value goes back as it is, whatever the schema of metadata says.
    PERFORM metadata_put_back();
    -- First what takes long: from the first trigger that goes on, others wait for the table. All keys at once, since the
    -- trigger of a key that comes later would take metadata for newer than its column.
    SELECT string_agg(differs, ' OR '),
           string_agg(format('CASE WHEN %s THEN jsonb_build_object(%L, %I) ELSE ''{}'' END', differs, key, column_name), ' || ')
    INTO differing, held
    FROM (SELECT key, column_name,
                 format('%I IS NOT NULL AND promoted_%s(metadata -> %L) IS DISTINCT FROM %I', column_name, value_type, key,
                        column_name) AS differs
          FROM promotions WHERE state <> 'demoted' AND EXISTS (
              SELECT FROM pg_attribute
              WHERE attrelid = 'conversations'::regclass AND attname = column_name AND NOT attisdropped)) AS standing;
    IF differing IS NOT NULL THEN
        EXECUTE format('UPDATE conversations SET metadata = metadata || %s WHERE %s', held, differing);
    END IF;
    -- What waits for the end of this transaction waits for the table.
    SET CONSTRAINTS ALL IMMEDIATE;
    DROP TRIGGER guard_promoted_key ON metadata_keys;
    DROP TRIGGER guard_promoted_type ON metadata_keys;
    FOR promoted IN SELECT * FROM promotions WHERE state <> 'demoted' AND EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'conversations'::regclass AND attname = column_name AND NOT attisdropped)
    LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON conversations', 'keep_' || promoted.column_name);
        EXECUTE format('DROP FUNCTION IF EXISTS %I()', 'keep_' || promoted.column_name);
        EXECUTE format('ALTER TABLE conversations DROP COLUMN %I', promoted.column_name);
        -- What only the promotion registered goes; where a person gave it a label, a place or words, it stays.
        DELETE FROM metadata_keys AS k
        WHERE k.key = promoted.key AND NOT promoted.was_registered AND k.label = k.key AND k.about = ''
          AND NOT EXISTS (SELECT FROM workspace_setting_changes
                          WHERE key = 'metadata.' || k.key AND old_value <> new_value AND changed_at >= promoted.started_at);
    END LOOP;
END
$$;

DROP FUNCTION add_promoted_value(text, text);
DROP FUNCTION require_promoted_value(text, text);
DROP FUNCTION guard_promoted_key();

CREATE OR REPLACE FUNCTION feed_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
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
CREATE OR REPLACE FUNCTION guard_metadata_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM hold_metadata_rules();
    SELECT key, value_type, NEW.metadata -> key AS value INTO wrong FROM metadata_keys
    WHERE NEW.metadata ? key AND NOT metadata_fits(NEW.metadata -> key, value_type) LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_metadata(wrong.key, wrong.value_type, wrong.value);
    END IF;
    RETURN NULL;
END
$$;

DROP FUNCTION is_filling();
DROP FUNCTION promoted_text(jsonb);
DROP FUNCTION promoted_integer(jsonb);
DROP FUNCTION promoted_number(jsonb);
DROP FUNCTION promoted_boolean(jsonb);
DROP FUNCTION promoted_date(jsonb);
DROP TABLE promoted_values;
DROP TABLE promotions;
DROP TABLE workspace_version;
