"""Metadata keys with a type: the list of them, and the form in which one is registered, changed or unregistered."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Select, Static
from textual.worker import Worker

from traintui import commands, text
from traintui.data.metadata_records import MetadataKey
from traintui.data.metadata_values import TYPES, VALUE_TYPES, checked_key
from traintui.errors import TraintuiError, sentence
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import Column, RowTable

FREE = ""
"""The choice of no type."""
WHAT = "A type is checked in every value that is there, and in each that is written from then on."


def misfits(answer: TraintuiError) -> list[Content | str]:
    """The examples of values that are not of a type, a line each."""
    lines: list[Content | str] = []
    for example in getattr(answer, "detail", {}).get("examples") or ():
        lines += [
            Content.assemble(
                "  ", text.shown(str(example.get("conversation_id")), single_line=True, limit=40, style="$muted"), "  ",
                text.shown(str(example.get("value")), single_line=True, limit=60),
            ),
            "\n",
        ]  # fmt: skip
    return lines


class KeyForm(BaseDialog[bool]):
    """A key with its type, its label and what it is for. Answers true when it was changed.

    `key` is one whose type is asked for, None for a new one; `registered` is how it stands, None where it has no type.
    """

    PLACES = ("key_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("key_form")
    CSS_PATH = "metadata.tcss"

    field = getters.query_one("#key", FormField)
    key_input = getters.query_one("#key-text", Input)
    types: getters.query_one[Select[str]] = getters.query_one(Select)
    label = getters.query_one("#label-text", Input)
    about = getters.query_one("#about-text", Input)
    answer = getters.query_one("#answer", Static)

    def __init__(self, key: str | None, registered: MetadataKey | None = None) -> None:
        super().__init__()
        self._key = key
        self._registered = registered
        self._saving: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Key, type, label, purpose, and the answer."""
        known = self._registered
        choices: list[tuple[str, str]] = [
            (f"{value_type:<9} {TYPES[value_type][1]}", value_type) for value_type in VALUE_TYPES
        ]
        if known is not None:
            choices.append(("no type   unregister it; its values stay", FREE))
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Metadata key"
            yield FormField("Key", Input(self._key or "", compact=True, id="key-text"), id="key")
            yield FormField(
                "Type",
                Select(choices, value=known.value_type if known else "text", allow_blank=False, compact=True),
                id="type",
            )
            yield FormField("Label", Input(known.label if known else "", compact=True, id="label-text"), id="label")
            yield FormField(
                "What for", Input(known.about if known else "", compact=True, id="about-text"), id="purpose"
            )
            yield Static(
                Content.styled(
                    "A type is checked in every value that is there, and in each that is written from then on.",
                    "$muted",
                ),
                id="answer",
            )
        yield KeyBar()

    def on_mount(self) -> None:
        """Begins with what is missing."""
        self.key_input.disabled = self._key is not None
        (self.types if self._key is not None else self.key_input).focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.focus_next()

    @on(Input.Changed, "#key-text")
    @on(Select.Changed)
    def _changed(self) -> None:
        self.field.clear()
        self._say((WHAT, "$muted"))

    def action_save(self) -> None:
        """Registers the key, or unregisters it."""
        if self._saving is not None and not self._saving.is_finished:
            return
        try:
            # A key that is there already may be one that no filter can name; it cannot have a type.
            key = checked_key(self.key_input.value.strip() if self._key is None else self._key)
        except TraintuiError as error:
            self.field.fail(f"{sentence(error.message)} {error.remedy}")
            if self._key is None:
                self.key_input.focus()
            return
        self._say(("◌ Looking at the values that are there", "$muted"))
        value_type = str(self.types.value)
        self._saving = self.write(partial(self._save, key, value_type), name="register")
        self.app.keys_follow(self._saving)

    async def _save(self, key: str, value_type: str) -> None:
        from traintui.data import metadata

        if value_type == FREE:
            await metadata.unregister(self.db, key)
        else:
            await metadata.register(self.db, key, value_type, label=self.label.value.strip(), about=self.about.value)
        self.dismiss(True)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in the form, with values that are not of the type."""
        answer = self.app.answer(error)
        found = misfits(answer)
        remedy = "Change these values first (m on Conversations), or choose another type." if found else answer.remedy
        self._say(
            ("! ", "$error"), text.shown(sentence(answer.message), limit=400), "\n", *found,
            text.shown(remedy, limit=400, style="$muted"),
        )  # fmt: skip

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.answer.update(Content.assemble(*parts))

    def action_back(self) -> None:
        """Closes it, unless the values are just being looked at."""
        if self._saving is None or self._saving.is_finished:
            self.dismiss(None)


class MetadataKeysDialog(BaseDialog[None]):
    """The registered keys, in their order."""

    PLACES = ("metadata_keys", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("metadata_keys")
    CSS_PATH = "metadata.tcss"
    AUTO_FOCUS = "#keys"

    table: getters.query_one[RowTable[MetadataKey]] = getters.query_one("#keys", RowTable)
    none = getters.query_one("#none", Static)

    def __init__(self) -> None:
        super().__init__()
        self._columns: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """The list, or what stands in its place."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Metadata keys"
            panel.border_subtitle = "a filter asks for them as meta.KEY"
            yield RowTable[MetadataKey](
                (
                    Column("Key", 24, lambda key: text.shown(key.key, single_line=True, limit=60)),
                    Column("Type", 16, self._type),
                    Column("Label", 22, lambda key: text.shown(key.label, single_line=True, limit=60)),
                    Column("What for", 0, lambda key: text.shown(key.about, single_line=True, style="$muted")),
                ),
                key=lambda key: key.key,
                opens="",
                id="keys",
            )
            yield Static("Reading the keys", id="none")
        yield KeyBar()

    def _type(self, key: MetadataKey) -> Content:
        """Its type, and whether a column keeps it."""
        return Content.assemble((key.value_type, "$accent"), (", column" if key.key in self._columns else "", "$muted"))

    def on_mount(self) -> None:
        """Reads them."""
        self.set_class(True, "-nothing")
        self._look()

    def _look(self) -> None:
        self.read(self._read, name="keys")

    async def _read(self) -> None:
        from traintui.data import metadata
        from traintui.data.fields import Fields, own_columns

        self._columns = own_columns(Fields(await metadata.registered_fields(self.db)))
        self._show(await metadata.keys(self.db))

    def _show(self, keys: tuple[MetadataKey, ...]) -> None:
        self.table.show(keys)
        self.table.styles.height = min(len(keys) + 1, max(4, self.app.size.height - 9))
        self.set_class(not keys, "-nothing")
        self.none.update(
            Content.assemble(
                ("○ ", "$accent"), "No key has a type yet. One that has is checked when it is written, sorted, counted,"
                " and found by range at once. ", ("n", "bold"), " registers one.",
            )
        )  # fmt: skip
        if keys and self.focused is None:
            self.table.focus()
        self.refresh_bindings()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the list."""
        answer = self.app.answer(error)
        self.set_class(True, "-nothing")
        self.none.update(failure(answer))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only authors change keys, and only where there is one."""
        if action not in {"new", "edit"}:
            return True
        if not self.allowed("metadata_keys", action):
            return None
        return True if action == "new" or self.table.current is not None else None

    def action_new(self) -> None:
        """Opens an empty form."""
        self.app.push_screen(KeyForm(None), self._changed)

    def action_edit(self) -> None:
        """Opens the form of the row."""
        if (key := self.table.current) is not None:
            self.app.push_screen(KeyForm(key.key, key), self._changed)

    def action_schema(self) -> None:
        """Opens the schema that all metadata has to fit."""
        from traintui.screens.metadata_schema import MetadataSchemaDialog

        self.app.push_screen(MetadataSchemaDialog())

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if self.check_action("edit", ()):
            self.action_edit()

    def _changed(self, changed: bool | None) -> None:
        if changed:
            self._look()
