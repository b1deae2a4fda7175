DROP FUNCTION assign_many(bigint[], text[], text, text);
DROP INDEX ix_review_logs_paced;
DROP TABLE assignment_logs, assignments;
