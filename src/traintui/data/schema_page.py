"""The page about the schema, made of what the database says of itself: `python -m traintui.data.schema_page`."""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Conversations": (
        "conversations", "conversation_turns", "conversation_revisions", "vocabulary", "metadata_keys", "promotions",
        "promoted_values",
        "coverage_targets", "saved_views",
    ),
    "Finding conversations": (
        "conversation_changes", "search_turns", "search_metadata", "search_pending", "conversation_signatures",
        "conversation_bands", "signature_pending",
    ),
    "Documents and imports": ("documents", "chunks", "imports", "import_items"),
    "Generating": (
        "plans", "templates", "batches", "generation_items", "workers", "batch_submissions", "batch_submission_items",
        "batch_figures", "generation_streams", "generation_watches", "judgements", "presence",
    ),
    "Providers and money": (
        "model_prices", "spending", "provider_capabilities", "rate_limits", "rate_buckets", "rate_ratios",
        "rate_reservations",
    ),
    "Reviewing": (
        "assignments", "assignment_logs", "reservations", "second_reviews", "bulk_actions", "conversation_looks",
    ),
    "The logs": ("review_logs", "generation_logs", "export_logs", "export_rows", "exports_under_way"),
    "Proof, retention and erasing": (
        "log_order", "audit_seals", "audit_seal_parts", "audit_seal_leaves", "archive_frames", "retirements",
        "retired_calls", "retired_sums", "retention_rounds", "erasures", "archive_erasures",
        "aside_erasures", "record_looks",
    ),
    "Watching the database": (
        "query_times", "query_windows", "query_plans", "slow_queries", "sampling", "server_samples", "table_samples",
        "index_samples", "index_actions", "alerts", "alert_events", "session_endings", "versions_seen",
        "monthly_figures",
    ),
    "The workspace": (
        "workspace_settings", "workspace_setting_changes", "schema_history", "schema_backfills", "alembic_version",
        "workspace_version",
    ),
}  # fmt: skip
"""What tables are for. A table that a migration adds gets its place here; a test says which has none."""

DRAWN = (
    "documents", "chunks", "plans", "templates", "batches", "generation_items", "conversations", "conversation_turns",
    "conversation_revisions", "assignments", "review_logs", "generation_logs", "export_logs", "export_rows",
    "judgements",
)  # fmt: skip
"""The tables of the diagram; their foreign keys are read from the database."""
NAMED = (
    ("conversations", "conversation_revisions", "conversation_id"), ("conversations", "review_logs", "conversation_id"),
    ("conversations", "generation_logs", "conversation_id"), ("conversations", "export_rows", "conversation_id"),
    ("conversations", "judgements", "conversation_id"), ("batches", "generation_logs", "run_id"),
    ("export_logs", "export_rows", "export_id"),
)  # fmt: skip
"""What names a row of another table without a foreign key, since it outlives it: which, whose, by what."""
ROLES = ("reviewer", "author", "auditor", "admin")

TABLES = """
SELECT c.relname::text, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C"
"""
COLUMNS = """
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       coalesce(col_description(c.oid, a.attnum), '')
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname COLLATE "C", a.attnum
"""
KEYS = """
SELECT c.conrelid::regclass::text, c.contype::text, coalesce(c.confrelid::regclass::text, ''),
       ARRAY(SELECT attname::text FROM unnest(c.conkey) WITH ORDINALITY AS key(number, place)
             JOIN pg_attribute ON attrelid = c.conrelid AND attnum = key.number ORDER BY place)
FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
WHERE c.contype IN ('p', 'u', 'f') AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
ORDER BY 1, array_position('{p,u,f}', c.contype::text), c.conname COLLATE "C"
"""
INDEXES = """
SELECT i.indrelid::regclass::text, x.relname::text, i.indisunique,
       regexp_replace(pg_get_indexdef(x.oid), '^.* USING ', ''), coalesce(obj_description(x.oid, 'pg_class'), '')
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
WHERE x.relnamespace = 'public'::regnamespace AND NOT x.relispartition
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = x.oid)
ORDER BY x.relname COLLATE "C"
"""
FUNCTIONS = """
SELECT p.proname::text, pg_get_function_identity_arguments(p.oid), p.prosecdef,
       ARRAY(SELECT role FROM unnest(%(roles)s::text[]) WITH ORDINALITY AS one(role, place)
             WHERE has_function_privilege('traintui_' || role, p.oid, 'EXECUTE') ORDER BY place),
       ARRAY(SELECT DISTINCT tgrelid::regclass::text COLLATE "C" FROM pg_trigger JOIN pg_class AS t ON t.oid = tgrelid
             WHERE tgfoid = p.oid AND NOT tgisinternal AND NOT t.relispartition ORDER BY 1)
FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
ORDER BY p.proname COLLATE "C", 2
"""
REVISION = "SELECT version_num FROM alembic_version"


@dataclass(frozen=True, slots=True)
class Column:
    """A column, its type as PostgreSQL writes it, and its comment; empty where it has none."""

    name: str
    type: str
    nullable: bool
    comment: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is not of a key: how it is built, and what it serves; empty where nobody said."""

    name: str
    unique: bool
    definition: str
    comment: str


@dataclass(frozen=True, slots=True)
class Key:
    """A primary (`p`), unique (`u`) or foreign (`f`) key; `references` is the other table of a foreign one."""

    kind: str
    columns: tuple[str, ...]
    references: str


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table with all that the page says of it."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]
    indexes: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """A function: which roles may call it, whether it runs with the owner's rights, the tables whose triggers call
    it."""

    name: str
    arguments: str
    owners_rights: bool
    roles: tuple[str, ...]
    triggers_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """What a database says of its schema; partitions stand with the table that they are of."""

    revision: str
    tables: tuple[TableFacts, ...]
    functions: tuple[FunctionFacts, ...]


def read_schema(conninfo: str) -> SchemaFacts:
    """What the database at `conninfo` says of itself. Raises `psycopg.Error` when it is not reached."""
    columns, keys, indexes = defaultdict[str, list[Column]](list), defaultdict[str, list[Key]](list), defaultdict[
        str, list[Index]
    ](list)  # fmt: skip
    with psycopg.connect(conninfo) as connection:
        (revision,) = connection.execute(REVISION).fetchone() or ("",)
        for table, *column in connection.execute(COLUMNS):
            columns[table].append(Column(*column))
        for table, kind, references, names in connection.execute(KEYS):
            keys[table].append(Key(kind, tuple(names), references))
        for table, *index in connection.execute(INDEXES):
            indexes[table].append(Index(*index))
        tables = tuple(
            TableFacts(name, comment, tuple(columns[name]), tuple(keys[name]), tuple(indexes[name]))
            for name, comment in connection.execute(TABLES)
        )
        functions = tuple(
            FunctionFacts(name, arguments, owners, tuple(roles), tuple(triggers))
            for name, arguments, owners, roles, triggers in connection.execute(FUNCTIONS, {"roles": list(ROLES)})
        )
    return SchemaFacts(revision, tables, functions)


def undocumented(facts: SchemaFacts) -> list[str]:
    """What has no comment, or no place on the page: a line each that says which and what to do."""
    placed = {table for tables in SECTIONS.values() for table in tables}
    missing: list[str] = []
    for table in facts.tables:
        if table.name not in placed:
            missing.append(f"table {table.name} has no place in SECTIONS of data/schema_page.py")
        if not table.comment:
            missing.append(f"table {table.name} has no COMMENT in the migration that makes it")
        missing += [
            f"column {table.name}.{column.name} has no COMMENT in the migration that makes it"
            for column in table.columns
            if not column.comment
        ]
        missing += [
            f"index {index.name} has no COMMENT that says what it serves"
            for index in table.indexes
            if not index.comment
        ]
    there = {table.name for table in facts.tables}
    return missing + [f"SECTIONS of data/schema_page.py names {name}, which is gone" for name in sorted(placed - there)]


# The page ---------------------------------------------------------------------------------------------------------


def page(facts: SchemaFacts) -> str:
    """The page as Markdown: a diagram of the main tables, all tables by what they are for, and the functions."""
    tables = {table.name: table for table in facts.tables}
    parts = [
        "# The schema",
        f"As revision {facts.revision} makes it. Made by `python -m traintui.data.schema_page` of what the database"
        " says of itself; the words stand in the migrations, as COMMENTs. Why things are so:"
        " [architecture.md](architecture.md).",
        "## The main tables",
        diagram(tables),
        "Dotted lines are names without a foreign key: the logs outlive what they are about.",
    ]
    for section, names in SECTIONS.items():
        parts.append(f"## {section}")
        parts += [block for name in names if name in tables for block in of_table(tables[name])]
    return "\n\n".join([*parts, *of_functions(facts.functions)]) + "\n"


def diagram(tables: Mapping[str, TableFacts]) -> str:
    """Foreign keys among the main tables, and what names a row without one, in Mermaid."""
    lines = ["```mermaid", "erDiagram"]
    for name in DRAWN:
        for key in tables[name].keys:
            if key.kind == "f" and key.references in DRAWN:
                lines.append(f'    {key.references} ||--o{{ {name} : "{", ".join(key.columns)}"')
    lines += [f'    {one} ||..o{{ {many} : "{by}"' for one, many, by in NAMED]
    return "\n".join([*lines, "```"])


def of_table(table: TableFacts) -> Iterator[str]:
    """A table: what it holds, its columns, its keys and its indexes."""
    yield f"### {table.name}"
    yield table.comment
    yield listed(
        ("column", "type", "null", "what it holds"),
        ((f"`{c.name}`", c.type, "yes" if c.nullable else "", c.comment) for c in table.columns),
    )
    said = {"p": "Key", "u": "Unique", "f": "Names"}
    if table.keys:
        yield "\n".join(
            f"- {said[key.kind]}: `{', '.join(key.columns)}`" + (f" in `{key.references}`" if key.references else "")
            for key in table.keys
        )
    if table.indexes:
        yield listed(
            ("index", "of", "what it serves"),
            (
                (f"`{index.name}`" + (" (unique)" if index.unique else ""), f"`{index.definition}`", index.comment)
                for index in table.indexes
            ),
        )


def of_functions(functions: Sequence[FunctionFacts]) -> Iterator[str]:
    """Those that people may call with the roles that may, those that triggers call, and those that others call."""
    open_ones = [function for function in functions if function.roles]
    triggers = [function for function in functions if not function.roles and function.triggers_of]
    inner = [function for function in functions if not function.roles and not function.triggers_of]
    yield "## Functions that people call"
    yield (
        "Who has none of these roles calls none. One with the owner's rights does what its caller may not do directly,"
        " after it has asked who calls."
    )
    yield listed(
        ("function", "arguments", "who may call it", "rights"),
        (
            (
                f"`{function.name}`", f"`{function.arguments}`" if function.arguments else "",
                "all roles" if function.roles == ROLES else ", ".join(function.roles),
                "owner's" if function.owners_rights else "caller's",
            )
            for function in open_ones
        ),
    )  # fmt: skip
    yield "## Functions of triggers"
    yield listed(
        ("function", "called when these change"),
        ((f"`{function.name}`", ", ".join(f"`{table}`" for table in function.triggers_of)) for function in triggers),
    )
    yield "## Functions of functions"
    yield "Nobody calls these but the functions above: " + ", ".join(f"`{function.name}`" for function in inner) + "."


def listed(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def main() -> None:
    """Writes the page of the newest schema to the path that is given, or to `docs/schema.md`."""
    from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
    from traintui.data.workspace import make_embedded_workspace

    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schema.md")
    with tempfile.TemporaryDirectory(prefix="ts-") as directory:
        Path(directory).chmod(0o711)
        server = EmbeddedServer(Path(directory) / "home", durable=False)
        server.start()
        try:
            make_embedded_workspace(server)
            written = page(read_schema(server.conninfo(SUPERUSER, DATABASE)))
        finally:
            server.stop()
    path.write_text(written, encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
