-- How full the leaves of a B-tree are, read from its file: only a superuser may read that, so the function is theirs, in a
-- schema of its own that is no part of the workspace. It is made where an embedded server is set up and left out of
-- backups: on a shared server nobody could own it. Running this again changes nothing.
CREATE SCHEMA IF NOT EXISTS traintui_server;
REVOKE ALL ON SCHEMA traintui_server FROM PUBLIC;
GRANT USAGE ON SCHEMA traintui_server TO traintui_owner;

-- 0 to 1, as pgstatindex reckons it: one less the free share of the leaves, of all pages or of some 500 evenly chosen ones.
-- What is in memory alone, until the next checkpoint, is not in the file. Null for what is no B-tree of the workspace.
CREATE OR REPLACE FUNCTION traintui_server.leaf_density(p_index oid) RETURNS double precision
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH file AS (
        SELECT pg_relation_filepath(c.oid) AS path, pg_relation_size(c.oid) / 8192 - 1 AS pages
        FROM pg_class AS c JOIN pg_am AS am ON am.oid = c.relam
        WHERE c.oid = p_index AND c.relkind = 'i' AND am.amname = 'btree' AND c.relnamespace = 'public'::regnamespace
          AND current_setting('block_size') = '8192'
    ), chosen AS (
        -- Page 0 says where the root is. A file goes on in another one after a gigabyte.
        SELECT path, 1 + place * pages / least(pages, 512) AS number
        FROM file, generate_series(0, least(pages, 512) - 1) AS place
    ), page AS MATERIALIZED (
        SELECT pg_read_binary_file(path || CASE WHEN number < 131072 THEN '' ELSE '.' || number / 131072 END,
                                   number % 131072 * 8192, 8192, true) AS bytes
        FROM chosen
    ), header AS (
        SELECT get_byte(bytes, 12) + 256 * get_byte(bytes, 13) AS lower, get_byte(bytes, 14) + 256 * get_byte(bytes, 15) AS upper,
               get_byte(bytes, 16) + 256 * get_byte(bytes, 17) AS special, get_byte(bytes, 8188) AS flags
        FROM page WHERE octet_length(bytes) = 8192
    )
    -- Leaves that are neither deleted nor half dead; what stands behind `special` is 16 bytes of the B-tree's own.
    SELECT 1 - sum(upper - lower)::double precision / nullif(sum(special - 24), 0)
    FROM header WHERE flags & 29 = 1 AND special = 8176 AND lower BETWEEN 24 AND upper AND upper <= special
$$;
REVOKE ALL ON FUNCTION traintui_server.leaf_density(oid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION traintui_server.leaf_density(oid) TO traintui_owner;
