-- A value that was a mistake becomes another: its conversations move, and it says what it became.

ALTER TABLE vocabulary ADD COLUMN merged_into TEXT;
-- What older files brought and no screen could draw.
UPDATE vocabulary SET colour = NULL
WHERE colour !~ '^(#[0-9a-fA-F]{6}|red|orange|yellow|green|teal|blue|purple|grey)$';
UPDATE vocabulary SET label = CASE WHEN label ~ '\S' THEN left(label, 80) ELSE value END
WHERE label !~ '\S' OR char_length(label) > 80;
UPDATE vocabulary SET description = left(description, 500) WHERE char_length(description) > 500;
ALTER TABLE vocabulary
    ADD CONSTRAINT ck_vocabulary_colour
        CHECK (colour ~ '^(#[0-9a-fA-F]{6}|red|orange|yellow|green|teal|blue|purple|grey)$'),
    ADD CONSTRAINT ck_vocabulary_label CHECK (label ~ '\S' AND char_length(label) <= 80),
    ADD CONSTRAINT ck_vocabulary_description CHECK (char_length(description) <= 500),
    ADD CONSTRAINT ck_vocabulary_merged_into
        CHECK (merged_into IS NULL OR (NOT active AND merged_into <> value AND dimension <> 'tier')),
    ADD CONSTRAINT fk_vocabulary_dimension_merged_into_vocabulary FOREIGN KEY (dimension, merged_into) REFERENCES vocabulary (dimension, value);

CREATE OR REPLACE FUNCTION refuse_unknown_value(dimension text, value text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    known vocabulary;
BEGIN
    SELECT * INTO known FROM vocabulary AS v
    WHERE v.dimension = refuse_unknown_value.dimension AND v.value = refuse_unknown_value.value;
    IF known.merged_into IS NOT NULL THEN
        RAISE EXCEPTION '% "%" was merged into "%"', dimension, value, known.merged_into USING ERRCODE = 'TT009',
            DETAIL = jsonb_build_object('dimension', dimension, 'value', value, 'merged_into', known.merged_into)::text;
    ELSIF known.value IS NOT NULL THEN
        RAISE EXCEPTION '% "%" is inactive', dimension, value USING ERRCODE = 'TT009',
            DETAIL = jsonb_build_object('dimension', dimension, 'value', value, 'active', false)::text;
    END IF;
    RAISE EXCEPTION '% "%" is not in the vocabulary', dimension, value
        USING ERRCODE = 'TT009', DETAIL = jsonb_build_object('dimension', dimension, 'value', value)::text;
END
$$;

-- Nothing new gets a merged value. What is planned gets no inactive one; what is imported may: it was written before.
-- The values are locked against a merge that begins beside this, which then moves these rows too.
CREATE OR REPLACE FUNCTION guard_vocabulary_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stranger record;
BEGIN
    PERFORM FROM vocabulary AS v
    WHERE (v.dimension, v.value) IN (
        SELECT pair.dimension, pair.value
        FROM added, LATERAL (VALUES ('persona', persona), ('emotion', emotion), ('topic', topic), ('intent', intent),
                                    ('tone', tone), ('tier', tier)) AS pair(dimension, value))
    ORDER BY v.dimension, v.value FOR KEY SHARE;
    SELECT used.dimension, used.value INTO stranger
    FROM (SELECT pair.dimension, pair.value, bool_and(is_seed) AS is_seed
          FROM added, LATERAL (VALUES ('persona', persona), ('emotion', emotion), ('topic', topic), ('intent', intent),
                                      ('tone', tone), ('tier', tier)) AS pair(dimension, value)
          WHERE pair.value IS NOT NULL GROUP BY 1, 2) AS used
    WHERE NOT EXISTS (SELECT FROM vocabulary AS v WHERE v.dimension = used.dimension AND v.value = used.value
                      AND v.merged_into IS NULL AND (v.active OR used.is_seed))
    LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_unknown_value(stranger.dimension, stranger.value);
    END IF;
    RETURN NULL;
END
$$;

-- Only what changes is asked about: a row whose persona waits to be moved may still get another topic.
CREATE OR REPLACE FUNCTION guard_vocabulary_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    changed record;
BEGIN
    FOR changed IN
        SELECT pair.dimension, pair.value
        FROM (VALUES ('persona', NEW.persona, OLD.persona), ('emotion', NEW.emotion, OLD.emotion),
                     ('topic', NEW.topic, OLD.topic), ('intent', NEW.intent, OLD.intent), ('tone', NEW.tone, OLD.tone),
                     ('tier', NEW.tier, OLD.tier)) AS pair(dimension, value, before)
        WHERE pair.value IS NOT NULL AND pair.value IS DISTINCT FROM pair.before
        ORDER BY pair.dimension
    LOOP
        PERFORM FROM vocabulary AS v
        WHERE v.dimension = changed.dimension AND v.value = changed.value AND v.merged_into IS NULL FOR KEY SHARE;
        IF NOT FOUND THEN
            PERFORM refuse_unknown_value(changed.dimension, changed.value);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- How many conversations have a value, those in the trash too. 0 for a dimension that there is not.
CREATE FUNCTION uses_of_value(p_dimension text, p_value text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found bigint := 0;
BEGIN
    IF p_dimension IN ('persona', 'emotion', 'topic', 'intent', 'tone', 'tier') THEN
        EXECUTE format('SELECT count(*) FROM conversations WHERE %I = $1', p_dimension) INTO found USING p_value;
    END IF;
    RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION guard_vocabulary_value() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    uses bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        uses := uses_of_value(OLD.dimension, OLD.value);
        RAISE EXCEPTION 'the value "%" of % stays: %', OLD.value, OLD.dimension,
            CASE uses WHEN 0 THEN 'exports and logs may hold it' WHEN 1 THEN '1 conversation has it'
                 ELSE to_char(uses, 'FM999,999,999,999') || ' conversations have it' END
            USING ERRCODE = 'TT003', HINT = 'Make it inactive, or merge it into another.',
                  DETAIL = jsonb_build_object('uses', uses)::text;
    END IF;
    IF NEW.dimension <> OLD.dimension OR NEW.value <> OLD.value THEN
        RAISE EXCEPTION 'the value "%" of % stays: exports and seals hold it', OLD.value, OLD.dimension
            USING ERRCODE = 'TT003', HINT = 'Change its label, or make it inactive.';
    END IF;
    RETURN NEW;
END
$$;

-- Moves up to p_limit conversations with ids above p_after from one value of a dimension to another, each with its log
-- row; their decisions stand. The first call ends the old value: nothing new can have it, so that one pass by id finds
-- all. A merge that was cut off goes on when it is called again. Returns how many were moved and the last id of them.
CREATE FUNCTION merge_values(
    p_dimension text, p_from text, p_into text, p_bulk_id text, p_limit integer DEFAULT 1000, p_after bigint DEFAULT 0,
    OUT moved integer, OUT last_id bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    old vocabulary;
    target vocabulary;
BEGIN
    PERFORM require_role('author');
    IF p_dimension = 'tier' THEN
        RAISE EXCEPTION 'the tiers are fixed and cannot be merged' USING ERRCODE = 'TT003';
    END IF;
    IF p_from = p_into THEN
        RAISE EXCEPTION 'a value cannot be merged into itself' USING ERRCODE = 'TT003';
    END IF;
    IF p_limit NOT BETWEEN 1 AND 10000 OR coalesce(char_length(p_bulk_id), 0) NOT BETWEEN 1 AND 200 THEN
        RAISE EXCEPTION 'a merge takes 1 to 10,000 conversations at once, under a name of 1 to 200 characters'
            USING ERRCODE = 'TT003';
    END IF;
    -- Two merges of the same values, one in each direction, wait here for each other.
    PERFORM pg_advisory_xact_lock(7453, 5);
    SELECT * INTO old FROM vocabulary WHERE dimension = p_dimension AND value = p_from;
    IF NOT FOUND THEN
        PERFORM refuse_unknown_value(p_dimension, p_from);
    END IF;
    SELECT * INTO target FROM vocabulary WHERE dimension = p_dimension AND value = p_into;
    IF NOT FOUND OR target.merged_into IS NOT NULL THEN
        PERFORM refuse_unknown_value(p_dimension, p_into);
    END IF;
    IF old.merged_into <> p_into THEN
        PERFORM refuse_unknown_value(p_dimension, p_from);
    END IF;
    IF old.merged_into IS NULL THEN
        -- Waits for whoever is storing conversations with this value.
        PERFORM FROM vocabulary WHERE dimension = p_dimension AND value = p_from FOR UPDATE;
        UPDATE vocabulary SET merged_into = p_into, active = false
        WHERE dimension = p_dimension AND (value = p_from OR merged_into = p_from);
    END IF;
    EXECUTE format(
        'WITH found AS MATERIALIZED (
            SELECT id, conversation_id, revision, status FROM conversations
            WHERE %1$I = $1 AND id > $3 ORDER BY id LIMIT $4 FOR NO KEY UPDATE
        ), logged AS (
            INSERT INTO review_logs (conversation_id, action, revision, status_before, status_after, bulk_id, details)
            SELECT conversation_id, ''metadata'', revision, status, status, $5, $6 FROM found ORDER BY id
        ), changed AS (
            UPDATE conversations AS c SET %1$I = $2 FROM found WHERE c.id = found.id RETURNING c.id
        )
        SELECT count(*), max(id) FROM changed', p_dimension)
    INTO moved, last_id
    USING p_from, p_into, p_after, p_limit, p_bulk_id,
          jsonb_build_object('dimension', p_dimension, 'from', p_from, 'into', p_into);
END
$$;

REVOKE ALL ON FUNCTION uses_of_value(text, text), merge_values(text, text, text, text, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION uses_of_value(text, text) TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION merge_values(text, text, text, text, integer, bigint) TO traintui_author;
