-- The app keeps, for each value of each dimension, which conversations have it, in memory: totals and facets are
-- intersections of bitmaps. This is what feeds it.

-- Bitmaps hold 32-bit numbers; two thousand million conversations are more than a team reads.
ALTER TABLE conversations ADD CONSTRAINT ck_conversations_id CHECK (id BETWEEN 1 AND 2147483647) NOT VALID;
ALTER TABLE conversations VALIDATE CONSTRAINT ck_conversations_id;

-- What a filter asks for and only the logs knew: when it was last approved or rejected, and what its calls cost in USD.
ALTER TABLE conversations ADD COLUMN reviewed_at timestamptz, ADD COLUMN cost_usd numeric(14, 6);

-- What a conversation's calls cost. The estimate of a call that was given up does not count once its late reply is here.
CREATE FUNCTION cost_of_conversation(p_conversation_id text) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sum(cost_usd) FROM generation_logs AS log
    WHERE conversation_id = p_conversation_id
      AND NOT EXISTS (SELECT FROM generation_logs AS late
                      WHERE late.conversation_id = p_conversation_id AND late.late_reply_to = log.id)
$$;

-- Without the guards: nothing of what they guard changes, and updated_at is of the work, not of this upgrade.
ALTER TABLE conversations DISABLE TRIGGER guard_identity;
UPDATE conversations AS c SET reviewed_at = decided.at, cost_usd = cost_of_conversation(c.conversation_id)
FROM (SELECT id, (SELECT max(timestamp) FROM review_logs AS log
                  WHERE log.conversation_id = conversations.conversation_id AND log.action IN ('approve', 'reject')) AS at
      FROM conversations) AS decided
WHERE decided.id = c.id AND c.turn_count + (c.status = 'failed')::integer > 0;
ALTER TABLE conversations ENABLE TRIGGER guard_identity;

-- The time of the decision comes from its log row, which guard_decision has found to be of this transaction.
CREATE FUNCTION note_decision_time() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.reviewed_at := coalesce((SELECT timestamp FROM review_logs
                                 WHERE id = NEW.decision_id AND action IN ('approve', 'reject')), OLD.reviewed_at);
    RETURN NEW;
END
$$;
CREATE TRIGGER note_decision_time BEFORE UPDATE ON conversations
    FOR EACH ROW WHEN (NEW.decision_id IS DISTINCT FROM OLD.decision_id) EXECUTE FUNCTION note_decision_time();

CREATE FUNCTION note_cost() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE conversations SET cost_usd = cost_of_conversation(NEW.conversation_id)
    WHERE conversation_id = NEW.conversation_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_cost AFTER INSERT OR UPDATE ON generation_logs
    FOR EACH ROW WHEN (NEW.cost_usd IS NOT NULL AND NEW.conversation_id IS NOT NULL) EXECUTE FUNCTION note_cost();

-- The feed: one row for each change of a conversation, by the transaction that made it. Readers take what their last
-- snapshot did not see, so nothing is missed, also beside a transaction that stays open for an hour. No key: a row is
-- never looked up, and never worth a conflict.
CREATE TABLE conversation_changes (
    xid8 xid8 DEFAULT pg_current_xact_id() NOT NULL,
    conversation_id bigint NOT NULL,
    changed_at timestamptz DEFAULT now() NOT NULL
);
CREATE INDEX ix_conversation_changes_xid8 ON conversation_changes (xid8);
CREATE INDEX ix_conversation_changes_changed_at ON conversation_changes USING brin (changed_at);

CREATE FUNCTION feed_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO conversation_changes (conversation_id) SELECT id FROM changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER feed_insert AFTER INSERT ON conversations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION feed_change();
CREATE TRIGGER feed_update AFTER UPDATE ON conversations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION feed_change();
CREATE TRIGGER feed_delete AFTER DELETE ON conversations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION feed_change();

-- Takes out what is older than a day: a copy in memory that old loads anew. Returns how many rows went.
CREATE FUNCTION prune_changes() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM conversation_changes WHERE changed_at < now() - interval '1 day';
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

-- Freshly changed rows make counts slow until the visibility map knows them.
ALTER TABLE conversations SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

GRANT SELECT ON conversation_changes TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION cost_of_conversation(text), note_decision_time(), note_cost(), feed_change(), prune_changes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cost_of_conversation(text), prune_changes()
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
