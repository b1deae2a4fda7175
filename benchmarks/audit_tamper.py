"""Random tampering by a superuser whom no trigger stops: each with a copy of a workspace of its own, and a look at
that.

What is expected follows from what was done, and not from what was found. Two things cannot be seen, and are counted
apart: a row that was removed before it was sealed and that nothing else names, and one that was added then in a
transaction of its own, as any row is.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import psycopg
from psycopg import sql

from traintui.audit.findings import Verdict
from traintui.audit.frames import pack, unpack
from traintui.audit.row_hashes import row_hash
from traintui.audit.walking import WIDTH
from traintui.data.embedded import SUPERUSER, EmbeddedServer

ACTIONS = ("update", "delete", "insert", "swap")
EXPECTED = {"update": "changed", "delete": "removed", "insert": "inserted", "swap": "reordered"}
LOGS = ("review_logs", "export_logs", "generation_logs")
COLUMNS: dict[str, tuple[str, ...]] = {
    "review_logs": ("reviewer_id = reviewer_id || 'x'", "revision = revision + 1", "reviewer_notes = 'other'",
                    "timestamp = timestamp - interval '1 microsecond'", "duration_ms = 1 + coalesce(duration_ms, 0)",
                    "details = details || '{\"x\": 1}'", "reason = coalesce(reason || ' ', '')"),
    "export_logs": ("user_id = user_id || 'x'", "conversation_count = conversation_count + 1", "format = 'other'",
                    "exported_at = exported_at + interval '1 day'", "filter_state = '{}'", "error_message = 'other'"),
    "generation_logs": ("cost_usd = coalesce(cost_usd, 0) + 0.01", "model = model || 'x'", "requested_by = 'other'",
                        "output_tokens = 1 + coalesce(output_tokens, 0)", "request_sha256 = sha256('x')",
                        "parameters = '{}'", "duration_ms = 1 + coalesce(duration_ms, 0)"),
}  # fmt: skip


ARCHIVED_SHARE, BESIDE_SHARE = 0.25, 0.2
COVER = (
    "UPDATE archive_frames SET sha256 = sha256(content)",
    "UPDATE retirements AS r SET archive_sha256 = (SELECT sha256(string_agg(sha256, '' ORDER BY place))"
    " FROM archive_frames AS f WHERE f.log = r.log AND f.week = r.week),"
    " row_count = (SELECT sum(row_count) FROM archive_frames AS f WHERE f.log = r.log AND f.week = r.week)"
    " WHERE log = 'generation_logs'",
    "UPDATE retirements AS r SET row_hash = retirement_digest(r)",
)
"""What a forger of the archive computes anew."""
COVER_EXPORTS = (
    COVER[0],
    "UPDATE retirements AS r SET archive_sha256 = (SELECT sha256(string_agg(sha256, '' ORDER BY log, place))"
    " FROM archive_frames AS f WHERE f.log IN ('export_logs', 'export_rows') AND f.week = r.week)"
    " WHERE log = 'export_logs'",
    COVER[-1],
)
"""What a forger of archived exports does."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """What was done to which rows; `unseeable` where nothing in the database can tell."""

    action: str
    log: str
    ids: tuple[int, ...]
    sealed: bool
    recomputed: bool
    unseeable: bool = False
    archived: bool = False

    @property
    def name(self) -> str:
        """In a few words."""
        if not self.log:
            return self.action
        where = "an archived" if self.archived else "a sealed" if self.sealed else "an unsealed"
        return f"{self.action} of {where} row"


FORGED = "jsonb_set(turns, '{1,content}', to_jsonb('Forged ' || md5(turns::text)))"
SOME_TEXT = (
    "(conversation_id, revision) = (SELECT conversation_id, revision FROM conversation_revisions"
    " ORDER BY random() LIMIT 1)"
)
SOME_NOTED = (
    "(export_id, conversation_id) = (SELECT export_id, conversation_id FROM export_rows ORDER BY random() LIMIT 1)"
)
BESIDE: dict[str, tuple[str, ...]] = {
    "rewriting what was noted of an export": (
        f"UPDATE export_rows SET revision = revision + 1 WHERE {SOME_NOTED}",  # noqa: S608
        f"UPDATE export_rows SET conversation_id = 'c-forged' WHERE {SOME_NOTED}",  # noqa: S608
        f"DELETE FROM export_rows WHERE {SOME_NOTED}",  # noqa: S608
    ),
    "rewriting a text": (
        f"UPDATE conversation_revisions SET turns = {FORGED} WHERE {SOME_TEXT}",  # noqa: S608
        f"UPDATE conversation_revisions SET system_prompt = coalesce(system_prompt, '') || '!' WHERE {SOME_TEXT}",  # noqa: S608
        "UPDATE conversation_turns SET content = content || '!'"
        " WHERE id = (SELECT id FROM conversation_turns ORDER BY random() LIMIT 1)",
    ),
    "taking out a payload": (
        "UPDATE generation_logs SET request_payload = NULL WHERE id = (SELECT id FROM generation_logs"
        " WHERE request_payload IS NOT NULL ORDER BY random() LIMIT 1)",
        "UPDATE generation_logs SET response_payload = NULL, request_payload = NULL WHERE id = (SELECT id FROM"
        " generation_logs WHERE response_payload IS NOT NULL ORDER BY random() LIMIT 1)",
    ),
    "rewriting what was noted of an archived export": (),
}
"""What is done beside the logs, each in some ways."""
BESIDE_TOLD = {
    "rewriting what was noted of an export": {"witness"}, "rewriting a text": {"witness"},
    "taking out a payload": {"changed"}, "rewriting what was noted of an archived export": {"archive", "changed"},
}  # fmt: skip
"""What it is told as: who covers his traces in the archive changes a sealed row of `retirements`."""


def tamper(connection: psycopg.Connection[tuple[int, ...]], luck: random.Random, horizon: int) -> Tampering:
    """Does one thing to one row, or to two."""
    if luck.random() < ARCHIVED_SHARE:
        return tamper_archived(connection, luck)
    if luck.random() < BESIDE_SHARE:
        return tamper_beside(connection, luck)
    action, log = luck.choice(ACTIONS), luck.choice(LOGS)
    sealed, recomputed = luck.random() < 0.6, luck.random() < 0.7
    where = f"row_hash IS NOT NULL AND xid8 {'<' if sealed else '>='} '{horizon}'::xid8"
    found = connection.execute(f"SELECT id FROM {log} WHERE {where} ORDER BY xid8, id".encode()).fetchall()  # noqa: S608
    ids = [row[0] for row in found]
    place = luck.choice((0, len(ids) - 1, luck.randrange(len(ids))))
    one = ids[place]
    touched: tuple[int, ...] = (one,)
    unseeable = False
    match action:
        case "update":
            connection.execute(f"UPDATE {log} SET {luck.choice(COLUMNS[log])} WHERE id = {one}".encode())  # noqa: S608
        case "delete":
            unseeable = not sealed and not is_named(connection, log, one)
            connection.execute(f"DELETE FROM {log} WHERE id = {one}".encode())  # noqa: S608
        case "insert":
            own = not sealed and luck.random() < 0.5
            touched = (insert_copy(connection, log, one, own=own),)
            unseeable = own and (recomputed or log == "generation_logs")
        case _:
            two = luck.choice([id for id in ids if id != one])
            touched = (one, two)
            for before, after in ((one, -one), (two, one), (-one, two)):
                connection.execute(f"UPDATE {log} SET id = {after} WHERE id = {before}".encode())  # noqa: S608
    # A copy has a hash that is not its own; whether the forger minds is luck, as with all else.
    if recomputed or unseeable:
        again = f"UPDATE {log} SET row_hash = {log[:-1]}_digest({log}) WHERE id = ANY(%s)"  # noqa: S608
        connection.execute(again.encode(), [list(touched)])
        if action == "insert":
            recomputed = True
    return Tampering(action, log, touched, sealed, recomputed, unseeable)


def tamper_archived(connection: psycopg.Connection[tuple[int, ...]], luck: random.Random) -> Tampering:
    """Does one thing to one archived row, or to two; who covers his traces computes anew what stands beside them."""
    action, recomputed = luck.choice(ACTIONS), luck.random() < 0.7
    frames = connection.execute(
        "SELECT week::text, place, content FROM archive_frames WHERE log = 'generation_logs' ORDER BY week, place"
    ).fetchall()
    week, place, content = luck.choice(frames)
    names, rows = unpack(content)  # type: ignore[arg-type]
    at = luck.choice((0, len(rows) - 1, luck.randrange(len(rows))))
    id, xid8, hash = (names.index(name) for name in ("id", "xid8", "row_hash"))
    touched = [int(rows[at][id] or 0)]
    match action:
        case "update":
            column = luck.choice(("cost_usd", "model", "requested_by", "response_payload", "created_at"))
            rows[at][names.index(column)] = b"1"
        case "delete":
            del rows[at]
        case "insert":
            new = [*rows[at]]
            new[id] = b"%d" % (touched[0] + 1_000_000)
            rows.insert(at + 1, new)
            touched = [touched[0] + 1_000_000]
        case _:
            other = luck.choice([place for place in range(len(rows)) if place != at])
            touched.append(int(rows[other][id] or 0))
            for number in (id, xid8):
                rows[at][number], rows[other][number] = rows[other][number], rows[at][number]
            rows[at], rows[other] = rows[other], rows[at]
    if recomputed:
        for row in rows:
            row[hash] = row_hash("generation_logs", row[: WIDTH["generation_logs"]]).hex().encode()
    written, size = pack(names, rows)
    connection.execute(
        "UPDATE archive_frames SET content = %s, raw_bytes = %s, row_count = %s"
        " WHERE log = 'generation_logs' AND week = %s::date AND place = %s",
        [written, size, len(rows), week, place],
    )
    if recomputed:
        for statement in COVER:
            connection.execute(statement.encode())
    return Tampering(action, "generation_logs", tuple(touched), True, recomputed, archived=True)


def tamper_beside(connection: psycopg.Connection[tuple[int, ...]], luck: random.Random) -> Tampering:
    """Does one thing to what stands beside the logs."""
    name = luck.choice(sorted(BESIDE))
    if statements := BESIDE[name]:
        done = connection.execute(luck.choice(statements).encode()).rowcount
    else:
        done = forge_noted(connection, luck)
    if done != 1:
        raise RuntimeError(f"{name}: there was nothing to do it to")
    return Tampering(name, "", (), True, False)


def forge_noted(connection: psycopg.Connection[tuple[int, ...]], luck: random.Random) -> int:
    """Rewrites a conversation of an archived export, with the hashes of its frame."""
    frames = connection.execute(
        "SELECT week::text, place, content FROM archive_frames WHERE log = 'export_rows'"
    ).fetchall()
    week, place, content = luck.choice(frames)
    names, rows = unpack(content)  # type: ignore[arg-type]
    luck.choice(rows)[names.index("revision")] = b"99"
    written, size = pack(names, rows)
    done = connection.execute(
        "UPDATE archive_frames SET content = %s, raw_bytes = %s"
        " WHERE log = 'export_rows' AND week = %s::date AND place = %s",
        [written, size, week, place],
    ).rowcount
    for statement in COVER_EXPORTS:
        connection.execute(statement.encode())
    return done


def insert_copy(connection: psycopg.Connection[tuple[int, ...]], log: str, id: int, *, own: bool) -> int:
    """Adds a copy of a row under the next number, in its transaction or in one's `own`."""
    sequence = f"{log}_id_seq"
    (new,) = connection.execute("SELECT nextval(%s::regclass)", [sequence]).fetchone() or (0,)
    changes = f"'id', {new}, 'decision_key', 'forged-{new}', 'undoes', NULL, 'export_id', 'forged-{new}'"
    if own:
        changes += ", 'xid8', log_xid8()"
    if log == "review_logs":
        changes += ", 'action', CASE action WHEN 'undo' THEN 'flag' ELSE action END"
    forged = f"(jsonb_populate_record(NULL::{log}, to_jsonb(t) || jsonb_build_object({changes}))).*"
    connection.execute(f"INSERT INTO {log} SELECT {forged} FROM {log} AS t WHERE id = {id}".encode())  # noqa: S608
    return new


def is_named(connection: psycopg.Connection[tuple[int, ...]], log: str, id: int) -> bool:
    """Whether something beside a row tells that it was there."""
    questions = {
        "review_logs": "SELECT FROM conversations WHERE decision_id = %(id)s UNION ALL"
                       " SELECT FROM review_logs WHERE undoes = %(id)s OR decision_before = %(id)s",
        "export_logs": "SELECT FROM export_logs AS l WHERE id = %(id)s AND state = 'started' AND EXISTS ("
                       "SELECT FROM export_logs AS o WHERE o.export_id = l.export_id AND o.state = 'succeeded')",
        "generation_logs": "SELECT FROM generation_logs WHERE id = %(id)s AND conversation_id IS NOT NULL"
                           " AND cost_usd > 0",
    }  # fmt: skip
    return bool(connection.execute(questions[log].encode(), {"id": id}).fetchall())


def copy_of(server: EmbeddedServer, source: str, name: str) -> str:
    """A copy of a database, as its files are: every row as it was written."""
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(source)))
    return server.conninfo(SUPERUSER, name)


@dataclass(slots=True)
class Tally:
    """How many of each were found, and told apart; `missed` names those that were not."""

    done: Counter[str]
    found: Counter[str]
    named: Counter[str]
    unseeable: int
    seen_all_the_same: int
    missed: list[str]


def judge(tally: Tally, tampering: Tampering, verdict: Verdict) -> None:
    """Counts what became of a tampering."""
    if tampering.unseeable:
        tally.unseeable += 1
        tally.seen_all_the_same += not verdict.holds
        return
    tally.done[tampering.name] += 1
    if verdict.holds:
        tally.missed.append(f"{tampering} was not found")
        return
    tally.found[tampering.name] += 1
    if not tampering.log:
        told = {each.kind for each in verdict.findings}
        if told == BESIDE_TOLD[tampering.action]:
            tally.named[tampering.name] += 1
        else:
            tally.missed.append(f"{tampering} was told as {sorted(told)}")
        return
    kinds = {(each.kind, each.log, each.id) for each in verdict.findings}
    wanted = EXPECTED[tampering.action]
    # Where no seal has a row, who wrote it tells that it was touched: two that changed places are two that were
    # changed, and one that was added behind all others may as well be the last that was changed. What is gone is told
    # by others.
    unsealed = {"update": "changed", "delete": "witness", "insert": "changed", "swap": "changed"}[tampering.action]
    allowed = {wanted} if tampering.sealed else {wanted, unsealed}
    own = {kind for kind, log, id in kinds if log == tampering.log and id in tampering.ids} or (
        {kind for kind, log, _ in kinds if log is None})  # fmt: skip
    if own and own <= allowed:
        tally.named[tampering.name] += 1
    else:
        tally.missed.append(f"{tampering} was told as {sorted(kinds, key=str)}")
