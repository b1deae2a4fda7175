-- The schema stays where it is, as a setting that the revision below does not know, and is in force again after an upgrade.
DROP FUNCTION register_metadata_schema(jsonb, integer);
DROP TRIGGER guard_metadata_schema_update ON conversations;
DROP TRIGGER guard_metadata_schema_insert ON conversations;
DROP FUNCTION guard_metadata_schema();
DROP FUNCTION metadata_put_back();
DROP FUNCTION metadata_looked_at_by(integer);
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_metadata_schema;
