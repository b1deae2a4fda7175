DROP TRIGGER keeps_sums ON retired_calls;
DROP FUNCTION keep_sums();
DROP TABLE retired_sums;
