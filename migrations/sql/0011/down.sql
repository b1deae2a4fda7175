DROP INDEX ix_generation_logs_late_reply_to;
DROP INDEX ix_generation_logs_template_id;
CREATE INDEX ix_generation_logs_template_id ON generation_logs (template_id);
DROP TRIGGER refuse_inactive_template ON batches;
DROP FUNCTION refuse_inactive_template();
ALTER TABLE templates DROP CONSTRAINT ck_templates_name, DROP CONSTRAINT ck_templates_user_prompt,
    DROP CONSTRAINT ck_templates_size, DROP COLUMN built_in;
