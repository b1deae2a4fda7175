DROP FUNCTION take_retention_round(uuid, double precision);
DROP FUNCTION renew_retention_round(uuid, double precision);
DROP FUNCTION end_retention_round(uuid, double precision, bigint, text);
DROP TABLE retention_rounds;
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_retire_automatically;
