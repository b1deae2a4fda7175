DROP FUNCTION measure_sampled_index(text, text);
DROP FUNCTION begin_index_action(text, text, text, text, text, boolean, bigint, double precision, bigint, double precision);
DROP FUNCTION keep_index_action(bigint, double precision);
DROP FUNCTION end_index_action(bigint, bigint, double precision, text);
DROP FUNCTION give_up_index_actions();

-- Writes down how the server stands, and with p_relations how each table and index does; what somebody holds for
-- themselves is left out, since asking for its size would wait for them. What others wait for and since when they are in a
-- transaction is only seen where the owner of the schema has pg_read_all_stats. Only for the holder of the lease. Returns
-- when.
CREATE OR REPLACE FUNCTION take_sample(p_holder text, p_relations boolean, p_disk_free_bytes bigint, p_disk_bytes bigint)
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

DROP FUNCTION index_density(oid, boolean);
DROP TABLE index_actions;
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_rebuild_policy;
ALTER TABLE workspace_settings DROP CONSTRAINT ck_workspace_settings_rebuild_automatically;
