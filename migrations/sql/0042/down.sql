DROP FUNCTION thin_samples();
DROP FUNCTION take_sample(text, boolean, bigint, bigint);
DROP FUNCTION release_sampling(text);
DROP FUNCTION hold_sampling(text, double precision);
DROP TABLE index_samples;
DROP TABLE table_samples;
DROP TABLE server_samples;
DROP TABLE sampling;
