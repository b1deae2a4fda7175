"""A script of SQL, cut into its statements, and what each does to which table: what it locks, and how much it reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Lock = Literal["ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE", "SHARE UPDATE EXCLUSIVE", "ROW EXCLUSIVE"]
STRENGTH: tuple[Lock, ...] = (
    "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip
"""The locks that a revision takes, the weakest first; the first two let others write."""

_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)|;",
    re.DOTALL,
)
_COMMENT = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)
_NAME = r"(?:ONLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?(?:public\.)?(?P<table>\w+)"
_ALTER = re.compile(rf"ALTER\s+TABLE\s+{_NAME}\s+(?P<what>.*)", re.DOTALL | re.IGNORECASE)
_INDEX = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?P<beside>CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?:\w+\s+)?ON\s+(?:ONLY\s+)?"
    r"(?:public\.)?(?P<table>\w+)",
    re.IGNORECASE,
)
_TRIGGER = re.compile(
    r"(?P<verb>CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?(?:TRIGGER|POLICY)\s+.*?\sON\s+(?:public\.)?"
    r"(?P<table>\w+)",
    re.DOTALL | re.IGNORECASE,
)
_ROWS = re.compile(
    r"(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(?:ONLY\s+)?(?:public\.)?(?P<table>\w+)", re.IGNORECASE
)  # fmt: skip
_DROPPED = re.compile(r"(?:DROP\s+TABLE|TRUNCATE)\s+(?:IF\s+EXISTS\s+)?(?P<tables>[\w\s,.]+)", re.IGNORECASE)
_INDEX_DROPPED = re.compile(
    r"DROP\s+INDEX\s+(?P<beside>CONCURRENTLY\s+)?(?:IF\s+EXISTS\s+)?(?P<names>[\w\s,.]+)", re.IGNORECASE
)
_CREATED = re.compile(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:public\.)?(?P<table>\w+)", re.IGNORECASE)
_REFERENCES = re.compile(r"\bREFERENCES\s+(?:public\.)?(\w+)", re.IGNORECASE)
_COMMENTED = re.compile(r"COMMENT\s+ON\s+(?:TABLE|INDEX|COLUMN)\s+(?:public\.)?(?P<table>\w+)", re.IGNORECASE)
_LOCKED = re.compile(
    r"LOCK\s+TABLE\s+(?:ONLY\s+)?(?P<table>\w+)(?:.*?\sIN\s+(?P<mode>[A-Z ]+?)\s+MODE)?", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement does to a table: the lock that it takes there, and whether its time grows with the rows."""

    table: str
    lock: Lock
    reads_all: bool
    creates: bool = False


def split(script: str) -> list[str]:
    """The statements of a script, in order, without the semicolons; comments stay with the statement that follows."""
    statements, start = [], 0
    for token in _TOKEN.finditer(script):
        if token.group() == ";":
            statements.append(script[start : token.start()].strip())
            start = token.end()
    statements.append(script[start:].strip())
    return [statement for statement in statements if bare(statement)]


def bare(statement: str) -> str:
    """A statement without the comments in front of it; empty where there is nothing else."""
    return _COMMENT.sub("", statement)


def first_line(statement: str) -> str:
    """What a statement begins with, for one line: its first that is no comment, up to 100 characters."""
    return bare(statement).split("\n", 1)[0].strip()[:100]


def effects(statement: str) -> list[Effect]:
    """What a statement does to tables; of an index that is dropped, or commented on, the index is named. What a DO
    block or a function that is called does is not seen."""
    said = bare(statement)
    if altered := _ALTER.match(said):
        return [_alteration(altered["table"], altered["what"]), *_referred_to(said)]
    if built := _INDEX.match(said):
        return [Effect(built["table"], "SHARE UPDATE EXCLUSIVE" if built["beside"] else "SHARE", True)]
    if hung := _TRIGGER.match(said):
        creating = hung["verb"].upper() == "CREATE" and not re.match(r"CREATE\s+POLICY", said, re.IGNORECASE)
        return [Effect(hung["table"], "SHARE ROW EXCLUSIVE" if creating else "ACCESS EXCLUSIVE", False)]
    if made := _CREATED.match(said):
        return [Effect(made["table"], "ACCESS EXCLUSIVE", False, creates=True), *_referred_to(said)]
    if written := _ROWS.match(said):
        return [Effect(written["table"], "ROW EXCLUSIVE", not re.match("INSERT", said, re.IGNORECASE))]
    if dropped := _DROPPED.match(said):
        names = [name.split()[0] for name in dropped["tables"].split(",") if name.split()]
        return [Effect(name.removeprefix("public."), "ACCESS EXCLUSIVE", False) for name in names]
    if gone := _INDEX_DROPPED.match(said):
        lock: Lock = "SHARE UPDATE EXCLUSIVE" if gone["beside"] else "ACCESS EXCLUSIVE"
        return [Effect(name.split()[0], lock, False) for name in gone["names"].split(",") if name.split()]
    if commented := _COMMENTED.match(said):
        return [Effect(commented["table"], "SHARE UPDATE EXCLUSIVE", False)]
    if locked := _LOCKED.match(said):
        mode = " ".join((locked["mode"] or "ACCESS EXCLUSIVE").upper().split())
        return [Effect(locked["table"], next((lock for lock in STRENGTH if lock == mode), "ACCESS EXCLUSIVE"), False)]
    return []


def _referred_to(statement: str) -> list[Effect]:
    """What foreign keys do to the tables that they refer to: they hang triggers there."""
    return [Effect(table, "SHARE ROW EXCLUSIVE", False) for table in dict.fromkeys(_REFERENCES.findall(statement))]


def strongest(done: Iterable[Effect]) -> dict[str, Lock]:
    """The strongest lock that is taken on each table, and index, that was not made meanwhile; in their order."""
    found: dict[str, Lock] = {}
    made: set[str] = set()
    for effect in done:
        if effect.creates:
            made.add(effect.table)
        elif effect.table not in made:
            found[effect.table] = max(found.get(effect.table, effect.lock), effect.lock, key=STRENGTH.index)
    return found


def _alteration(table: str, what: str) -> Effect:
    """What ALTER TABLE does. A check that is added valid, a key and a new type are held against every row."""
    if re.match(r"VALIDATE\s", what, re.IGNORECASE):
        return Effect(table, "SHARE UPDATE EXCLUSIVE", True)
    if re.match(r"(RESET|SET)\s*\(", what, re.IGNORECASE):
        return Effect(table, "SHARE UPDATE EXCLUSIVE", False)
    if re.match(r"(ENABLE|DISABLE)\s+TRIGGER", what, re.IGNORECASE):
        return Effect(table, "SHARE ROW EXCLUSIVE", False)
    adds = re.search(r"ADD\s+(CONSTRAINT\s+\w+\s+)?(CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)", what, re.IGNORECASE)
    reads = bool(adds) and not re.search(r"NOT\s+VALID|USING\s+INDEX", what, re.IGNORECASE)
    rewrites = re.search(r"\sTYPE\s|SET\s+NOT\s+NULL|\sSTORED\b|GENERATED\s", what, re.IGNORECASE)
    return Effect(table, "ACCESS EXCLUSIVE", reads or bool(rewrites))
