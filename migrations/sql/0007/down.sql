DROP FUNCTION decide_many(bigint[], text, pg_snapshot, text, text, text), flag_many(bigint[], boolean, text),
    trash_many(bigint[], boolean, text), undo_bulk(text, integer, bigint), still_undoable(review_logs),
    counted_by_reason(text[]), lock_conversations(bigint[]), check_bulk(integer, text);
