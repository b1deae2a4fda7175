DROP FUNCTION release_second_reviews(text, text, pg_snapshot);
DROP FUNCTION second_review_standing(boolean);
DROP FUNCTION waiting_second_reviews(pg_snapshot);
