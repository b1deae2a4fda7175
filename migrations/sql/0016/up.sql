-- The model that wrote a conversation, where it was not the one that its plan names: a fallback after a refusal.
CREATE FUNCTION note_model(p_item_id bigint, p_fence bigint, p_model text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    UPDATE conversations SET model = p_model FROM generation_items AS item
    WHERE item.id = p_item_id AND item.fence = p_fence AND item.state = 'done' AND conversations.id = item.conversation_id
      AND conversations.status = 'generated' AND conversations.model IS DISTINCT FROM p_model;
END
$$;
REVOKE ALL ON FUNCTION note_model(bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_model(bigint, bigint, text) TO traintui_author;
