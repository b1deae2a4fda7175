-- The SQL of promoted keys, by its parts; `promotion_files.py` puts the names in, between two @. Each can run again.

--- add
-- A moment: a column that may be null is written nowhere. Nobody writes meanwhile; who comes later finds the trigger.
ALTER TABLE conversations ADD COLUMN IF NOT EXISTS @column@ @sql_type@;
COMMENT ON COLUMN conversations.@column@ IS @column_comment@;
CREATE OR REPLACE FUNCTION keep_@column@() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $keep$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.@column@ IS NOT NULL AND NOT NEW.metadata ? @key@ THEN
        NEW.metadata := NEW.metadata || jsonb_build_object(@key@, NEW.@column@);
    ELSIF TG_OP = 'UPDATE' AND NEW.@column@ IS DISTINCT FROM OLD.@column@
        AND NEW.metadata -> @key@ IS NOT DISTINCT FROM OLD.metadata -> @key@ THEN
        -- Who writes the column: metadata follows, and is found by it.
        NEW.metadata := NEW.metadata - @key@
            || CASE WHEN NEW.@column@ IS NULL THEN '{}' ELSE jsonb_build_object(@key@, NEW.@column@) END;
        NEW.updated_at := clock_timestamp();
        INSERT INTO search_pending (of_turns, conversation_id) VALUES (false, NEW.id);
    ELSE
        -- Who writes metadata: the column follows.
        NEW.@column@ := @value@(NEW.metadata -> @key@);
    END IF;@checked@
    RETURN NEW;
END
$keep$;
REVOKE ALL ON FUNCTION keep_@column@() FROM PUBLIC;
CREATE OR REPLACE TRIGGER keep_@column@ BEFORE INSERT OR UPDATE OF metadata, @column@ ON conversations FOR EACH ROW
    WHEN (NOT is_filling()) EXECUTE FUNCTION keep_@column@();
INSERT INTO promotions AS known (revision, key, column_name, value_type, listed, leaves_unfitting,
                                 was_registered, promoted_by)
VALUES (@revision@, @key@, @column_name@, @value_type@, @listed@, @leaves_unfitting@,
        EXISTS (SELECT FROM metadata_keys WHERE key = @key@), @promoted_by@)
ON CONFLICT (revision) DO UPDATE SET state = 'filling', done_up_to = 0, filled = 0, unfitting = NULL, ended_at = NULL,
    demoted_in = NULL, demoted_by = NULL, demoted_at = NULL, was_registered = excluded.was_registered
    WHERE known.state = 'demoted' AND known.key = excluded.key;
INSERT INTO metadata_keys (key, value_type, label, created_by, position)
VALUES (@key@, @value_type@, @key@, @promoted_by@, (SELECT coalesce(max(position) + 1, 0) FROM metadata_keys))
ON CONFLICT (key) DO NOTHING;

--- checked

    -- What was there before the trigger stays while other keys are edited.
    IF NEW.@column@ IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.metadata -> @key@ IS DISTINCT FROM OLD.metadata -> @key@) THEN
        PERFORM require_promoted_value(@key@, NEW.@column@);
    END IF;

--- listed
INSERT INTO promoted_values (key, value, added_by) VALUES
    @values@
ON CONFLICT DO NOTHING;

--- fill
-- A part of the next conversations, up to `traintui.upto`. The parts come after another: rows of a page that were moved make
-- room in it for the next ones, which then need no new entries in any index.
WITH held AS MATERIALIZED (
    -- In order of the id, as all do who lock several.
    SELECT id, @value@(metadata -> @key@) AS value FROM conversations
    WHERE id > (SELECT done_up_to FROM promotions WHERE revision = @revision@)
      AND id <= current_setting('traintui.upto')::bigint AND id % @parts@ = current_setting('traintui.part')::integer
      AND metadata ? @key@ ORDER BY id FOR NO KEY UPDATE
), filled AS (
    UPDATE conversations AS c SET @column@ = held.value FROM held
    WHERE c.id = held.id AND c.id > (SELECT done_up_to FROM promotions WHERE revision = @revision@)
      AND c.id <= current_setting('traintui.upto')::bigint AND c.@column@ IS DISTINCT FROM held.value RETURNING c.id
)
UPDATE promotions SET filled = filled + (SELECT count(*) FROM filled) WHERE revision = @revision@;

--- index
CREATE INDEX CONCURRENTLY IF NOT EXISTS @index_name@ ON conversations (@column@, id);

--- index_of_text
-- A text may be longer than a row of a sorted index.
CREATE INDEX CONCURRENTLY IF NOT EXISTS @index_name@ ON conversations USING hash (@column@);

--- finish
COMMENT ON INDEX @index_name@ IS @index_comment@;
UPDATE promotions SET state = 'promoted', ended_at = clock_timestamp(),
    unfitting = (SELECT count(*) FROM conversations WHERE metadata ? @key@ AND @column@ IS NULL)
WHERE revision = @revision@ AND state = 'indexing';

--- finish_vocabulary
-- What came between the look at the values and the trigger.
INSERT INTO promoted_values (key, value, added_by)
SELECT DISTINCT @key@, @column@, @promoted_by@ FROM conversations WHERE char_length(@column@) BETWEEN 1 AND 100
ON CONFLICT DO NOTHING;

--- go_back
UPDATE promotions SET state = 'demoting', done_up_to = 0, demoted_in = @demoted_in@, demoted_by = @demoted_by@
WHERE revision = @revision@ AND state <> 'demoted';

--- put_back
-- The trigger has kept both in step; this finds what was written while it was off, as by a load without triggers. A value
-- goes back as it is, whatever the schema of metadata says. Of a conversation that is written, the columns of all keys
-- together: the trigger of another key would take metadata for newer than what its own column alone has.
SELECT metadata_put_back();
DO $put_back$
DECLARE
    held text := (
        SELECT string_agg(format(
            'CASE WHEN %2$I IS NOT NULL AND promoted_%3$s(metadata -> %1$L) IS DISTINCT FROM %2$I'
            ' THEN jsonb_build_object(%1$L, %2$I) ELSE ''{}'' END', key, column_name, value_type), ' || ' ORDER BY revision)
        FROM promotions WHERE state <> 'demoted');
BEGIN
    EXECUTE format(
        'WITH held AS MATERIALIZED ('
        '  SELECT id, %s AS given FROM conversations'
        '  WHERE id > (SELECT done_up_to FROM promotions WHERE revision = $1) AND id <= $2'
        '    AND @column@ IS NOT NULL AND @column@ IS DISTINCT FROM @value@(metadata -> $3)'
        '  ORDER BY id FOR NO KEY UPDATE'
        ') UPDATE conversations AS c SET metadata = metadata || held.given FROM held WHERE c.id = held.id', held)
    USING @revision@, current_setting('traintui.upto')::bigint, @key@;
END
$put_back$;

--- remove
-- The table first, as writers have it before the keys.
LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER IF EXISTS keep_@column@ ON conversations;
DROP FUNCTION IF EXISTS keep_@column@();
ALTER TABLE conversations DROP COLUMN IF EXISTS @column@;
UPDATE promotions SET state = 'demoted', demoted_at = now() WHERE revision = @revision@;
DELETE FROM promoted_values WHERE key = @key@;
-- What only the promotion registered goes; where a person gave it a label, a place or words, it stays.
DELETE FROM metadata_keys AS k USING promotions AS p
WHERE p.revision = @revision@ AND k.key = p.key AND NOT p.was_registered AND k.label = k.key AND k.about = ''
  AND NOT EXISTS (SELECT FROM workspace_setting_changes
                  WHERE key = 'metadata.' || k.key AND old_value <> new_value AND changed_at >= p.started_at);
