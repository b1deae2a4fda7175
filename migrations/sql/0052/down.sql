-- No comment is left on a table, a column or an index.
DO $$
DECLARE
    said record;
BEGIN
    FOR said IN
        SELECT CASE WHEN d.objsubid > 0 THEN 'COLUMN' WHEN c.relkind IN ('i', 'I') THEN 'INDEX' ELSE 'TABLE' END AS kind,
               c.oid::regclass::text || coalesce('.' || quote_ident(a.attname), '') AS thing
        FROM pg_description AS d JOIN pg_class AS c ON c.oid = d.objoid
        LEFT JOIN pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
        WHERE d.classoid = 'pg_class'::regclass AND c.relnamespace = 'public'::regnamespace
          AND c.relkind IN ('r', 'p', 'i', 'I')
    LOOP
        EXECUTE format('COMMENT ON %s %s IS NULL', said.kind, said.thing);
    END LOOP;
END
$$;
