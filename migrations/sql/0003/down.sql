-- All of it can be made again from the turns and the metadata.
DROP TRIGGER queue_added_turns ON conversation_turns;
DROP TRIGGER queue_changed_turn ON conversation_turns;
DROP TRIGGER queue_removed_turns ON conversation_turns;
DROP TRIGGER queue_added_metadata ON conversations;
DROP TRIGGER queue_changed_metadata ON conversations;
DROP TRIGGER guard_search_language ON workspace_settings;
DROP TRIGGER queue_language_insert ON workspace_settings;
DROP TRIGGER queue_language_update ON workspace_settings;
DROP TRIGGER queue_language_delete ON workspace_settings;
DROP FUNCTION queue_added_turns(), queue_changed_turn(), queue_removed_turns(), queue_added_metadata(),
    queue_changed_metadata(), queue_language(), guard_search_language(), index_search(integer),
    conversation_says(bigint, tsquery), search_query(text, boolean), search_parts(text, regconfig),
    search_vector(text, regconfig), search_cut(text, integer, integer, integer), search_words(text), search_form(text),
    search_language();
DROP TABLE search_pending, search_turns, search_metadata;
-- A setting that an older Traintui does not know stays: it does no harm, and coming back finds it.
