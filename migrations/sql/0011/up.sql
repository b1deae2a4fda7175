-- Templates that people write. Until now each version was one that came with Traintui.

ALTER TABLE templates ADD COLUMN built_in BOOLEAN DEFAULT false NOT NULL;
UPDATE templates SET built_in = true WHERE name = 'conversation';
ALTER TABLE templates
    ADD CONSTRAINT ck_templates_name CHECK (name ~ '^\S(.*\S)?$' AND char_length(name) <= 80),
    ADD CONSTRAINT ck_templates_user_prompt CHECK (user_prompt ~ '\S'),
    ADD CONSTRAINT ck_templates_size CHECK (octet_length(system) + octet_length(user_prompt) <= 262144);
GRANT INSERT (built_in) ON templates TO traintui_author;

-- A version that is out of use begins no batch. Its row is locked, so that it cannot go out of use beside this; batches
-- that were begun keep their version.
CREATE FUNCTION refuse_inactive_template() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    used templates;
BEGIN
    SELECT * INTO used FROM templates WHERE id = NEW.template_id FOR SHARE;
    IF FOUND AND NOT used.active THEN
        RAISE EXCEPTION 'version % of template "%" is inactive', used.version, used.name USING ERRCODE = 'TT003';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_inactive_template BEFORE INSERT ON batches
    FOR EACH ROW EXECUTE FUNCTION refuse_inactive_template();
REVOKE ALL ON FUNCTION refuse_inactive_template() FROM PUBLIC;

-- What was made with each version, and what it cost, without the payloads, which are most of a log. The order spares a
-- sort; the filter `template:` reads the same index.
DROP INDEX ix_generation_logs_template_id;
CREATE INDEX ix_generation_logs_template_id ON generation_logs (template_id, conversation_id)
    INCLUDE (id, cost_usd, output_tokens);
CREATE INDEX ix_generation_logs_late_reply_to ON generation_logs (late_reply_to) WHERE late_reply_to IS NOT NULL;
