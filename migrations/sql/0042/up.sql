-- How the server, the tables and the indexes stand, again and again. Counters are kept as the server has them; who reads
-- takes differences, and a counter that fell begins anew: a crash zeroes them and says so nowhere.

-- One row: which process samples, until when it may.
CREATE TABLE sampling (
    only_row BOOLEAN DEFAULT true NOT NULL,
    holder TEXT,
    held_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_sampling PRIMARY KEY (only_row),
    CONSTRAINT ck_sampling_only_row CHECK (only_row)
);
INSERT INTO sampling DEFAULT VALUES;

CREATE TABLE server_samples (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    server_started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    connections INTEGER NOT NULL,
    max_connections INTEGER NOT NULL,
    active INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    longest_transaction_seconds DOUBLE PRECISION NOT NULL,
    commits BIGINT NOT NULL,
    rollbacks BIGINT NOT NULL,
    blocks_hit BIGINT NOT NULL,
    blocks_read BIGINT NOT NULL,
    rows_written BIGINT NOT NULL,
    temp_bytes BIGINT NOT NULL,
    deadlocks BIGINT NOT NULL,
    wal_bytes NUMERIC(30, 0) NOT NULL,
    database_bytes BIGINT NOT NULL,
    disk_free_bytes BIGINT,
    disk_bytes BIGINT,
    CONSTRAINT pk_server_samples PRIMARY KEY (at)
);

-- Of a partitioned table all of its parts together.
CREATE TABLE table_samples (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    table_name TEXT NOT NULL,
    live_rows BIGINT NOT NULL,
    dead_rows BIGINT NOT NULL,
    table_bytes BIGINT NOT NULL,
    toast_bytes BIGINT NOT NULL,
    index_bytes BIGINT NOT NULL,
    inserted BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    hot_updated BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    whole_scans BIGINT NOT NULL,
    whole_scan_rows BIGINT NOT NULL,
    index_scans BIGINT NOT NULL,
    vacuumed_at TIMESTAMP WITH TIME ZONE,
    analyzed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_table_samples PRIMARY KEY (at, table_name)
);

-- Of the index of a partitioned table all of its parts together. file_number is that of its file, and changes when it is
-- rebuilt; density is of its leaves, 0 to 1, where somebody may read it.
CREATE TABLE index_samples (
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    index_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    is_valid BOOLEAN NOT NULL,
    index_bytes BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    file_number BIGINT NOT NULL,
    scans BIGINT NOT NULL,
    scanned_at TIMESTAMP WITH TIME ZONE,
    blocks_hit BIGINT NOT NULL,
    blocks_read BIGINT NOT NULL,
    density DOUBLE PRECISION,
    CONSTRAINT pk_index_samples PRIMARY KEY (at, index_name),
    CONSTRAINT ck_index_samples_density CHECK (density BETWEEN 0 AND 1)
);
CREATE INDEX ix_index_samples_index_name_at ON index_samples (index_name, at);

-- Takes or keeps the lease of the sampler for some seconds. Returns whether this holder has it.
CREATE FUNCTION hold_sampling(p_holder text, p_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE sampling SET holder = p_holder,
                        held_until = clock_timestamp() + make_interval(secs => least(greatest(p_seconds, 1), 600))
    WHERE holder IS NULL OR holder = p_holder OR held_until < clock_timestamp();
    RETURN FOUND;
END
$$;

CREATE FUNCTION release_sampling(p_holder text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE sampling SET holder = NULL, held_until = NULL WHERE holder = p_holder
$$;

-- Writes down how the server stands, and with p_relations how each table and index does; what somebody holds for
-- themselves is left out, since asking for its size would wait for them. What others wait for and since when they are in a
-- transaction is only seen where the owner of the schema has pg_read_all_stats. Only for the holder of the lease. Returns
-- when.
CREATE FUNCTION take_sample(p_holder text, p_relations boolean, p_disk_free_bytes bigint, p_disk_bytes bigint)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    PERFORM FROM sampling WHERE holder = p_holder AND held_until > clock_timestamp() FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process samples this database' USING ERRCODE = 'TT003';
    END IF;
    INSERT INTO server_samples
    SELECT moment, pg_postmaster_start_time(), a.connections, current_setting('max_connections')::integer, a.active,
           a.waiting, a.longest, d.xact_commit, d.xact_rollback, d.blks_hit, d.blks_read,
           d.tup_inserted + d.tup_updated + d.tup_deleted, d.temp_bytes, d.deadlocks, w.wal_bytes,
           pg_database_size(d.datid), p_disk_free_bytes, p_disk_bytes
    FROM pg_stat_database AS d, pg_stat_wal AS w,
         (SELECT (SELECT sum(numbackends) FROM pg_stat_database) AS connections, count(*) FILTER (WHERE state = 'active') AS active,
                 count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
                 coalesce(max(extract(epoch FROM moment - xact_start)), 0) AS longest
          FROM pg_stat_activity WHERE backend_type = 'client backend') AS a
    WHERE d.datname = current_database();
    IF NOT p_relations THEN
        RETURN moment;
    END IF;
    WITH held AS (
        SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), part AS (
        SELECT coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid), c.oid) AS root, c.oid
        FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.oid NOT IN (SELECT relation FROM held)
    )
    INSERT INTO table_samples
    SELECT moment, (SELECT relname FROM pg_class WHERE oid = part.root), coalesce(sum(s.n_live_tup), 0),
           coalesce(sum(s.n_dead_tup), 0), coalesce(sum(pg_relation_size(part.oid)), 0),
           coalesce(sum(pg_table_size(part.oid) - pg_relation_size(part.oid)), 0),
           coalesce(sum(pg_indexes_size(part.oid)), 0), coalesce(sum(s.n_tup_ins), 0), coalesce(sum(s.n_tup_upd), 0),
           coalesce(sum(s.n_tup_hot_upd), 0), coalesce(sum(s.n_tup_del), 0), coalesce(sum(s.seq_scan), 0),
           coalesce(sum(s.seq_tup_read), 0), coalesce(sum(s.idx_scan), 0),
           max(greatest(s.last_vacuum, s.last_autovacuum)), max(greatest(s.last_analyze, s.last_autoanalyze))
    FROM part LEFT JOIN pg_stat_user_tables AS s ON s.relid = part.oid
    GROUP BY part.root;
    WITH held AS (
        SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), part AS (
        SELECT coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid), c.oid) AS root, c.oid, i.indrelid,
               i.indisvalid AND i.indisready AND i.indislive AS is_valid, greatest(c.reltuples, 0)::bigint AS entries
        FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('i', 'I')
          AND c.oid NOT IN (SELECT relation FROM held) AND i.indrelid NOT IN (SELECT relation FROM held)
    )
    INSERT INTO index_samples (at, index_name, table_name, is_valid, index_bytes, entries, file_number, scans, scanned_at,
                               blocks_hit, blocks_read)
    SELECT moment, (SELECT relname FROM pg_class WHERE oid = part.root),
           (SELECT relname FROM pg_class JOIN pg_index ON indrelid = pg_class.oid WHERE indexrelid = part.root),
           bool_and(part.is_valid), coalesce(sum(pg_relation_size(part.oid)), 0), sum(part.entries),
           coalesce(sum(pg_relation_filenode(part.oid)::bigint), 0), coalesce(sum(s.idx_scan), 0), max(s.last_idx_scan),
           coalesce(sum(io.idx_blks_hit), 0), coalesce(sum(io.idx_blks_read), 0)
    FROM part LEFT JOIN pg_stat_user_indexes AS s ON s.indexrelid = part.oid
         LEFT JOIN pg_statio_user_indexes AS io ON io.indexrelid = part.oid
    GROUP BY part.root;
    RETURN moment;
END
$$;

-- Keeps of samples that are two days old one an hour, of those that are 35 days old one a day, and of none more than 400
-- days. Returns how many rows it took out.
CREATE FUNCTION thin_samples() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    number integer := 0;
    step integer;
    source text;
BEGIN
    FOREACH source IN ARRAY ARRAY['server_samples', 'table_samples', 'index_samples'] LOOP
        -- All of a sample goes, or none: what is together tells more.
        EXECUTE format(
            'WITH moments AS (SELECT DISTINCT at FROM %1$I WHERE at < clock_timestamp() - interval ''2 days''),'
            ' kept AS (SELECT min(at) AS at FROM moments WHERE at >= clock_timestamp() - interval ''400 days'''
            '          GROUP BY date_trunc(CASE WHEN at < clock_timestamp() - interval ''35 days'' THEN ''day'''
            '                              ELSE ''hour'' END, at AT TIME ZONE ''UTC''))'
            ' DELETE FROM %1$I WHERE at IN (SELECT at FROM moments EXCEPT SELECT at FROM kept)', source);
        GET DIAGNOSTICS step = ROW_COUNT;
        number := number + step;
    END LOOP;
    RETURN number;
END
$$;

REVOKE ALL ON sampling, server_samples, table_samples, index_samples FROM PUBLIC;
GRANT SELECT ON sampling, server_samples, table_samples, index_samples
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
REVOKE ALL ON FUNCTION hold_sampling(text, double precision), release_sampling(text),
    take_sample(text, boolean, bigint, bigint), thin_samples() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_sampling(text, double precision), release_sampling(text),
    take_sample(text, boolean, bigint, bigint), thin_samples()
    TO traintui_reviewer, traintui_author, traintui_auditor, traintui_admin;
