-- That reviewers disagree, or do so no more, is a mark of a conversation (`is:disputed`), and nothing of its row changes:
-- whoever looks hears of it as of every change.
CREATE FUNCTION feed_dispute() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO conversation_changes (conversation_id)
    SELECT id FROM conversations WHERE conversation_id = NEW.conversation_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER feed_dispute AFTER UPDATE OF state ON second_reviews FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND 'disputed' IN (NEW.state, OLD.state))
    EXECUTE FUNCTION feed_dispute();
REVOKE ALL ON FUNCTION feed_dispute() FROM PUBLIC;
