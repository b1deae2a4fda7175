"""The metadata of one conversation, or of many at once: what is there, what it is to become, and writing it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker

from traintui import commands, text
from traintui.data.metadata_records import Change, KnownKeys, MetadataKey
from traintui.data.metadata_values import parse_value
from traintui.errors import TraintuiError, sentence
from traintui.screens.base import BaseDialog
from traintui.screens.metadata_draft import Draft, Entry, Fate
from traintui.screens.metadata_keys import KeyForm
from traintui.screens.scope import Scope
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

FREE = 'text; a number, true, [a list] are JSON, "4" in quotes is text'
"""How a value without a type is read."""
EXAMPLES = {
    "text": "text, as it stands", "integer": "a whole number, such as 4", "number": "a number, such as 4.5",
    "boolean": "true or false", "date": "a day, such as 2026-11-01",
}  # fmt: skip


def occurs(rows: int, *, counted: bool) -> str:
    """In how many of all conversations a key is, as far as that is known."""
    if counted:
        return f"in {rows:,} of all" if rows else "nowhere yet"
    return f"in about {rows:,} of all" if rows else "in few, if any"


def columns() -> tuple[Column[Entry], ...]:
    """Mark, key, type, value."""

    def value(entry: Entry) -> Content:
        if entry.fate is Fate.REMOVED:
            return Content.styled("is taken out", "$error")
        if entry.rows is not None and entry.fate is Fate.STAYS:
            return Content.styled(occurs(entry.rows, counted=entry.is_counted), "$faint")
        return text.shown(entry.value, single_line=True, limit=400)

    def kind(entry: Entry) -> Content:
        return text.shown(entry.value_type, limit=16, style="$accent" if entry.is_registered else "$faint")

    return (
        Column("", 1, lambda entry: Content.styled(*entry.fate.value)),
        Column("Key", 26, lambda entry: text.shown(entry.key, single_line=True, limit=60)),
        Column("Type", 11, kind),
        Column("Value", 0, value),
    )


class MetadataDialog(BaseDialog[Change]):
    """Keys with their values, edited here and written together. Answers what was changed, or None.

    With many conversations a key is set, or taken out, in all of them: in portions, which `esc` ends between two.
    """

    PLACES = ("metadata", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("metadata")
    CSS_PATH = "metadata.tcss"
    AUTO_FOCUS = "#entries"

    table: getters.query_one[RowTable[Entry]] = getters.query_one("#entries", RowTable)
    none = getters.query_one("#none", Static)
    key_field = getters.query_one("#key", FormField)
    value_field = getters.query_one("#value", FormField)
    key_input = getters.query_one("#key-text", Input)
    value_input = getters.query_one("#value-text", Input)
    about = getters.query_one("#about", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._scope = scope
        self._draft = Draft(many=scope.one is None)
        self._seen: str | None = None
        self._editing: str | None = None
        self._stop = asyncio.Event()
        self._saving: Worker[None] | None = None
        self._change: Change | None = None
        self._done = 0
        self._warned = False

    def compose(self) -> ComposeResult:
        """The keys, the fields in which one is edited, and the answer."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(
                "Metadata of ", text.shown(self._scope.label, single_line=True, limit=70)
            )
            yield RowTable[Entry](columns(), key=lambda entry: entry.key, opens="", id="entries")
            yield Static("Reading the metadata", id="none")
            with Vertical(id="fields"):
                yield FormField("Key", Input(compact=True, id="key-text"), id="key")
                yield FormField("Value", Input(compact=True, id="value-text"), id="value")
                yield Static(id="about")
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads what is there."""
        self.set_class(True, "-nothing")
        self.read(self._read, name="metadata")

    # Reading

    async def _read(self) -> None:
        from traintui.data import metadata

        registered = await metadata.keys(self.db)
        if self._scope.one is not None:
            held = await metadata.read(self.db, self._scope.one.row.conversation_id)
            self._seen, self._draft.stored = held.seen, dict(held.values)
            self._show(registered)
        else:
            self._show(registered, await metadata.known_keys(self.db))

    def _show(self, registered: tuple[MetadataKey, ...], known: KnownKeys | None = None) -> None:
        self._draft.registered = {key.key: key for key in registered}
        if known is not None:
            self._draft.know(known)
        self._redraw()

    def _redraw(self) -> None:
        entries = self._draft.entries
        self.table.show(entries)
        most = max(4, min(16, self.app.size.height - 14))
        self.table.styles.height = min(len(entries) + 1, most)
        self.set_class(not entries, "-nothing")
        self.none.update(Content.assemble(("○ ", "$accent"), "No metadata yet: ", ("n", "bold"), " adds a key."))
        if entries and not self._editing_now and self.focused is None:
            self.table.focus()

    # Editing

    @property
    def _editing_now(self) -> bool:
        return self.has_class("-editing")

    @property
    def _busy(self) -> bool:
        return self._saving is not None and not self._saving.is_finished

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of the list rest in a field and while something is written."""
        if action in {"new", "edit", "remove", "type"}:
            if self._editing_now or self._busy:
                return False
            if not self.allowed("metadata", action):
                return None
            return True if action == "new" or self.table.current is not None else None
        return not self._busy if action == "save" else True

    def action_new(self) -> None:
        """Opens empty fields."""
        self._edit(None)

    def action_edit(self) -> None:
        """Opens the fields with the row's value."""
        if self.table.current is not None:
            self._edit(self.table.current.key)

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if not self._busy:
            self.action_edit()

    def _edit(self, key: str | None) -> None:
        self._editing = key
        self._warned = False
        self.set_class(True, "-editing")
        self.answer.update("")
        for field in (self.key_field, self.value_field):
            field.clear()
        self.key_input.value = key or ""
        self.key_input.disabled = key is not None
        self.value_input.value = "" if key is None else self._draft.written(key)
        self.value_input.cursor_position = len(self.value_input.value)
        self._say_type()
        (self.key_input if key is None else self.value_input).focus()
        self.refresh_bindings()

    @on(Input.Changed)
    def _changed(self) -> None:
        for field in (self.key_field, self.value_field):
            field.clear()
        self._say_type()

    def _say_type(self) -> None:
        key = self._editing or self.key_input.value.strip()
        value_type = self._draft.type_of(key)
        self.about.update(Content.styled(EXAMPLES[value_type] if value_type else FREE, "$muted"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input is self.key_input and not self.value_input.value:
            if self._checked_key() is not None:
                self.value_input.focus()
        else:
            self._keep()

    def _checked_key(self) -> str | None:
        if self._editing is not None:
            return self._editing
        try:
            return self._draft.new_key(self.key_input.value.strip())
        except TraintuiError as error:
            self.key_field.fail(f"{sentence(error.message)} {error.remedy}")
            self.key_input.focus()
            return None

    def _keep(self) -> bool:
        """Takes what the fields say into the draft; false when one of them has to be mended first."""
        key = self._checked_key()
        if key is None:
            return False
        try:
            value = parse_value(self.value_input.value, self._draft.type_of(key))
        except TraintuiError as error:
            self.value_field.fail(f"{sentence(error.message)} {error.remedy}")
            self.value_input.focus()
            return False
        self._draft.put(key, value)
        self._leave_fields()
        return True

    def _leave_fields(self) -> None:
        self.set_class(False, "-editing")
        self._redraw()
        self.table.focus()
        self._say_pending()
        self.refresh_bindings()

    def action_remove(self) -> None:
        """The key is to go; once more, and it stays."""
        if self.table.current is not None:
            self._warned = False
            self._draft.drop(self.table.current.key)
            self._redraw()
            self._say_pending()

    def action_type(self) -> None:
        """Opens the form for the type of the row's key."""
        if self.table.current is not None:
            key = self.table.current.key
            self.app.push_screen(KeyForm(key, self._draft.registered.get(key)), self._typed)

    def _typed(self, changed: bool | None) -> None:
        if changed:
            self.read(self._read_keys, name="keys")

    async def _read_keys(self) -> None:
        from traintui.data import metadata

        known = await metadata.known_keys(self.db) if self._draft.many else None
        self._show(await metadata.keys(self.db), known)

    # Writing

    def _say_pending(self) -> None:
        draft = self._draft
        if not draft.pending:
            self.answer.update("")
            return
        if not draft.many:
            self._say(
                (f"{text.plural(draft.pending, 'change')} not saved. ", "$warning"), ("ctrl+s", "bold"), " saves."
            )
            return

        def short(stored: str) -> str:
            return text.visible(stored, single_line=True, limit=30)

        parts = [f"sets {short(key)} to {short(draft.written(key))}" for key in draft.values]
        parts += [f"takes out {short(key)}" for key in sorted(draft.removed)]
        self._say(("ctrl+s", "bold"), f" {', '.join(parts)} in ", (self._scope.number, "bold $warning"), ".")

    def action_save(self) -> None:
        """Writes all changes."""
        if self._busy or (self._editing_now and not self._keep()):
            return
        if not self._draft.pending:
            self._say(("Nothing was changed.", "$muted"))
            return
        self._stop.clear()
        self._done = 0
        self._say(("◌ Writing", "$muted"))
        self._saving = self.write(self._save, name="save")
        if not self._draft.many:
            self.app.keys_follow(self._saving)
        self.refresh_bindings()

    async def _save(self) -> None:
        from traintui.data import metadata

        change = await metadata.change(
            self.db, self._scope.ids, "merge", values=dict(self._draft.values), keys=sorted(self._draft.removed),
            seen=self._seen, filter_text=self._scope.filter_text or None, progress=self._progressed, stop=self._stop,
        )  # fmt: skip
        self._saved(change)

    def _progressed(self, done: int, total: int) -> None:
        self._done = done
        if self._draft.many and not self._stop.is_set():
            self._say((f"◌ Writing: {done:,} of {total:,}. ", "$muted"), ("esc", "bold"), " stops after this portion.")

    def _saved(self, change: Change) -> None:
        self._change = change
        if not self._draft.many:
            self.dismiss(change)
            return
        parts = [f"{change.changed:,} changed"]
        if change.unchanged:
            parts.append(f"{change.unchanged:,} were so already")
        if change.skipped:
            parts.append(f"{change.skipped:,} skipped (in the trash, or gone)")
        said: list[Content | str | tuple[str, str]] = [
            ("! Stopped: ", "$warning") if change.stopped else ("● ", "$approved"), "; ".join(parts),
            f"; the other {change.total - change.done:,} are as they were" if change.stopped else "", ". ",
        ]  # fmt: skip
        if change.changed:
            said += [("\nu", "bold"), (" on Conversations takes all of it back.", "$muted")]
        if not change.stopped:
            self._draft.forget()
        self._saving = None
        self._redraw()
        self._say(*said)
        self.read(self._read_keys, name="keys")
        self.refresh_bindings()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the dialog; what was changed here stays, to be mended or written again."""
        self._saving = None
        answer = self.app.answer(error)
        remedy = answer.remedy
        if name == "save" and self._done:
            remedy = f"{self._done:,} were done before; u on Conversations takes them back. ctrl+s goes on."
        self._say(failure(answer, remedy))
        if name == "save" and getattr(answer, "stale", False):
            self.read(self._read_again, name="metadata")
        self.refresh_bindings()

    async def _read_again(self) -> None:
        """What is there now, with the changes that are still to be written."""
        from traintui.data import metadata

        if self._scope.one is not None:
            held = await metadata.read(self.db, self._scope.one.row.conversation_id)
            self._seen, self._draft.stored = held.seen, dict(held.values)
            self._redraw()
            self._say(
                ("! ", "$warning"), "Somebody changed it meanwhile. This is how it is now, with your changes. ",
                ("ctrl+s saves them.", "bold"),
            )  # fmt: skip

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble(*parts))

    def action_back(self) -> None:
        """Stops what is written; leaves the fields; else closes, at the second press where changes would be lost."""
        if self._busy:
            if self._draft.many:
                self._stop.set()
                self._say(("Stopping after this portion", "$muted"))
        elif self._editing_now:
            self._leave_fields()
        elif self._draft.pending and not self._warned:
            self._warned = True
            self._say(
                ("! ", "$warning"), f"{text.plural(self._draft.pending, 'change')} not saved. ",
                ("esc again leaves without them.", "bold"),
            )  # fmt: skip
        else:
            self.dismiss(self._change)
