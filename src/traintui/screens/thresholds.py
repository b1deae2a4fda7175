"""What the score asks for: parts with their points, thresholds with their values, and scoring anew what is stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.quality.threshold_words import PARTS, PartWords, points_of, sentence_of, written
from traintui.quality.thresholds import DEFAULTS, Thresholds, plain
from traintui.screens.bulk import BulkDialog, Progress
from traintui.screens.settings_dialog import SettingsDialog
from traintui.screens.threshold_form import ThresholdForm
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.quality.rescoring import Outstanding, Rescored


@dataclass(frozen=True, slots=True)
class Row:
    """A threshold: its part, its name, what it is and what it is by default. The weight of a part comes first."""

    part: PartWords
    name: str
    value: str
    default: str
    points: str


def rows_of(thresholds: Thresholds) -> tuple[Row, ...]:
    """Every threshold, part by part."""
    return tuple(
        Row(
            part, name, written(plain(name, thresholds)), written(plain(name)),
            f"{points_of(part, thresholds):.2f}" if name == part.weight else "",
        )
        for part in PARTS
        for name in (part.weight, *part.thresholds)
    )  # fmt: skip


def _part(row: Row) -> Content:
    return Content.styled(row.part.name, "bold") if row.name == row.part.weight else Content("")


def _value(row: Row) -> Content:
    return Content.styled(row.value, "" if row.value == row.default else "bold $accent")


def _default(row: Row) -> Content:
    return Content.styled("" if row.value == row.default else row.default, "$muted")


COLUMNS: tuple[Column[Row], ...] = (
    Column("Part", 12, _part),
    Column("Points", 6, lambda row: Content.styled(row.points, "$muted"), right=True),
    Column("Threshold", 20, lambda row: Content(row.name)),
    Column("Value", 9, _value, right=True),
    Column("Default", 9, _default, right=True),
    Column("Meaning", 0, lambda row: Content.styled(sentence_of(row.name), "$muted"), from_width=100),
)


class ThresholdsDialog(SettingsDialog[Row]):
    """The thresholds, and below them what the one under the cursor means."""

    PLACES = ("thresholds", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("thresholds")
    CSS_PATH = ["settings_dialog.tcss", "thresholds.tcss"]  # noqa: RUF012
    TITLED = "What the score asks for", "10 points, shared out by weight"
    READING = "Reading the thresholds"
    READ_ONLY = "Read only: administrators set what the score asks for."
    CHANGES = ("edit", "reset", "rescore")
    COLUMNS = COLUMNS
    AGAIN = "R reads again."

    def __init__(self) -> None:
        super().__init__()
        self._thresholds = DEFAULTS

    async def read_rows(self) -> None:
        """Reads them, and what was scored by others."""
        from traintui.quality import rescoring, thresholds

        self._thresholds = await thresholds.read(self.db)
        self.show(rows_of(self._thresholds))
        if self.allowed("thresholds", "rescore"):
            self._offer(await rescoring.outstanding(self.db))

    def key_of(self, row: Row) -> object:
        """Its name."""
        return row.name

    def _offer(self, wanted: Outstanding) -> None:
        """Says how many conversations were scored by other thresholds, where there are any."""
        offered = Content("")
        if wanted.number and not wanted.current and (self._thresholds != DEFAULTS or wanted.before):
            before = f", {wanted.before:,} were scored anew before it was stopped" if wanted.before else ""
            offered = Content.assemble(
                ("○ ", "$accent"), f"{text.plural(wanted.number, 'conversation')} may have a score by other thresholds"
                f"{before}: ", ("r", "bold"), " scores them anew.",
            )  # fmt: skip
        self.query_one("#offered", Static).update(offered)

    def about_of(self, row: Row) -> Content:
        """What it is, what it means, and what its part measures."""
        points = points_of(row.part, self._thresholds)
        return Content.assemble(
            (row.name, "bold"), (f"  {row.value}", "$accent"),
            (f"   default {row.default}" if row.value != row.default else "   the default", "$muted"), "\n",
            sentence_of(row.name), "\n",
            (f"{row.part.name}, {points:.2f} points: {row.part.measures}", "$muted"),
        )  # fmt: skip

    def rests(self, action: str, row: Row | None) -> bool:
        """A default cannot be taken back."""
        return action == "reset" and (row is None or row.value == row.default)

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if self.check_action("edit", ()):
            self.action_edit()

    def action_edit(self) -> None:
        """Asks for another value."""
        row = self.table.current
        if row is not None:
            self.app.push_screen(ThresholdForm(row.name, row.value), partial(self._changed, row.name))

    def _changed(self, name: str, value: str | None) -> None:
        if value is not None:
            self.say(Content.assemble(("● ", "$success"), f"{name} is {value}, for what is scored from now on."))
            self.action_look()

    def action_reset(self) -> None:
        """Takes one back to its default."""
        row = self.table.current
        if row is not None:
            self.write(partial(self._reset, row), name="reset")

    async def _reset(self, row: Row) -> None:
        from traintui.quality import thresholds

        await thresholds.change(self.db, row.name, None)
        self._changed(row.name, row.default)

    def action_rescore(self) -> None:
        """Says how many conversations would be scored anew, and asks."""
        self.read(self._ask, name="rescore")

    async def _ask(self) -> None:
        from traintui.quality import rescoring

        wanted = await rescoring.outstanding(self.db)
        if not wanted.number:
            self.say(Content.assemble(("○ ", "$accent"), "No conversation has any text yet."))
            return
        self.app.push_screen(rescoring_dialog(self.db, wanted), self._rescored)

    def _rescored(self, began: bool | None) -> None:
        if began:
            self.app.look_now()
            self.action_look()


def rescoring_dialog(db: Database, wanted: Outstanding) -> BulkDialog:
    """The dialog that scores anew, with the exact number first."""

    async def work(progress: Progress, stop: asyncio.Event) -> Content:
        from traintui.quality import rescoring

        return became(await rescoring.rescore(db, wanted, progress=progress, stop=stop))

    before = f"{wanted.before:,} were done before it was stopped, and are left out. " if wanted.before else ""
    says = (
        f"{before}Each gets the score that its text has by the present thresholds. No text, status or decision changes,"
        " approved ones stay approved. escape stops; what is done stays, and r goes on. It is on record."
    )
    return BulkDialog(
        Content.assemble(("◐ ", "$accent"), "Score anew"),
        wanted.number,
        work,
        says=Content(says),
        remains="r goes on with the others.",
    )


def became(result: Rescored) -> Content:
    """What became of it, in words."""
    left = f"; {result.left:,} left as they are, since you stopped it" if result.left else ""
    changed = f"{result.changed:,} of them have another score" if result.changed else "none of them has another score"
    return Content.assemble(
        ("● ", "$success"), (f"{result.done:,} scored anew", "bold"), f", {changed}{left}.",
    )  # fmt: skip
