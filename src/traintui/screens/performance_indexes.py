"""Indexes in Performance: how they are used, which are to be mended, and mending them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content

from traintui import clock, commands, text
from traintui.errors import TraintuiError
from traintui.screens.index_history import IndexHistory
from traintui.screens.mend_index import MendIndex
from traintui.screens.performance_listed import ListedPane
from traintui.widgets.index_rows import index_columns, index_lines
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.rebuild_policy import RebuildPolicy
    from traintui.observing.mending import Planned
    from traintui.observing.rebuilding import Outlook
    from traintui.observing.standing import IndexState


class IndexesPane(ListedPane["IndexState"]):
    """All indexes, those with something to mend first."""

    NAME = "indexes"
    TITLE = "Indexes"
    PLACES = ("indexes", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("indexes")
    # How they are used is sampled as often, and to add that up costs the server more than any other list.
    EVERY = 900.0

    def __init__(self) -> None:
        super().__init__()
        self._policy: RebuildPolicy | None = None
        self._served: dict[str, tuple[str, ...]] = {}

    def shown(self) -> None:
        """Reads the first time, and later where it is time to."""
        if self._read_at is None:
            self.keep_up()
        else:
            self.look()

    def columns(self) -> Sequence[Column[IndexState]]:
        """Size, use, density."""
        return index_columns()

    def key_of(self, row: IndexState) -> object:
        """Its name."""
        return row.name

    async def rows(self) -> Sequence[IndexState]:
        """All of them."""
        from traintui.data import query_times, rebuild_policy
        from traintui.observing.standing import index_states

        found = await index_states(self.db, clock.now())
        self._served = await query_times.served(self.db)
        self._policy = await rebuild_policy.read(self.db)
        self.say_wrong(sum(each.finding is not None for each in found))
        return found

    def say_wrong(self, number: int) -> None:
        """Says beside the name of the tab how many are to be mended."""
        self.remark(f"{number} to mend" if number else "")

    async def lines(self, row: IndexState) -> Sequence[Content]:
        """What is known with the row, and of one that is half empty whether that mends itself."""
        lines = tuple(index_lines(row, self._served.get(row.name, ())))
        if row.finding is None or row.finding.kind != "sparse":
            return lines
        from traintui.observing.rebuilding import outlook

        seen = await outlook(self.db)
        if not seen.policy.on:
            said = "It is not rebuilt by itself: A turns that on for all that are half empty."
        elif seen.waits_for is not None:
            said = f"It is rebuilt by itself, and waits: {seen.waits_for}."
        else:
            said = "It is rebuilt by itself within a quarter of an hour."
        return (*lines[:3], Content.styled(said, "$accent"), *lines[3:])

    def sums(self, rows: Sequence[IndexState]) -> Content:
        """How many, how large, how many are to be mended, and whether that is done by itself."""
        whole = sum(row.fact.index_bytes for row in rows if row.fact is not None)
        wrong = sum(row.finding is not None for row in rows)
        by_itself = self._policy is not None and self._policy.on
        return Content.assemble(
            (text.count(len(rows)), "bold"), (" indexes, ", "$muted"), (text.size(whole), "bold"), (", ", "$muted"),
            (text.count(wrong), "bold $warning" if wrong else "bold"), (" to mend, rebuilt by themselves: ", "$muted"),
            ("on" if by_itself else "off", "bold"),
        )  # fmt: skip

    def nothing(self) -> tuple[str, str]:
        """There always are some."""
        return "No index", "The schema of this workspace is not there."

    # Mending

    @on(RowTable.Moved)
    def _other_row(self) -> None:
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done to an index has a key where it can be done to the one under the cursor."""
        allowed = super().check_action(action, parameters)
        if not allowed or action not in {"rebuild", "drop", "create", "clean"}:
            return allowed
        row = self.table.current if self.is_mounted else None
        return row is not None and action in possible(row)

    def action_rebuild(self) -> None:
        """Asks whether it is to be rebuilt."""
        self._ask("rebuild")

    def action_drop(self) -> None:
        """Asks whether it is to be dropped."""
        self._ask("drop")

    def action_create(self) -> None:
        """Asks whether the one that is proposed is to be made."""
        self._ask("create")

    def action_clean(self) -> None:
        """Asks whether all that builds left is to be taken away."""
        self._ask("clean")

    def _ask(self, action: str) -> None:
        row = self.table.current
        if row is not None:
            self.app.keys_follow(self.read(partial(self._plan, action, row), name="plan"))

    async def _plan(self, action: str, row: IndexState) -> None:
        planned, proof = await self._planned(action, row)
        self.app.push_screen(MendIndex(planned, proof), self._mended)

    async def _planned(self, action: str, row: IndexState) -> tuple[Sequence[Planned], Sequence[str]]:
        from traintui.data import index_building, index_facts
        from traintui.observing import mending
        from traintui.observing.plan_proof import proof

        if action == "clean":
            left = await index_building.leftovers(self.db)
            if not left:
                raise TraintuiError(
                    "Nothing to clean up", f"somebody is at {row.name}, or at its table.", "Try it again in a moment."
                )
            return [mending.cleaning(each) for each in left], ()
        if action == "create" and row.finding is not None:
            return [mending.creation(row.finding)], await proof(self.db, row.finding)
        if row.fact is None:  # cannot be: the key rests where there is none
            raise AssertionError(action)
        if action == "rebuild":
            return [mending.rebuilding(row.fact)], ()
        relied_on = row.name in await asyncio.to_thread(index_facts.relied_on)
        return [mending.drop(row.fact, relied_on=relied_on, finding=row.finding)], ()

    def _mended(self, begun: bool | None) -> None:
        if begun:
            self.look_again()

    def action_history(self) -> None:
        """What was done to indexes."""
        self.app.push_screen(IndexHistory(), self._mended)

    def action_automatic(self) -> None:
        """Half empty ones are rebuilt by themselves, or no longer, for everybody."""
        if self._policy is not None:
            self.write(partial(self._switch, not self._policy.on), name="automatic")

    async def _switch(self, on: bool) -> None:
        from traintui.observing.rebuilding import outlook, switch

        kept = await switch(self.db, on)
        seen = await outlook(self.db)
        # What is due says by itself what keeps it.
        here = f" Not by this Traintui: {kept}." if kept is not None and not seen.due else ""
        self.app.say(said_of(seen) + here, title="Rebuilt by themselves", bad=False)
        self.look_again()


def said_of(seen: Outlook) -> str:
    """Whether indexes are rebuilt by themselves from now on, for whom, and when it acts."""
    number = f"{text.plural(len(seen.due), 'index is', 'indexes are')} due"
    if not seen.policy.on:
        return f"Off from now on, for everybody: {number}, and R rebuilds the one under the cursor."
    when = f"On from now on, for everybody, {seen.policy.hours}"
    if not seen.due:
        return f"{when}: none is half empty now."
    begins = "the first within a quarter of an hour" if seen.waits_for is None else f"waiting: {seen.waits_for}"
    return f"{when}: {number}, {begins}."


def possible(row: IndexState) -> frozenset[str]:
    """What can be done to an index."""
    found = set()
    if row.fact is not None:
        if not row.fact.is_valid:
            return frozenset({"clean"}) if not row.fact.is_building else frozenset()
        found.add("rebuild")
        if not (row.fact.is_key or row.fact.is_unique):
            found.add("drop")
    elif row.finding is not None and row.finding.statement is not None:
        found.add("create")
    return frozenset(found)
