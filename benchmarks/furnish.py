"""A workspace with many conversations, loaded by COPY through every trigger that the app's own writes go through.

`python -m benchmarks.furnish --home DIR --rows N` makes one, and finds it again the next time.

Each conversation comes with its turns (two, or as many exchanges as asked for), its revision, the log rows of its
decision, flag, import or deletion, and for 60 % the call that wrote it. Those that are planned or failed have turns
too: N rows are N times as many turns.
The logs stamp themselves: who is the login that loads, one of four, and their times are those of loading;
`reviewed_at` and `created_at` are spread over 300 days.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql

from benchmarks.invented import (
    BATCHES,
    CHUNKS_EACH,
    DAYS,
    DIMENSIONS,
    DOCUMENTS,
    END,
    NAMES,
    REASONS,
    Invented,
    Inventor,
)
from traintui.data import schema, users
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.workspace import make_embedded_workspace

BLOCK = 4_000
"""Conversations in a transaction."""
STREAMS = 2
CALLS = 0.6
"""The share of conversations whose call is in the log."""
FORM = 1
"""Counts up when the same seed gives other rows."""


@dataclass(frozen=True, slots=True)
class Furnished:
    """A workspace for a benchmark. `seconds` is the load until the last commit, `settling` the vacuum after it; `spent`
    says in what, in seconds of all streams together. `reused` is true when it was there already."""

    rows: int
    seconds: float
    settling: float
    bytes: int
    spent: dict[str, float]
    reused: bool = False


def furnish(
    home: Path, rows: int, *, seed: int = 7, exchanges: int = 1, say: Callable[[str], None] = print
) -> Furnished:
    """The embedded workspace of `home` with `rows` conversations of so many exchanges each; one that was furnished
    alike is used as it is.

    Raises `SystemExit` when the home holds something else.
    """
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    stamp = home / "furnished.json"
    wanted = {"rows": rows, "seed": seed, "form": FORM} | ({"exchanges": exchanges} if exchanges > 1 else {})
    found = json.loads(stamp.read_text()) if stamp.exists() else None
    if found is None and (home / "postgres").exists():
        raise SystemExit(f"{home} holds a workspace that no benchmark made.")
    if found is not None and found["wanted"] != wanted:
        raise SystemExit(f"{home} was furnished with {found['wanted']}: take another directory, or remove it.")
    server = EmbeddedServer(home)
    server.start()
    try:
        if found is not None and found["result"] is not None:
            make_embedded_workspace(server)
            return Furnished(**found["result"] | {"reused": True})
        if found is not None:  # a load that was cut off
            with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        stamp.write_text(json.dumps({"wanted": wanted, "result": None}))
        make_embedded_workspace(server)
        result = load(server, Inventor(rows, seed, exchanges), say)
        stamp.write_text(json.dumps({"wanted": wanted, "result": asdict(result)}))
        return result
    finally:
        server.stop()


def load(server: EmbeddedServer, inventor: Inventor, say: Callable[[str], None]) -> Furnished:
    """Loads all that is invented into an empty workspace."""
    rows, started = inventor.rows, time.perf_counter()
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        prepare(connection)
        # Streams would wait for each other at the sums of a batch: these are added up once, at the end.
        connection.execute("ALTER TABLE generation_logs DISABLE TRIGGER note_spending")
        for name in NAMES:
            users.add_user(server.conninfo(SUPERUSER), name, "author", with_password=False)
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(schema.OWNER), sql.Identifier(name)))
        conninfos = [server.conninfo(name) for name in NAMES]
        blocks = [(first, min(first + BLOCK - 1, rows)) for first in range(1, rows + 1, BLOCK)]
        spent: dict[str, float] = defaultdict(float)
        loaded = 0
        for part, count in streamed(conninfos, inventor, blocks):
            for name, took in part.items():
                spent[name] += took
            loaded += count
            if loaded // 50_000 > (loaded - count) // 50_000 or loaded == rows:
                say(f"{loaded:,} of {rows:,} loaded, {loaded / (time.perf_counter() - started):,.0f} a second")
        connection.execute("SELECT setval('conversations_id_seq', %s), setval('conversation_turns_id_seq', %s)",
                           [rows, 2 * rows * inventor.exchanges])  # fmt: skip
        for name in NAMES:
            connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(schema.OWNER), sql.Identifier(name)))
        connection.execute("ALTER TABLE generation_logs ENABLE TRIGGER note_spending")
        connection.execute("SELECT add_up_spending()")
        seconds = time.perf_counter() - started
        # As the app leaves it a day later.
        connection.execute("DELETE FROM conversation_changes")
        connection.execute("VACUUM (ANALYZE)")
        settling = time.perf_counter() - started - seconds
        (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    rounded = {name: round(value, 2) for name, value in sorted(spent.items(), key=lambda item: -item[1])}
    return Furnished(rows, round(seconds, 2), round(settling, 2), int(size), rounded)


def prepare(connection: psycopg.Connection[Any]) -> None:
    """What conversations refer to: vocabulary, documents, a plan, its batches, and the weeks of the log."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO vocabulary (dimension, value, label, position) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(dimension, value, value.replace("_", " ").capitalize(), place)
             for dimension, values in DIMENSIONS.items() for place, value in enumerate(values)],
        )  # fmt: skip
        cursor.execute(
            "INSERT INTO documents (id, name, title, source_path, media_type, content, content_sha256)"
            " OVERRIDING SYSTEM VALUE SELECT n, 'guide_' || n, 'Guide ' || n, 'guide_' || n || '.md', 'text/markdown',"
            " 'Text ' || n, sha256(n::text::bytea) FROM generate_series(1, %s) AS n", [DOCUMENTS],
        )  # fmt: skip
        cursor.execute(
            "INSERT INTO chunks (id, document_id, document_revision, ordinal, heading, content, content_sha256,"
            " token_estimate) SELECT n, (n - 1) / %s + 1, 1, (n - 1) %% %s, 'Part ' || n, 'Text ' || n,"
            " sha256(n::text::bytea), 10 FROM generate_series(1, %s) AS n",
            [CHUNKS_EACH, CHUNKS_EACH, DOCUMENTS * CHUNKS_EACH],
        )  # fmt: skip
        cursor.execute("INSERT INTO plans (id, name, definition) VALUES (1, 'Plan', '{}')")
        cursor.execute(
            "INSERT INTO templates (id, name, version, system, user_prompt) VALUES (1, 'benchmark', 1, 'S', 'U')"
        )
        cursor.execute(
            "INSERT INTO batches (id, plan_id, template_id, name, model, state, total)"
            " SELECT n, 1, 1, 'Batch ' || n, 'claude-haiku-5-5', 'finished', 1 FROM generate_series(1, %s) AS n",
            [BATCHES],
        )
        for table in ("documents", "chunks", "plans", "templates", "batches"):
            cursor.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))".encode())  # noqa: S608
        # Weeks are made 60 at a time at the most.
        cursor.execute("SELECT make_generation_partitions(%s, %s)", [DAYS // 7 + 3, END - timedelta(days=DAYS)])


# Streams ----------------------------------------------------------------------------------------------------------

Result = tuple[dict[str, float], int]


def streamed(conninfos: list[str], inventor: Inventor, blocks: list[tuple[int, int]]) -> Iterable[Result]:
    """Loads the blocks, some at a time, each in a process of its own; what each block took, as they end."""
    if len(blocks) == 1:
        begin(conninfos, inventor)
        yield load_block(*blocks[0])
        end()
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(STREAMS, context, initializer=begin, initargs=(conninfos, inventor)) as pool:
        yield from pool.map(load_block, *zip(*blocks, strict=True))


class Stream:
    """What a loading process keeps from block to block."""

    inventor: Inventor
    connections: Sequence[psycopg.Connection[Any]] = ()


def begin(conninfos: list[str], inventor: Inventor) -> None:
    """Opens one connection for each login: who decided is the login of the session. Each works as the owner."""
    Stream.inventor = inventor
    Stream.connections = [psycopg.connect(conninfo, options=f"-c role={schema.OWNER}") for conninfo in conninfos]


def end() -> None:
    """Closes what `begin` opened."""
    for connection in Stream.connections:
        connection.close()


def load_block(first: int, last: int) -> Result:
    """One transaction: logs first, since a decision needs its row, and the calls before what they cost."""
    spent: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        before = time.perf_counter()
        yield
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - before

    with timed("inventing"):
        block = list(Stream.inventor.block(first, last))
        logs = [(row, *log) for row in block for log in logged(row)]
    connection = Stream.connections[first // BLOCK % len(Stream.connections)]
    with connection.cursor() as cursor:
        numbers = cursor.execute(
            "SELECT nextval('review_logs_id_seq') FROM generate_series(1, %s)", [len(logs)]
        ).fetchall()
        numbered = [(number, *log) for (number,), log in zip(numbers, logs, strict=True)]
        decisions = {row.id: number for number, row, action, *_ in numbered if action in ("approve", "reject")}
        for table, columns, lines in (
            ("review_logs", REVIEW, (review_line(*log) for log in numbered)),
            ("generation_logs", CALL, (call_line(row) for row in block if has_call(row))),
            ("conversations", CONVERSATION, (conversation_line(row, decisions.get(row.id)) for row in block)),
            ("conversation_turns", TURN, (line for row in block for line in turn_lines(row))),
            ("conversation_revisions", REVISION, (revision_line(row) for row in block)),
        ):
            with timed("inventing"):
                payload = "".join(lines).encode()
            with timed(table), cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                copy.write(payload)
    with timed("commit"):  # the triggers that look at the whole
        connection.commit()
    return spent, len(block)


# Lines of COPY ----------------------------------------------------------------------------------------------------

REVIEW = (
    "id, conversation_id, action, revision, reason, decision_key, duration_ms, status_before, status_after,"
    " content_sha256"
)
CALL = (
    "created_at, conversation_id, run_id, template_id, template_version, kind, state, requested_by, endpoint,"
    " is_rehearsal, model, request_payload, response_payload, parameters, cost_usd, input_tokens, output_tokens,"
    " duration_ms, http_status"
)
CONVERSATION = (
    "id, conversation_id, document_id, chunk_id, persona, emotion, topic, intent, tone, tier, status, quality_score,"
    " turn_count, created_at, updated_at, system_prompt, metadata, decision_id, model, is_seed, is_rehearsal, flagged,"
    " deleted_at, reviewed_at, cost_usd"
)
TURN = "id, conversation_id, turn_number, role, content, created_at"
REVISION = "conversation_id, revision, system_prompt, turns, content_sha256, author, origin, created_at"


def line(*values: object) -> str:
    """A line of COPY's text format. What is invented holds no tab, line break or backslash."""
    return "\t".join([r"\N" if value is None else str(value) for value in values]) + "\n"


def logged(row: Invented) -> list[tuple[str, str | None, str]]:
    """What was done to a conversation, in order: action, status before and status after."""
    first = "generated" if row.decided else row.status
    actions: list[tuple[str, str | None, str]] = []
    if row.is_seed:
        actions.append(("import", None, "generated"))
    if row.flagged:
        actions.append(("flag", first, first))
    if row.decided:
        actions.append(("approve" if row.status == "approved" else "reject", first, row.status))
    if row.deleted_at:
        actions.append(("delete", row.status, row.status))
    return actions


def review_line(number: int, row: Invented, action: str, before: str | None, after: str) -> str:
    reason = REASONS[row.id % len(REASONS)] if action == "reject" else None
    return line(number, row.public_id, action, 1, reason, f"{action}-{row.id}", 20_000 + row.id % 60_000, before, after,
                rf"\\x{row.sha256.hex()}")  # fmt: skip


def has_call(row: Invented) -> bool:
    return row.cost is not None and row.id % 100 < 100 * CALLS


def call_line(row: Invented) -> str:
    return line(
        row.created_at, row.public_id, row.batch, 1, 1, "generate", "ok", NAMES[0], "https://api.example",
        row.is_rehearsal, row.model, '{"messages": []}', '{"content": []}', "{}", row.cost, 900, 400, 7_000, 200,
    )  # fmt: skip


def conversation_line(row: Invented, decision: int | None) -> str:
    return line(
        row.id, row.public_id, row.document, row.chunk, *row.dimensions, row.status, row.score, len(row.turns),
        row.created_at,
        row.updated_at, row.system_prompt, row.metadata.decode(), decision, row.model, row.is_seed, row.is_rehearsal,
        row.flagged, row.deleted_at, row.reviewed_at, row.cost,
    )  # fmt: skip


def said(row: Invented) -> Iterator[tuple[int, str, str]]:
    """The turns with their numbers and roles."""
    for number, content in enumerate(row.turns, 1):
        yield number, "user" if number % 2 else "assistant", content


def turn_lines(row: Invented) -> Iterator[str]:
    before = len(row.turns) * (row.id - 1)
    for number, role, content in said(row):
        yield line(before + number, row.id, number, role, content, row.created_at)


def revision_line(row: Invented) -> str:
    turns = orjson.dumps([{"role": role, "content": content, "train": True} for _, role, content in said(row)]).decode()
    return line(row.public_id, 1, row.system_prompt, turns, rf"\\x{row.sha256.hex()}", NAMES[0],
                "imported" if row.is_seed else "generated", row.created_at)  # fmt: skip


def main() -> None:
    """Makes a workspace and says what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--exchanges", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    made = furnish(chosen.home, chosen.rows, seed=chosen.seed, exchanges=chosen.exchanges)
    print(f"{made.rows:,} conversations in {made.seconds:,.1f} s, settled in {made.settling:,.1f} s,"
          f" {made.bytes / 1e9:.2f} GB{', found as it was' if made.reused else ''}")  # fmt: skip
    for name, seconds in made.spent.items():
        print(f"  {name:28}{seconds:>8.1f} s")


if __name__ == "__main__":
    main()
