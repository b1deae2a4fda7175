"""The history of the schema: what each revision is for and how to go back, and when it was applied here."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from datetime import datetime

import psycopg

from traintui.data import put_aside
from traintui.data.schema import migrations_directory

_FIELDS = ("Revision", "Follows", "Date", "Why", "Back", "Old rows")
_FIELD = re.compile(rf"^({'|'.join(_FIELDS)}): (.*)$")


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as its docstring has it: its date (ISO), what it does, why, what going back does, and what becomes of
    rows that are there. `beside` are statements that it runs outside of its scripts. Empty where nothing is said."""

    number: str
    date: str
    what: str
    why: str
    back: str
    old_rows: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A revision that was applied here ("up") or taken back ("down"): when, by which login, in how many seconds, and by
    which version of Traintui."""

    revision: str
    direction: str
    at: datetime
    by: str
    seconds: float
    version: str


def revisions() -> tuple[Revision, ...]:
    """All revisions that this Traintui has, the first one first. Why, back and old rows of those that landed without
    stand in `history.toml` beside them."""
    directory = migrations_directory()
    landed = tomllib.loads((directory / "history.toml").read_text(encoding="utf-8"))
    found = []
    for path in sorted((directory / "versions").glob("[0-9]*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        what, said = _read(docstring)
        number = said.get("Revision", path.name[:4])
        known = landed.get(number, {})
        found.append(
            Revision(
                number,
                said.get("Date") or known.get("date", ""),
                what,
                said.get("Why") or known.get("why", ""),
                (said.get("Back") or known.get("back", "")) + _aside(number),
                said.get("Old rows") or known.get("old_rows", ""),
                tuple(known.get("beside", ())),
            )
        )
    return tuple(found)


def _aside(number: str) -> str:
    """What the way back from a revision puts aside, as a sentence to be added; empty where nothing is."""
    kept = put_aside.kept_by(number)
    return f" Put aside until the next upgrade: {', '.join(one.words for one in kept)}." if kept else ""


def _read(docstring: str) -> tuple[str, dict[str, str]]:
    """The sentence that a docstring begins with, and its fields; a field goes on in the lines behind it."""
    sentence, _, rest = docstring.partition("\n\n")
    fields: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if field := _FIELD.match(line.strip()):
            name = field[1]
            fields[name] = field[2].strip()
        elif name and line.strip():
            fields[name] += f" {line.strip()}"
    return " ".join(sentence.split()), fields


def changes(conninfo: str) -> tuple[Change, ...]:
    """What was done to this database, the first first; nothing where it has no history yet.

    What was done before revision 0051 was applied is known only where one upgrade did both. Raises `psycopg.Error`.
    """
    with psycopg.connect(conninfo) as connection:
        try:
            rows = connection.execute(
                "SELECT revision, direction, applied_at, applied_by, seconds, app_version FROM schema_history"
                " ORDER BY id"
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return ()
    return tuple(Change(*row) for row in rows)


def document() -> str:
    """`docs/schema-history.md`, made of the revisions."""
    lines = [
        "# The history of the schema",
        "",
        "Made of the migrations by `traintui db history --markdown`; a test holds it current. `traintui db history`",
        "says the same of a workspace, with when each revision was applied there, by whom, and in how many seconds.",
    ]
    for one in reversed(revisions()):
        lines += [
            "",
            f"## {one.number} ({one.date})",
            "",
            one.what,
            "",
            f"- **Why**: {one.why}",
            f"- **Going back**: {one.back}",
            f"- **Old rows**: {one.old_rows}",
        ]
    return "\n".join([*lines, ""])
