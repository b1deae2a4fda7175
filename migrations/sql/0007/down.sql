DROP FUNCTION undo_bulk(text, integer), trash_many(bigint[], boolean, text), flag_many(bigint[], boolean, text),
    decide_many(bigint[], text, pg_snapshot, text, text, text), log_bulk(text, text, bigint[], text, text, text),
    done_before(text, bigint[]), begin_bulk(text, text), bulk_ids(bigint[]);
DROP INDEX ix_review_logs_single, ix_review_logs_bulk_id_id;
CREATE INDEX ix_review_logs_bulk_id ON review_logs (bulk_id) WHERE bulk_id IS NOT NULL;
DROP TABLE bulk_actions;
