"""Export: what will be written, where, and what was."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static
from textual.worker import Worker, WorkerState

from traintui import clock, commands, text
from traintui.errors import TraintuiError
from traintui.export.formats import FORMATS, format_of
from traintui.screens.base import BaseDialog
from traintui.screens.export_said import Again, checked, counted, differs, parted, progress, written
from traintui.screens.export_scope import ExportScope
from traintui.widgets.detail_view import DetailView
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.tick import Tick

if TYPE_CHECKING:
    from traintui.export.request import ExportRequest

REST = 0.25
"""Seconds that the form rests before it is looked at what would be written."""
SAID_EVERY = 0.1
"""Seconds between two words on how far it is."""
LONGEST = 400
"""Characters of a row that are shown: it may be a megabyte."""
REFUSED = (("stop and say which", "stop"), ("leave them out", "leave-out"))
CUT = (("write them, and say so", "write"), ("stop and say which", "stop"), ("leave them out", "leave-out"))


class ExportDialog(BaseDialog[None]):
    """Scope, format, options and file; the first rows as they will be written, and what the target does with all of
    them; then what was written, or why not.

    `ids` are those of a selection, whatever the filter says of others; `again` is the export that is made anew.
    """

    PLACES = ("export",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("export")
    CSS_PATH = "export.tcss"
    AUTO_FOCUS = "#file"

    file = getters.query_one("#file", Input)
    share = getters.query_one("#share", Input)
    sides = getters.query_one("#sides", Input)
    split = getters.query_one("#split", Static)
    formats: getters.query_one[Select[str]] = getters.query_one("#format", Select)
    refused: getters.query_one[Select[str]] = getters.query_one("#refused", Select)
    cut: getters.query_one[Select[str]] = getters.query_one("#cut", Select)
    rehearsal = getters.query_one("#rehearsal", Checkbox)
    will = getters.query_one("#will", Static)
    preflight = getters.query_one("#preflight", Static)
    rows = getters.query_one("#rows", DetailView)
    answer = getters.query_one("#answer", Static)

    def __init__(self, filter_text: str, ids: Sequence[int] | None = None, *, again: Again | None = None) -> None:
        super().__init__(classes="form")
        self._again = again
        self._filter = filter_text
        self._ids = ids
        self._overwrite: tuple[str, ...] | None = None
        """What it was asked to overwrite something with."""
        self._suggested = ""
        self._mistaken = False
        """Whether the answer is about what cannot be looked at."""
        self._looked_for: Any = None
        """What the newest look is of; None where there is none."""
        self._writing: Worker[None] | None = None
        self._began = self._said = 0.0

    @property
    def _scope(self) -> ExportScope:
        """Which conversations it is of."""
        return ExportScope(self._filter, self._ids, self._again, self.app.read_filter)

    @property
    def _then(self) -> bool:
        """Whether it is written as it was: everything but the file is given."""
        return self._scope.is_then

    def compose(self) -> ComposeResult:
        """The form, what it comes to, and below it the answer."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Export the same again" if self._then else "Export"
            panel.border_subtitle = self._folder(self._suggest(self._again.format if self._again else self._first))
            yield self._row("Scope", Static(text.shown(self._scope.words, single_line=True, limit=300), id="scope"))
            chosen = self._again.format if self._again is not None else self._first
            offered = [(f"{format.title}  ({name})", name) for name, format in FORMATS.items()]
            if self._again is not None:
                label = "As then" if self._then else "Since then"
                yield self._row(label, Static(differs(self._again), id="since"))
            given = {} if self._again is None else self._again.options
            formats = Select(offered, value=chosen, allow_blank=False, compact=True, id="format", disabled=self._then)
            yield self._row("Format", formats)
            self._suggested = self._suggest(chosen)
            yield self._row("File", Input(self._suggested, compact=True, select_on_focus=False, id="file"))
            takes = self._again.rehearsal if self._again is not None else self._is_demo
            share = f"{given['eval_share']:g}" if given.get("eval_share") else ""
            with Horizontal(classes="row"):
                yield Static("Eval", classes="label")
                yield Input(share, placeholder="none", compact=True, id="share", max_length=6, disabled=self._then)
                yield Static("share, as 0.1", id="share-about")
                label = "Include what the rehearsal wrote"
                yield Tick(label, takes, compact=True, id="rehearsal", disabled=self._then)
            sides = Input(
                str(given.get("sides") or ""), placeholder="by a hash; or the path of an earlier manifest",
                compact=True, select_on_focus=False, id="sides", disabled=self._then,
            )  # fmt: skip
            yield self._row("Sides", sides, id="sides-row")
            yield self._row("Split", Static(id="split"), id="split-row")
            yield self._row("Refused", self._choice(REFUSED, given.get("if_refused", "stop"), "refused"))
            yield self._row("Cut", self._choice(CUT, given.get("if_cut", "write"), "cut"))
            yield self._row("Writes", Static(Content.styled("◌ counting", "$muted"), id="will"))
            yield self._row("Preflight", Static(Content.styled("◌ looking", "$muted"), id="preflight"))
            yield DetailView(id="rows")
            yield Static(id="answer")
        yield KeyBar()

    @property
    def _is_demo(self) -> bool:
        """Whether what the rehearsal wrote is what there is."""
        return self.app.demo or self.app.settings.is_demo

    def _choice(self, offered: Sequence[tuple[str, str]], value: str, id: str) -> Select[str]:
        return Select(offered, value=value, allow_blank=False, compact=True, id=id, disabled=self._then)

    def _folder(self, written: str) -> Content:
        """Where a file of that name will stand, whole."""
        path = Path(written.strip() or ".").expanduser().absolute()
        folder = path.parent if written.strip() else path
        return Content.assemble("into ", text.shown(str(folder), single_line=True, limit=100))

    @property
    def _first(self) -> str:
        """The format that the workspace trains first."""
        return (self.app.training.first if self.app.training is not None else None) or "openai"

    def _suggest(self, format: str) -> str:
        from traintui.export.request import suggested_name

        container = self._again.earlier.container if self._again is not None and self._then else None
        scope, day = self._scope, f"{clock.now():%Y-%m-%d}"
        return suggested_name(format_of(format), scope.statuses or (), day, container, moment=scope.moment)

    def _row(self, label: str, field: Widget, *, id: str | None = None) -> Horizontal:
        return Horizontal(Static(label, classes="label"), field, classes="row", id=id)

    def on_mount(self) -> None:
        """Looks at what will be written."""
        self.file.cursor_position = len(self.file.value)
        self._look()

    @on(Select.Changed, "#format")
    def _other_format(self) -> None:
        """The name follows the format as long as nobody gave it another."""
        suggested = self._suggest(self._chosen(self.formats))
        if self.file.value == self._suggested:
            self.file.value = suggested
        self._suggested = suggested
        self._look()

    @on(Input.Changed, "#file")
    def _other_name(self) -> None:
        """A name says the kind of file, and whose sides hold where one stands there; nothing else depends on it."""
        self.query_one(".dialog", Vertical).border_subtitle = self._folder(self.file.value)
        wanted = self._wanted()
        if self._again is not None:
            self.query_one("#since", Static).update(differs(self._again, None if wanted is None else wanted[1]))
        if wanted is None or wanted != self._looked_for:
            self._look()

    @on(Checkbox.Changed)
    @on(Select.Changed, "#refused, #cut")
    @on(Input.Changed, "#share, #sides")
    def _look(self) -> None:
        if self._is_writing:
            return
        self.set_class(bool(self.share.value.strip()), "-split")
        self._looked_for = self._wanted()
        self.read(self._read_forecast, name="forecast")

    def _wanted(self) -> Any:
        """What a look is of: all but the name, and the manifest beside it whose sides may hold; None where what is
        asked for cannot be."""
        from traintui.data.exports import manifest_name

        try:
            request = self._request()
            container, path = request.container_for(request.path), request.path
        except TraintuiError:
            return None
        there = None
        if request.eval_share and request.sides is None:
            with contextlib.suppress(OSError):
                stat = path.with_name(manifest_name(path.name)).stat()
                there = path.name, stat.st_mtime_ns, stat.st_size
        return replace(request, path=Path()), container, there

    def _chosen(self, select: Select[str]) -> str:
        return str(select.value)

    @property
    def _named(self) -> tuple[str, ...]:
        """What decides which files are written."""
        return (self.file.value, self.share.value, self.sides.value, self._chosen(self.formats))

    def _request(self, *, overwrite: bool = False) -> ExportRequest:
        """What is asked for. Raises `TraintuiError` that says what is wrong with it."""
        from traintui.export.request import ExportRequest, if_cut, if_refused, share_of

        named = self.file.value.strip()
        if not named:
            raise TraintuiError("Not exported", "there is no name of a file.", "Name one.")
        return ExportRequest(
            Path(named).expanduser(), self._chosen(self.formats), self._filter, self._ids,
            rehearsal=self.rehearsal.value, overwrite=overwrite, eval_share=share_of(self.share.value),
            if_refused=if_refused(self._chosen(self.refused)), if_cut=if_cut(self._chosen(self.cut)),
            sides=self._sides(), again=None if self._again is None else self._again.earlier, **self._kept_options(),
        )  # fmt: skip

    def _sides(self) -> Path | None:
        """The manifest that is named, while there is a split to keep the sides of."""
        named = self.sides.value.strip()
        return Path(named).expanduser() if named and self.share.value.strip() else None

    def _kept_options(self) -> dict[str, Any]:
        """Options of the export that is made again for which the form has no field."""
        given = {} if self._again is None else self._again.options
        return {name: given[name] for name in ("limit", "strata", "tokenizer") if given.get(name)}

    # Looking

    async def _read_forecast(self) -> None:
        from traintui.export import forecasting

        await asyncio.sleep(REST)
        request = self._request()
        self.will.update(Content.styled("◌ counting", "$muted"))
        self.preflight.update(Content.styled("◌ looking", "$muted"))
        self.split.update(Content.styled("◌ counting", "$muted"))
        found = await forecasting.forecast(self.db, request)
        self.will.update(counted(found.counts))
        self.split.update(parted(forecasting.split_by_share(found.counts.total, request.eval_share)))
        self.rows.show((text.shown(row, single_line=True, limit=LONGEST) for row in found.first), key=found.first)
        if self._mistaken:
            self._mistaken = False
            self._say()
        self._began = time.monotonic()
        result = await forecasting.check(self.db, request, on_progress=self._looked, on_kin=self._compared)
        self.preflight.update(checked(result))
        if result.split is not None:
            self.split.update(parted(result.split))

    def _looked(self, done: int, total: int) -> None:
        if self._now():
            self.preflight.update(progress("Looked at", done, total, time.monotonic() - self._began))

    def _compared(self, done: int, total: int) -> None:
        """What belongs together is found out before anything is looked at, or written."""
        if self._now():
            said = progress("Compared", done, total, time.monotonic() - self._began)
            if self._is_writing:
                self._say(said)
            else:
                self.split.update(said)
        if done == total:
            self._began = time.monotonic()

    def _now(self) -> bool:
        """Whether it is time for another word on how far it is."""
        at = time.monotonic()
        if at - self._said < SAID_EVERY:
            return False
        self._said = at
        return True

    # Writing

    @property
    def _is_writing(self) -> bool:
        return self._writing is not None and not self._writing.is_finished

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_write()

    def action_write(self) -> None:
        """Writes the file; one that is there already only when asked a second time."""
        if self._is_writing:
            return
        try:
            request = self._request(overwrite=self._overwrite == self._named)
        except TraintuiError as error:
            self._say(failure(error))
            return
        if request.path.is_file() and not request.overwrite:
            self._overwrite = self._named
            self._say(
                ("! ", "$warning"), text.shown(self.file.value.strip(), single_line=True), " is there already. ",
                ("ctrl+s again overwrites it.", "bold"),
            )  # fmt: skip
            self._other_name()  # it may be there since the look, with sides that hold
            return
        self.workers.cancel_group(self, "read:forecast")
        self._say(("◌ Writing", "$muted"))
        self._began = time.monotonic()
        self._writing = self.write(partial(self._write, request), name="export")

    async def _write(self, request: ExportRequest) -> None:
        from traintui.export import write

        summary = await write.run_export(self.db, request, on_progress=self._progressed, on_kin=self._compared)
        self._overwrite = None
        self._say(written(summary))

    def _progressed(self, done: int, total: int) -> None:
        if self._now():
            self._say(progress("Writing", done, total, time.monotonic() - self._began))

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        """Answers below the form, in place of the first rows: a small terminal has no room for both."""
        self.set_class(bool(parts), "-answered")
        self.answer.update(Content.assemble(*parts))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog, where the form can be mended."""
        answer = self.app.answer(error)
        self._mistaken = name == "forecast"
        if self._mistaken:
            self._looked_for = None
            self.split.update("")
            self.will.update(Content.styled("not known", "$error"))
            self.preflight.update(Content.styled("not known", "$muted"))
            self.rows.show((), key=None)
        self._say(failure(answer))

    @on(Worker.StateChanged)
    def _ended(self, event: Worker.StateChanged) -> None:
        if event.worker is self._writing and event.state is WorkerState.CANCELLED:
            self._say(("! ", "$warning"), "Stopped. Nothing was left behind.")

    def action_back(self) -> None:
        """Stops what is being written, and leaves nothing behind; else closes."""
        if self._writing is not None and not self._writing.is_finished:
            if not self._writing.is_cancelled:  # a second cancel would cut short what cleans up after the first
                self._writing.cancel()
                self._say(("Stopping", "$muted"))
        else:
            self.dismiss(None)
