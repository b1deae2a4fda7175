-- The newest revision of a conversation that each person has had before their eyes. A comfort: it says what need not be
-- read again, and no decision depends on it.
CREATE TABLE conversation_looks (
    conversation_id bigint NOT NULL,
    login text NOT NULL,
    revision integer NOT NULL CONSTRAINT ck_conversation_looks_revision CHECK (revision >= 1),
    looked_at timestamptz NOT NULL,
    -- The conversation first, so that it serves the foreign key when one is purged.
    CONSTRAINT pk_conversation_looks PRIMARY KEY (conversation_id, login),
    CONSTRAINT fk_conversation_looks_conversation_id_conversations FOREIGN KEY (conversation_id)
        REFERENCES conversations (id) ON DELETE CASCADE
) WITH (fillfactor = 80);

-- Notes what the person logged in has looked at; what is gone meanwhile is left out. Nobody waits for the disk: a crash
-- loses the last few. One order everywhere, so that two apps of one person do not wait for each other in a circle.
CREATE FUNCTION note_looks(p_conversation_ids text[], p_revisions integer[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    noted integer;
BEGIN
    PERFORM require_role('reviewer');
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO conversation_looks AS old (conversation_id, login, revision, looked_at)
    SELECT c.id, session_user, max(looked.revision), clock_timestamp()
    FROM unnest(p_conversation_ids, p_revisions) AS looked(conversation_id, revision)
    JOIN conversations AS c USING (conversation_id)
    GROUP BY c.id ORDER BY c.id
    ON CONFLICT (conversation_id, login) DO UPDATE
        SET revision = excluded.revision, looked_at = excluded.looked_at
        WHERE old.revision <= excluded.revision;
    GET DIAGNOSTICS noted = ROW_COUNT;
    RETURN noted;
END
$$;

REVOKE ALL ON conversation_looks FROM PUBLIC;
GRANT SELECT ON conversation_looks TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION note_looks(text[], integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_looks(text[], integer[]) TO traintui_reviewer, traintui_author, traintui_admin;
