DROP TABLE schema_backfills;
DROP TABLE schema_history;
