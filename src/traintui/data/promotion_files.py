"""The migration files of promoted keys: SQL that a person reads before it runs. The same promotion is always the same
file, so one that is missing is written again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from psycopg import sql

from traintui.data.metadata_values import ValueType
from traintui.data.promoting import PARTS, Steps

COLUMN_TYPES: dict[ValueType, str] = {
    "text": "text", "integer": "bigint", "number": "double precision", "boolean": "boolean", "date": "date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """A promotion as its file has it."""

    revision: str
    key: str
    column: str
    value_type: ValueType
    values: tuple[str, ...] | None
    leaves_unfitting: bool
    promoted_by: str
    demoted_in: str | None = None
    demoted_by: str | None = None

    @property
    def comment(self) -> str:
        """What the database says of the column."""
        return f"The metadata key {self.key}. Null where metadata has no {self.value_type} under it."

    @property
    def index_comment(self) -> str:
        """What the database says of its index."""
        return f"Serves the filter by {self.key}."

    @property
    def index_name(self) -> str:
        """The name of its index."""
        return f"ix_conversations_{self.column}_id"


def literal(value: object) -> str:
    """A value as SQL writes it."""
    return sql.Literal(value).as_string(None)


@cache
def parts() -> Mapping[str, str]:
    """The parts of `promotion.sql` by their names."""
    whole = (Path(__file__).parent / "promotion.sql").read_text(encoding="utf-8")
    _, *named = re.split(r"(?m)^--- (\w+)\n", whole)
    return {name: text.rstrip() for name, text in zip(named[::2], named[1::2], strict=True)}


def steps_of(planned: Planned) -> Steps:
    """The SQL of a promotion."""
    has_vocabulary = planned.values is not None
    names = {
        "column": planned.column, "sql_type": COLUMN_TYPES[planned.value_type],
        "value": f"promoted_{planned.value_type}",
        "index_name": planned.index_name, "parts": str(PARTS), "column_comment": literal(planned.comment),
        "index_comment": literal(planned.index_comment), "key": literal(planned.key),
        "revision": literal(planned.revision), "column_name": literal(planned.column),
        "value_type": literal(planned.value_type),
        "listed": literal(json.dumps(planned.values) if has_vocabulary else None),
        "leaves_unfitting": str(planned.leaves_unfitting).lower(), "promoted_by": literal(planned.promoted_by),
        "demoted_in": literal(planned.demoted_in), "demoted_by": literal(planned.demoted_by),
        "values": ",\n    ".join(
            f"({literal(planned.key)}, {literal(one)}, {literal(planned.promoted_by)})" for one in planned.values or ()
        ),
    }  # fmt: skip

    def part(*wanted: str) -> str:
        text = "".join(f"\n{parts()[name]}\n" for name in wanted)
        text = text.replace("@checked@", parts()["checked"] if has_vocabulary else "")
        # In one pass: what stands in a key is no name.
        return re.sub(r"@(\w+)@", lambda found: names[found[1]], text)

    is_long = planned.value_type == "text" and not has_vocabulary
    return Steps(
        revision=planned.revision, key=planned.key, index_name=planned.index_name,
        add=part("add", "listed") if planned.values else part("add"),
        fill=part("fill"), index=part("index_of_text" if is_long else "index"),
        finish=part("finish_vocabulary", "finish") if has_vocabulary else part("finish"),
        go_back=part("go_back"), put_back=part("put_back"), remove=part("remove"),
    )  # fmt: skip


# Files ------------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A text as Python writes it: as it stands where that shows all of it, else with its signs spelled out."""
    plain = '"""' not in text and all(sign == "\n" or (sign.isprintable() and sign.isascii()) for sign in text)
    return f'r"""{text}"""' if plain and not text.endswith(('"', "\\")) else ascii(text)


def file_name(revision: str, column: str, *, back: bool = False) -> str:
    """The name of a migration's file."""
    return f"{revision}_{'demote' if back else 'promote'}_{column}.py"


def what_of(planned: Planned, *, back: bool = False) -> str:
    """What a migration does, in a sentence."""
    shown = ascii(planned.key)[1:-1]
    if back:
        return f"The column conversations.{planned.column} goes, and its values stand in metadata under {shown} alone."
    return f"The metadata key {shown} becomes the column conversations.{planned.column} ({planned.value_type})."


def render(planned: Planned, revision: str, follows: str | None, *, back: bool = False, needs: str) -> str:
    """The file of the migration `revision` behind `follows`, which promotes, or with `back` demotes. `needs` is the
    revision of Traintui that has what it calls."""
    steps = steps_of(planned)
    written = "\n\n".join(
        f"{name.upper()} = {quoted(getattr(steps, name))}" for name in (
            "add", "fill", "index", "finish", "go_back", "put_back", "remove",
        )
    )  # fmt: skip
    ways = ("demote", "promote") if back else ("promote", "demote")
    return f'''"""{what_of(planned, back=back)}

Revision: {revision}
Follows: {follows or "none"}; needs {needs} of Traintui
Back: {"traintui db promote" if back else "traintui db demote"}
Old rows: values of the type stand in both, others in metadata alone.
"""

from __future__ import annotations

from traintui.data.promoting import PARTS, Steps, demote, promote

revision = {revision!r}
down_revision = {follows!r}
branch_labels = {None if follows else ("workspace",)!r}
depends_on = None

{written}

STEPS = Steps(
    revision={planned.revision!r}, key={planned.key!a}, add=ADD, fill=FILL,
    index_name={steps.index_name!r}, index=INDEX, finish=FINISH,
    go_back=GO_BACK, put_back=PUT_BACK, remove=REMOVE,
)  # fmt: skip


def upgrade() -> None:
    {ways[0]}(STEPS)


def downgrade() -> None:
    {ways[1]}(STEPS)
'''
