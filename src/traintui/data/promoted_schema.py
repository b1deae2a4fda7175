"""What promoted metadata keys add to the schema of a workspace, and to its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import psycopg

from traintui.data.metadata_values import as_value_type
from traintui.data.promotion_files import COLUMN_TYPES, Planned, steps_of, what_of
from traintui.data.promotion_records import going_on
from traintui.data.schema import OWNER
from traintui.data.schema_history import Revision

PROMOTIONS = """
    SELECT revision, key, column_name, value_type, listed, leaves_unfitting, promoted_by, demoted_in, demoted_by,
           state, started_at::date, demoted_at::date
    FROM promotions ORDER BY revision
"""


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion as the database has it, and how far it is."""

    planned: Planned
    state: str
    since: date
    until: date | None

    @property
    def words(self) -> str:
        """What is there because of it, and what is left to do."""
        planned = self.planned
        said = f"conversations.{planned.column} is the metadata key {planned.key}"
        if self.state == "promoted":
            return said
        command = going_on(planned.key, planned.value_type, self.state, vocabulary=planned.values is not None)
        return f"{said}, {self.state}: run {command} to its end"


def promoted(conninfo: str) -> tuple[Promoted, ...]:
    """All promotions that there ever were, in their order; none where the schema knows none yet. Raises
    `psycopg.Error`."""
    with psycopg.connect(conninfo) as connection:
        try:
            rows = connection.execute(PROMOTIONS).fetchall()
        except psycopg.errors.UndefinedTable:
            return ()
    return tuple(_promoted(*row) for row in rows)


def _promoted(
    revision: str, key: str, column: str, value_type: str, listed: list[str] | None, leaves_unfitting: bool, by: str,
    demoted_in: str | None, demoted_by: str | None, state: str, since: date, until: date | None,
) -> Promoted:  # fmt: skip
    values = None if listed is None else tuple(listed)
    planned = Planned(
        revision, key, column, as_value_type(value_type), values, leaves_unfitting, by, demoted_in, demoted_by
    )
    return Promoted(planned, state, since, until)


def objects_of(one: Promoted) -> dict[tuple[str, str], str]:
    """The definitions of what a standing promotion adds, as `schema_check.objects` has them. Its index is one of them
    once it is finished; before, there may be one or not."""
    planned, column, keeper = one.planned, one.planned.column, f"keep_{one.planned.column}"
    steps = steps_of(planned)
    _, body, _ = steps.add.split("$keep$")
    function = (
        f"owner {OWNER}\nCREATE OR REPLACE FUNCTION public.{keeper}()\n RETURNS trigger\n LANGUAGE plpgsql\n"
        f" SET search_path TO 'pg_catalog', 'public', 'pg_temp'\nAS $function${body}$function$"
    )
    trigger = (
        f"CREATE TRIGGER {keeper} BEFORE INSERT OR UPDATE OF metadata, {column} ON public.conversations FOR EACH ROW"
        f" WHEN ((NOT is_filling())) EXECUTE FUNCTION {keeper}()"
    )
    found = {
        ("column", f"conversations.{column}"): COLUMN_TYPES[planned.value_type],
        ("comment", f"column conversations.{column}"): planned.comment,
        ("function", f"{keeper}()"): function,
        ("trigger", f"conversations.{keeper}"): trigger,
    }
    if one.state == "promoted":
        method = f"hash ({column})" if "USING hash" in steps.index else f"btree ({column}, id)"
        found["index", planned.index_name] = f"CREATE INDEX {planned.index_name} ON public.conversations USING {method}"
        found["comment", f"index {planned.index_name}"] = planned.index_comment
    return found


def revisions(found: tuple[Promoted, ...]) -> tuple[Revision, ...]:
    """The workspace's own migrations, in the words of `traintui db history`, in their order."""
    told = []
    for one in found:
        planned = one.planned
        told.append(
            Revision(
                planned.revision, one.since.isoformat(), what_of(planned), f"{planned.promoted_by} asked for it.",
                f"traintui db demote {planned.key}: its values stand in metadata all along.",
                "Values of the type stand in both, others in metadata alone.",
            )
        )  # fmt: skip
        if planned.demoted_in is not None:
            told.append(
                Revision(
                    planned.demoted_in, (one.until or one.since).isoformat(), what_of(planned, back=True),
                    f"{planned.demoted_by} asked for it.", f"traintui db promote {planned.key}: it is filled again.",
                    "All values stand in metadata.",
                )
            )  # fmt: skip
    return tuple(sorted(told, key=lambda revision: revision.number))
