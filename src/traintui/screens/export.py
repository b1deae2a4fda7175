"""Export: what will be written, where, and what was."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Checkbox, Input, Static
from textual.worker import Worker, WorkerState

from traintui import clock, commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.tick import Tick

if TYPE_CHECKING:
    from traintui.export.write import ExportForecast, ExportSummary

FORMAT = "openai"
FORMAT_NAME = "OpenAI chat, one JSON object a line"


class ExportDialog(BaseDialog[None]):
    """Scope, file, what will be written; then what was, or why not."""

    PLACES = ("export",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("export")
    CSS_PATH = "dialogs.tcss"

    file = getters.query_one(Input)
    rehearsal = getters.query_one(Checkbox)
    will = getters.query_one("#will", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(self, filter_text: str) -> None:
        super().__init__(classes="form")
        self._filter = filter_text
        self._forecast: ExportForecast | None = None
        self._overwrite: Path | None = None
        self._writing: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """The form, and below it the answer."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Export"
            yield self._row("Scope", Static(text.shown(self._scope(), single_line=True, limit=300), id="scope"))
            yield self._row("Format", Static(FORMAT_NAME))
            yield self._row(
                "File", Input(f"traintui-export-{clock.now():%Y-%m-%d}.jsonl", compact=True, select_on_focus=False)
            )
            yield self._row("", Tick("Include what the rehearsal wrote", self.app.demo, compact=True))
            yield self._row("Writes", Static(Content.styled("counting", "$muted"), id="will"))
            yield Static(id="answer")
        yield KeyBar()

    def _scope(self) -> str:
        """What the filter means here: without a word on status, only what is approved."""
        from traintui.data import filters

        if not self._filter.strip():
            return "every approved conversation"
        try:
            names_status = filters.parse(self._filter).names_status
        except filters.FilterError:
            return self._filter  # the forecast answers it
        return self._filter if names_status else f"approved, and {self._filter}"

    def _row(self, label: str, field: Static | Input | Checkbox) -> Horizontal:
        return Horizontal(Static(label, classes="label"), field, classes="row")

    def on_mount(self) -> None:
        """Counts what will be written."""
        self.file.cursor_position = len(self.file.value)
        self._count()

    @on(Checkbox.Changed)
    def _count(self) -> None:
        self.read(self._read_forecast, name="forecast")

    async def _read_forecast(self) -> None:
        from traintui.export import write

        self._forecast = await write.forecast(self.db, filter_text=self._filter, rehearsal=self.rehearsal.value)
        self._say_forecast(self._forecast)

    def _say_forecast(self, forecast: ExportForecast) -> None:
        parts: list[Content | str | tuple[str, str]] = [(text.plural(forecast.count, "conversation"), "bold")]
        if forecast.rehearsal:
            parts.append((f", {forecast.rehearsal:,} of them by the rehearsal", "$generating"))
        if forecast.left_out_rehearsal:
            parts.append((f"; {forecast.left_out_rehearsal:,} by the rehearsal left out", "$generating"))
        if forecast.unapproved:
            parts.append((f", {forecast.unapproved:,} of them not approved", "bold $warning"))
        self.will.update(Content.assemble(*parts))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_write()

    def action_write(self) -> None:
        """Writes the file; one that is there already only when asked a second time."""
        if self._writing is not None and not self._writing.is_finished:
            return
        if not (named := self.file.value.strip()):
            self._say(("! ", "$error"), "Name a file first.")
            return
        path = Path(named).expanduser()
        if path.is_file() and self._overwrite != path:
            self._overwrite = path
            self._say(
                ("! ", "$warning"), text.shown(named), " is there already. ", ("ctrl+s again overwrites it.", "bold")
            )
            return
        self._say(("Writing", "$muted"))
        self._writing = self.write(partial(self._write, path, self._overwrite == path), name="export")

    async def _write(self, path: Path, overwrite: bool) -> None:
        from traintui.export import write

        summary = await write.export_conversations(
            self.db, filter_text=self._filter, path=path, format=FORMAT, rehearsal=self.rehearsal.value,
            overwrite=overwrite, on_progress=self._progressed,
        )  # fmt: skip
        self._overwrite = None
        self._say_written(summary)

    def _progressed(self, done: int, total: int) -> None:
        self._say((f"Writing {done:,} of {total:,}", "$muted"))

    def _say_written(self, summary: ExportSummary) -> None:
        self._say(
            ("● ", "$approved"), (text.plural(summary.count, "conversation"), "bold"),
            f", {text.size(summary.size)}, in\n",
            text.shown(str(summary.path)), ("\nSHA-256 ", "$faint"), (summary.sha256, "$muted"),
            ("\nesc closes. The export is on record in 4 Audit.", "$muted"),
        )  # fmt: skip

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble("\n", *parts))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog, where the form can be mended."""
        answer = self.app.answer(error)
        if name == "forecast":
            self.will.update(Content.styled("not known", "$error"))
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
