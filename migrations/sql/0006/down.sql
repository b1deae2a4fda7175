DROP FUNCTION delete_view(bigint), save_view(text, text, text, jsonb, boolean);
DROP TABLE saved_views;
