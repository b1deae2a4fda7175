"""The form that says what reports are of, where manifests are looked for, and where reports are saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands
from traintui.errors import TraintuiError
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar


@dataclass(frozen=True, slots=True)
class ReportChoice:
    """What was written: moment, beginning and end of the period, folders with manifests, and the folder to save in."""

    as_of: str = ""
    since: str = ""
    until: str = ""
    look_in: str = ""
    save_in: str = "reports"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where manifests are looked for as well."""
        return tuple(Path(name.strip()).expanduser() for name in self.look_in.split(",") if name.strip())

    @property
    def says(self) -> str:
        """What reports are of, in words."""
        moment = f"as of {self.as_of}" if self.as_of else "as of now"
        period = (
            f"{self.since or 'thirty days'} to {self.until or 'now'}" if self.since or self.until else "thirty days"
        )
        return f"{moment}; activity of {period}"


FIELDS: tuple[tuple[str, str, str], ...] = (
    ("as_of", "As of", "a date or time; now where it is empty"),
    ("since", "Activity from", "a date; thirty days where it is empty"),
    ("until", "to", "a date, which is in it"),
    ("look_in", "Manifests in", "folders, between commas, beside those of the log"),
    ("save_in", "Save in", "a folder"),
)


class ReportForm(BaseDialog[ReportChoice]):
    """Asks for it, and answers what was written; None when it stays as it is."""

    PLACES = ("report_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("report_form")

    def __init__(self, choice: ReportChoice) -> None:
        super().__init__(classes="form")
        self._choice = choice

    def compose(self) -> ComposeResult:
        """A field for each."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What reports are of"
            for name, label, about in FIELDS:
                value = getattr(self._choice, name)
                yield FormField(label, Input(value, placeholder=about, compact=True, max_length=400, id=name),
                                id=f"{name}_field")  # fmt: skip
            dates = "Dates as in the filter: 2026-11-01 (when that day ended), 2026-11-01T14:00, -7d."
            yield Static(Content.styled(dates, "$muted"), id="explained")
        yield KeyBar()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Keeps it, unless something is wrong with it."""
        from traintui.audit.reports.moments import read_as_of, read_moment

        choice = ReportChoice(**{name: self.query_one(f"#{name}", Input).value.strip() for name, _, _ in FIELDS})
        for name, _, _ in FIELDS:
            self.query_one(f"#{name}_field", FormField).clear()
        moments = {}
        for name in ("as_of", "since", "until"):
            try:
                written = getattr(choice, name)
                moments[name] = read_as_of(written) if name == "as_of" else read_moment(written, begins=name == "since")
            except TraintuiError as error:
                self._fail(name, f"{error.message} {error.remedy}")
                return
        begin, end = moments["since"], moments["until"]
        if begin is not None and end is not None and begin >= end:
            self._fail("until", "it ends before it begins.")
        elif missing := [folder for folder in choice.folders if not folder.is_dir()]:
            self._fail("look_in", f"{missing[0]} is no folder that is here.")
        elif not choice.save_in:
            self._fail("save_in", "reports are saved somewhere: name a folder.")
        else:
            self.dismiss(choice)

    def _fail(self, name: str, message: str) -> None:
        field = self.query_one(f"#{name}_field", FormField)
        field.fail(message)
        field.fill()
