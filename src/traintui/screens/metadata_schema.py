"""The schema that metadata has to fit: its versions, what is there that does not fit it, and registering another."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker

from traintui import commands, text
from traintui.data.metadata_records import SchemaCheck, SchemaVersion
from traintui.errors import TraintuiError
from traintui.screens.base import BaseDialog, Work
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

SHOWN = 8
"""Conversations that do not fit which are listed here; the command lists more."""
NONE = "No schema yet: metadata is free, but for the types of its keys. "


def columns() -> tuple[Column[SchemaVersion], ...]:
    """Version, time, person, and which keys it speaks of."""

    def says(version: SchemaVersion) -> Content:
        if version.schema is None:
            return Content.styled("taken away", "$faint")
        keys = list(version.schema.get("properties") or ())
        return text.shown(", ".join(map(str, keys)) or "no keys", single_line=True, limit=200, style="$muted")

    return (
        Column("Version", 7, lambda version: Content(f"{version.version:>7,}")),
        Column("Registered", 17, lambda version: Content(text.moment(version.at))),
        Column("By", 16, lambda version: text.shown(version.by, single_line=True, limit=40)),
        Column("Keys", 0, says),
    )


class MetadataSchemaDialog(BaseDialog[None]):
    """Versions of the schema, the newest first, which is in force. A new one is looked at against all that is there
    before it is registered; where something does not fit, `ctrl+s` again registers it all the same."""

    PLACES = ("metadata_schema", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("metadata_schema")
    CSS_PATH = "metadata.tcss"
    AUTO_FOCUS = "#versions"

    table: getters.query_one[RowTable[SchemaVersion]] = getters.query_one("#versions", RowTable)
    none = getters.query_one("#none", Static)
    field = getters.query_one("#file", FormField)
    file = getters.query_one("#file-text", Input)
    written = getters.query_one("#written", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(self) -> None:
        super().__init__()
        self._newest: SchemaVersion | None = None
        self._work: Worker[None] | None = None
        self._stop = asyncio.Event()
        self._warned = ""
        """What `ctrl+s` or `d` does when it is pressed once more, although something speaks against it."""

    def compose(self) -> ComposeResult:
        """The versions, the file of a new one, the answer, and what the version under the cursor says."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Schema of metadata"
            panel.border_subtitle = "a JSON Schema; each version is kept"
            yield RowTable[SchemaVersion](columns(), key=lambda version: version.version, opens="", id="versions")
            yield Static("Reading the schema", id="none")
            with Vertical(id="fields"):
                yield FormField("File", Input(compact=True, id="file-text"), id="file")
            yield Static(id="answer")
            yield Static(id="written")  # last: where there is no room for all, it is what goes
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads the versions."""
        self.set_class(True, "-nothing")
        self.read(self._read, name="versions")

    async def _read(self) -> None:
        from traintui.data import metadata_schema

        versions = await metadata_schema.history(self.db)
        self._newest = versions[0] if versions else None
        self.table.show(versions)
        self.table.styles.height = min(len(versions) + 1, 6)
        self.set_class(not versions, "-nothing")
        self.none.update(Content.assemble(("○ ", "$accent"), NONE, ("n", "bold"), " registers one."))
        if versions and not self._naming:
            self.table.focus()
        self.refresh_bindings()

    @on(RowTable.Moved)
    def _moved(self, event: RowTable.Moved[SchemaVersion]) -> None:
        version = event.row
        schema = version.schema if version is not None else None
        lines = json.dumps(schema, indent=2, ensure_ascii=False).splitlines() if schema is not None else []
        most = max(3, self.app.size.height - 20)
        shown = lines[:most] + ([f"… {len(lines) - most:,} more lines: traintui metadata schema --show"]
                                if len(lines) > most else [])  # fmt: skip
        self.written.update(text.shown("\n".join(shown), limit=4_000, style="$muted"))

    # What may be done

    @property
    def _naming(self) -> bool:
        return self.has_class("-editing")

    @property
    def _busy(self) -> bool:
        return self._work is not None and not self._work.is_finished

    @property
    def _in_force(self) -> bool:
        return self._newest is not None and self._newest.schema is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of the list rest in the field and while something is looked at."""
        if action == "save":
            return self._naming and not self._busy
        if action not in {"new", "check", "remove"}:
            return True
        if self._naming or self._busy:
            return False
        if not self.allowed("metadata_schema", action):
            return None
        return True if action == "new" or self._in_force else None

    def action_new(self) -> None:
        """Asks for the file of a new one."""
        self._warned = ""
        self.set_class(True, "-editing")
        self.answer.update(Content.styled("ctrl+s looks at all conversations, then registers it.", "$muted"))
        self.file.focus()
        self.refresh_bindings()

    @on(Input.Changed, "#file-text")
    def _changed(self) -> None:
        self.field.clear()
        self._warned = ""

    @on(Input.Submitted, "#file-text")
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Registers what the file says, if all that is there fits; once more, and it is registered all the same."""
        if self._busy:
            return
        if not self.file.value.strip():
            self.field.fail("Name a file with a JSON Schema.")
            return
        anyway, self._warned = self._warned == "save", ""
        self._begin(partial(self._save, Path(self.file.value.strip()).expanduser(), anyway), "save")

    def action_check(self) -> None:
        """Looks what is there that does not fit the schema in force."""
        self._warned = ""
        self._begin(self._check, "check")

    def action_remove(self) -> None:
        """Takes the schema away, at the second press."""
        if self._warned != "remove":
            self._warned = "remove"
            self._say(("! ", "$warning"), "Metadata is free again then. ", ("d again takes the schema away.", "bold"))
            return
        self._warned = ""
        self._begin(self._remove, "remove")

    def _begin(self, work: Work, name: str) -> None:
        self._stop.clear()
        self._say(("◌ Looking at what is there", "$muted"))
        self._work = self.write(work, name=name)
        self.refresh_bindings()

    async def _save(self, path: Path, anyway: bool) -> None:
        from traintui.data import metadata_schema
        from traintui.data.metadata_rules import read_schema

        try:
            wanted = await asyncio.to_thread(read_schema, path)
        except TraintuiError as error:
            self._work = None
            self.field.fail(error.message)
            self._say((error.remedy, "$muted"))
            self.refresh_bindings()
            return
        done = await metadata_schema.adopt(
            self.db, wanted, seen=self._newest.version if self._newest else 0, anyway=anyway,
            progress=self._progressed, stop=self._stop,
        )  # fmt: skip
        self._work = None
        if done.version is None and not done.check.stopped:
            self._warned = "save"
        if done.version is not None:
            self.set_class(False, "-editing")
            self.file.value = ""
            self.table.focus()
        self._tell(done.check, done.version)
        self.read(self._read, name="versions")

    async def _check(self) -> None:
        from traintui.data import metadata_schema

        rules = await metadata_schema.rules(self.db)
        found = await metadata_schema.check(self.db, rules, progress=self._progressed, stop=self._stop)
        self._work = None
        self._tell(found, None)

    async def _remove(self) -> None:
        from traintui.data import metadata_schema

        await metadata_schema.register(self.db, None, seen=self._newest.version if self._newest else 0)
        self._work = None
        self._say(("● ", "$approved"), "Metadata is free again.")
        self.read(self._read, name="versions")

    def _progressed(self, done: int, total: int) -> None:
        if not self._stop.is_set():
            self._say((f"◌ Looked at {done:,} of {total:,}. ", "$muted"), ("esc", "bold"), " stops.")

    def _tell(self, found: SchemaCheck, version: int | None) -> None:
        """What a look found, with the first that do not fit."""
        parts: list[Content | str | tuple[str, str]] = []
        if version is not None:
            parts += [("● ", "$approved"), f"Version {version:,} is in force. "]
        if found.stopped:
            parts += [("! Stopped. ", "$warning")]
        parts += [found.summary]
        if self._warned == "save":  # above the list, which may be longer than there is room
            parts += [
                ("\nNothing was registered. ", "$warning"), ("ctrl+s again", "bold"), " registers it; these stay.",
            ]  # fmt: skip
        for misfit in found.first[:SHOWN]:
            parts += [
                "\n  ", text.shown(misfit.conversation_id, single_line=True, limit=40, style="$muted"), "  ",
                text.shown(misfit.why, single_line=True, limit=200),
            ]  # fmt: skip
        if found.misfits > SHOWN:
            command = f"traintui metadata schema {'FILE ' if self._naming else ''}--check"
            parts += [(f"\n  and {found.misfits - SHOWN:,} more: {command}", "$muted")]
        self._say(*parts)
        self.refresh_bindings()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog; when somebody registered another meanwhile, the list is read anew."""
        self._work = None
        answer = self.app.answer(error)
        self._say(failure(answer))
        if getattr(answer, "stale", False):
            self.read(self._read, name="versions")
        self.refresh_bindings()

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble(*parts))

    def action_back(self) -> None:
        """Stops what is looked at; leaves the field; else closes."""
        if self._busy:
            self._stop.set()
            self._say(("Stopping after this portion", "$muted"))
        elif self._naming:
            self.set_class(False, "-editing")
            self.answer.update("")
            self.table.focus()
            self.refresh_bindings()
        else:
            self.dismiss(None)
