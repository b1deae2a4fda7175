DROP FUNCTION merge_values(text, text, text, text, integer, bigint);

CREATE OR REPLACE FUNCTION refuse_unknown_value(dimension text, value text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% "%" is not in the vocabulary', dimension, value
        USING ERRCODE = 'TT009', DETAIL = jsonb_build_object('dimension', dimension, 'value', value)::text;
END
$$;

CREATE OR REPLACE FUNCTION guard_vocabulary_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stranger record;
BEGIN
    SELECT used.dimension, used.value INTO stranger
    FROM (SELECT DISTINCT pair.dimension, pair.value
          FROM added, LATERAL (VALUES ('persona', persona), ('emotion', emotion), ('topic', topic), ('intent', intent),
                                      ('tone', tone), ('tier', tier)) AS pair(dimension, value)
          WHERE pair.value IS NOT NULL) AS used
    WHERE NOT EXISTS (SELECT FROM vocabulary AS v WHERE v.dimension = used.dimension AND v.value = used.value)
    LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_unknown_value(stranger.dimension, stranger.value);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION guard_vocabulary_update() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    stranger record;
BEGIN
    SELECT pair.dimension, pair.value INTO stranger
    FROM (VALUES ('persona', NEW.persona), ('emotion', NEW.emotion), ('topic', NEW.topic), ('intent', NEW.intent),
                 ('tone', NEW.tone), ('tier', NEW.tier)) AS pair(dimension, value)
    WHERE pair.value IS NOT NULL
      AND NOT EXISTS (SELECT FROM vocabulary AS v WHERE v.dimension = pair.dimension AND v.value = pair.value)
    LIMIT 1;
    IF FOUND THEN
        PERFORM refuse_unknown_value(stranger.dimension, stranger.value);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION guard_vocabulary_value() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.dimension <> OLD.dimension OR NEW.value <> OLD.value THEN
        RAISE EXCEPTION 'the value "%" of % stays: exports and seals hold it', OLD.value, OLD.dimension
            USING ERRCODE = 'TT003', HINT = 'Change its label, or make it inactive.';
    END IF;
    RETURN NEW;
END
$$;

DROP FUNCTION uses_of_value(text, text);
ALTER TABLE vocabulary
    DROP CONSTRAINT ck_vocabulary_colour, DROP CONSTRAINT ck_vocabulary_label, DROP CONSTRAINT ck_vocabulary_description,
    DROP CONSTRAINT ck_vocabulary_merged_into, DROP CONSTRAINT fk_vocabulary_dimension_merged_into_vocabulary;
ALTER TABLE vocabulary DROP COLUMN merged_into;
