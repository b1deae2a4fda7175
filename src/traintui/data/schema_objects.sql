-- All that migrations make, one row for each thing: what it is, its name, and how it is defined. Partitions are left out,
-- which follow their table, what extensions brought, what a downgrade put aside and takes it out again, and what the owner may
-- do with its own.
WITH foreigner AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relation AS (
    SELECT oid, relname, relkind, relacl, relowner, relrowsecurity, relforcerowsecurity, reloptions FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND NOT relispartition AND relname <> 'alembic_version'
        AND NOT starts_with(relname, 'put_aside_')
        AND NOT EXISTS (SELECT FROM foreigner WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid)
), routine AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, proacl, proowner, prokind FROM pg_proc AS p
    WHERE pronamespace = 'public'::regnamespace AND NOT starts_with(proname, 'put_aside_')
        AND NOT EXISTS (SELECT FROM foreigner WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
), granted AS (
    SELECT 'table ' || relname AS thing, acl.* FROM relation, aclexplode(relacl) AS acl
    WHERE relkind IN ('r', 'p', 'v') AND grantee <> relowner
    UNION ALL
    SELECT 'sequence ' || relname, acl.* FROM relation, aclexplode(relacl) AS acl WHERE relkind = 'S' AND grantee <> relowner
    UNION ALL
    SELECT 'column ' || relname || '.' || attname, acl.* FROM relation
    JOIN pg_attribute ON attrelid = relation.oid AND NOT attisdropped, aclexplode(attacl) AS acl WHERE grantee <> relowner
    UNION ALL
    SELECT 'function ' || name, acl.* FROM routine, aclexplode(proacl) AS acl WHERE grantee <> proowner
    UNION ALL
    SELECT 'function ' || name, proowner, 0, 'EXECUTE', false FROM routine WHERE proacl IS NULL
)
SELECT kind, name, definition FROM (
    SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, relname::text AS name,
           concat_ws(E'\n', 'owner ' || relowner::regrole::text, CASE WHEN relrowsecurity THEN 'row level security' END,
                     CASE WHEN relforcerowsecurity THEN 'also for its owner' END,
                     'with ' || (SELECT string_agg(option, ', ' ORDER BY option) FROM unnest(reloptions) AS option),
                     'partitioned by ' || pg_get_partkeydef(oid),
                     CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END) AS definition
    FROM relation WHERE relkind IN ('r', 'p', 'v', 'S')
    UNION ALL
    SELECT 'column', relname || '.' || attname,
           concat_ws(' ', format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' END,
                     CASE attidentity WHEN 'a' THEN 'always identity' WHEN 'd' THEN 'identity' END,
                     CASE WHEN attgenerated <> '' THEN 'generated' ELSE 'default' END || ' ' || pg_get_expr(adbin, adrelid))
    FROM relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind IN ('r', 'p')
    UNION ALL
    SELECT 'constraint', relname || '.' || conname,
           pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint JOIN relation ON relation.oid = conrelid WHERE contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT 'index', relname::text, pg_get_indexdef(relation.oid) || CASE WHEN NOT indisvalid THEN ' (invalid)' ELSE '' END
    FROM relation JOIN pg_index ON indexrelid = relation.oid
    UNION ALL
    SELECT 'comment',
           concat(CASE WHEN attname IS NOT NULL THEN 'column ' WHEN relkind IN ('i', 'I') THEN 'index ' ELSE 'table ' END,
                  relname, '.' || attname), description
    FROM relation JOIN pg_description ON objoid = relation.oid AND classoid = 'pg_class'::regclass
    LEFT JOIN pg_attribute ON attrelid = relation.oid AND attnum = objsubid AND objsubid > 0
    WHERE relkind IN ('r', 'p', 'i', 'I')
    UNION ALL
    SELECT 'function', name,
           'owner ' || proowner::regrole::text || E'\n' || pg_get_functiondef(oid) FROM routine WHERE prokind IN ('f', 'p')
    UNION ALL
    SELECT 'trigger', relname || '.' || tgname,
           pg_get_triggerdef(pg_trigger.oid) || CASE tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' (off)' ELSE ' (' || tgenabled::text || ')' END
    FROM pg_trigger JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal AND NOT starts_with(tgname, 'put_aside_')
    UNION ALL
    SELECT 'policy', tablename || '.' || policyname,
           concat_ws(' ', permissive, 'for', cmd, 'to', array_to_string(roles::text[], ', '), 'using ' || qual, 'with check ' || with_check)
    FROM pg_policies WHERE schemaname = 'public'
    UNION ALL
    SELECT 'type', typname::text, 'owner ' || typowner::regrole::text || ' ' || CASE typtype
        WHEN 'e' THEN (SELECT string_agg(enumlabel::text, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = pg_type.oid)
        ELSE format_type(typbasetype, typtypmod) || coalesce(' ' || (
            SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY conname) FROM pg_constraint WHERE contypid = pg_type.oid), '')
        END
    FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    UNION ALL
    SELECT 'grant', thing || ' to ' || CASE grantee WHEN 0 THEN 'everybody' ELSE grantee::regrole::text END,
           string_agg(privilege_type || CASE WHEN is_grantable THEN ' and to grant it' ELSE '' END, ', ' ORDER BY privilege_type)
    FROM granted WHERE privilege_type <> 'MAINTAIN' GROUP BY thing, grantee
) AS object ORDER BY kind, name COLLATE "C"
