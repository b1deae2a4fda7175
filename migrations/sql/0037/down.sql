DROP FUNCTION review_rows_saying(tsquery);
DROP FUNCTION review_words(text, text);
DROP FUNCTION call_words(text, text);
CREATE INDEX ix_review_logs_timestamp ON review_logs (timestamp);
CREATE INDEX ix_generation_logs_created_at_id ON generation_logs (created_at, id);
