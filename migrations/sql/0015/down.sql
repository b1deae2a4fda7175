DROP FUNCTION retry_items(bigint, text, text);
