-- Which conversations say nearly the same. A signature is a MinHash: the share of its 120 numbers that two have in common
-- is about the share of their phrases that they have in common. Six numbers in a row are a band; two of which 70 % is the
-- same share one of their twenty bands in 92 of 100 cases, two of which 80 % is the same in 99. So what is near is found by
-- twenty probes of an index, however many conversations there are.

CREATE TABLE conversation_signatures (
    conversation_id bigint NOT NULL,
    revision integer NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT pk_conversation_signatures PRIMARY KEY (conversation_id),
    CONSTRAINT fk_conversation_signatures_conversation_id_conversations FOREIGN KEY (conversation_id)
        REFERENCES conversations (id) ON DELETE CASCADE,
    CONSTRAINT ck_conversation_signatures_signature CHECK (octet_length(signature) = 240)
);
-- It does not compress; this spares the trying.
ALTER TABLE conversation_signatures ALTER COLUMN signature SET STORAGE PLAIN;

-- Kept by a trigger on the signatures, which also takes the rows of a conversation that goes: a foreign key would need an
-- index of its own, as large as the table.
CREATE TABLE conversation_bands (
    band integer NOT NULL,
    conversation_id integer NOT NULL,
    CONSTRAINT pk_conversation_bands PRIMARY KEY (band, conversation_id)
);

CREATE FUNCTION signature_bands(p_signature bytea) RETURNS SETOF integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ('x' || encode(substr(sha256(set_byte('\x00', 0, band) || substr(p_signature, band * 12 + 1, 12)), 1, 4), 'hex'))
           ::bit(32)::integer
    FROM generate_series(0, 19) AS band
$$;

CREATE FUNCTION keep_bands() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM conversation_bands
        WHERE conversation_id = OLD.conversation_id AND band IN (SELECT signature_bands(OLD.signature));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO conversation_bands (band, conversation_id)
        SELECT DISTINCT band, NEW.conversation_id FROM signature_bands(NEW.signature) AS band;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_bands AFTER INSERT OR UPDATE OF signature OR DELETE ON conversation_signatures
    FOR EACH ROW EXECUTE FUNCTION keep_bands();

-- The conversations that share a band with a signature, the newest 20 for each band: where hundreds say the same, any of
-- them will do. p_except is the conversation that the signature is of. Whoever asks this in order to store a conversation
-- holds its bands until the commit, so that of two that say the same and are stored at once the second sees the first. A
-- worker that was frozen while it held them keeps the others waiting for two seconds and no longer: what is paid for is
-- stored.
CREATE FUNCTION conversations_near(p_signature bytea, p_except text)
RETURNS TABLE (conversation_id text, signature bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM require_role('author');
    BEGIN
        -- In one order everywhere, so that no two wait for each other.
        PERFORM pg_advisory_xact_lock(7456, ordered.band)
        FROM (SELECT DISTINCT band FROM signature_bands(p_signature) AS band ORDER BY band) AS ordered;
    EXCEPTION WHEN lock_not_available THEN
        NULL;
    END;
    RETURN QUERY
    WITH met AS MATERIALIZED (
        SELECT DISTINCT holder.id
        FROM signature_bands(p_signature) AS probe,
             LATERAL (SELECT b.conversation_id::bigint AS id FROM conversation_bands AS b WHERE b.band = probe
                      ORDER BY b.conversation_id DESC LIMIT 20) AS holder
    )
    SELECT c.conversation_id, s.signature
    FROM met JOIN conversations AS c ON c.id = met.id JOIN conversation_signatures AS s ON s.conversation_id = met.id
    WHERE c.deleted_at IS NULL AND c.conversation_id <> p_except
    ORDER BY c.id;
END
$$;

-- Keeps the signature of a revision of a conversation, by default the present one. An older reading never replaces a newer
-- one. Returns true, also when the conversation is gone.
CREATE FUNCTION keep_signature(p_conversation_id text, p_signature bytea, p_revision integer DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    INSERT INTO conversation_signatures AS old (conversation_id, revision, signature)
    SELECT id, coalesce(p_revision, revision), p_signature FROM conversations WHERE conversation_id = p_conversation_id
    ON CONFLICT (conversation_id) DO UPDATE SET revision = excluded.revision, signature = excluded.signature
        WHERE old.revision <= excluded.revision;
    RETURN true;
END
$$;

-- What is imported or edited is signed afterwards by a worker, which has what it takes. Nothing is unique: a change while
-- a signature is made adds a row of its own, which is still there afterwards.
CREATE TABLE signature_pending (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    conversation_id bigint NOT NULL,
    CONSTRAINT pk_signature_pending PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, vacuum_truncate = false);

CREATE FUNCTION queue_unsigned() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO signature_pending (conversation_id)
    SELECT c.id FROM added JOIN conversations AS c USING (conversation_id) WHERE added.origin <> 'generated' ORDER BY c.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER queue_unsigned AFTER INSERT ON conversation_revisions
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION queue_unsigned();

-- Takes up to p_limit conversations out of the queue, with what they say. It is for the transaction that then keeps their
-- signatures: if that does not come to its end they are still queued. Nobody has to wait for the disk, since a crash loses
-- the signatures together with their leaving the queue.
CREATE FUNCTION take_unsigned(p_limit integer)
RETURNS TABLE (conversation_id text, revision integer, contents text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM require_role('author');
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
    WITH taken AS (
        DELETE FROM signature_pending AS p
        WHERE p.id IN (SELECT q.id FROM signature_pending AS q ORDER BY q.id LIMIT p_limit FOR UPDATE SKIP LOCKED)
        RETURNING p.conversation_id AS id
    )
    SELECT c.conversation_id, c.revision,
           ARRAY(SELECT turn.content FROM conversation_turns AS turn WHERE turn.conversation_id = c.id
                 ORDER BY turn.turn_number)
    FROM (SELECT DISTINCT id FROM taken) AS each JOIN conversations AS c USING (id)
    ORDER BY c.id;
END
$$;

-- What is there already.
INSERT INTO signature_pending (conversation_id) SELECT id FROM conversations WHERE turn_count > 0 ORDER BY id;

GRANT SELECT ON conversation_signatures, conversation_bands, signature_pending
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION signature_bands(bytea), keep_bands(), conversations_near(bytea, text),
    keep_signature(text, bytea, integer), queue_unsigned(), take_unsigned(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION signature_bands(bytea) TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
GRANT EXECUTE ON FUNCTION conversations_near(bytea, text), keep_signature(text, bytea, integer), take_unsigned(integer)
    TO traintui_author;
