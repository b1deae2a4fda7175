"""A value of the vocabulary: what it is called and how it is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.data.records import COLOURS, VocabularyValue
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.swatch import chip

FIELDS = ("value", "label", "description", "colour")


def word_of(label: str) -> str:
    """A value made of a label: lower-case words."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:63].rstrip("_")


class ValueForm(BaseDialog[VocabularyValue]):
    """Asks for label, description and colour, and of a new value for its word; answers with the value as it stands."""

    PLACES = ("value_form",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("value_form")
    CSS_PATH = "vocabulary.tcss"
    AUTO_FOCUS = "#label Input"

    colours = getters.query_one("#colours", Static)
    answer = getters.query_one("#answer", Static)

    def __init__(self, value: VocabularyValue, *, new: bool) -> None:
        super().__init__()
        self._value = value
        self._new = new
        self._offered = ""
        self._saving = False

    def compose(self) -> ComposeResult:
        """The fields; the colours as they look are below theirs."""
        value = self._value
        with Vertical(classes="dialog") as panel:
            panel.border_title = (
                f"New {value.dimension}"
                if self._new
                else Content.assemble("Edit ", text.shown(value.label, single_line=True, limit=60))
            )
            yield FormField("Label", Input(value.label, compact=True, max_length=80, id="label-text"), id="label")
            if self._new:
                yield FormField(
                    "Value",
                    Input(compact=True, max_length=63, id="value-text", placeholder="never changes"),
                    id="value",
                )
            else:
                yield FormField("Value", Static(text.shown(value.value)), id="value", about="never changes")
            yield FormField(
                "Description", Input(value.description, compact=True, max_length=500, id="description-text"),
                id="description",
            )  # fmt: skip
            yield FormField("Colour", Input(value.colour or "", compact=True, max_length=20, id="colour-text",
                                            placeholder="none"), id="colour")  # fmt: skip
            yield Static(id="colours")
            yield Static(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Shows the colours."""
        self._show_colours()

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}-text", Input).value.strip()

    @on(Input.Changed, "#colour-text")
    def _show_colours(self) -> None:
        given = self._text("colour").lower()
        names = [Content.assemble(chip(name), (name, "bold" if name == given else "$muted"), "  ") for name in COLOURS]
        code = chip(given) if re.fullmatch(r"#[0-9a-f]{6}", given) else Content("")
        names.insert(5, Content("\n"))
        self.colours.update(Content("").join([*names, Content.styled("or #rrggbb ", "$muted"), code]))

    @on(Input.Changed, "#label-text")
    def _label_changed(self) -> None:
        """The word follows the label until somebody writes it."""
        if self._new and self._text("value") == self._offered:
            self._offered = word_of(self._text("label"))
            self.query_one("#value-text", Input).value = self._offered

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.focus_next()

    def action_save(self) -> None:
        """Stores it."""
        if self._saving:
            return
        given = replace(
            self._value,
            label=self._text("label"),
            description=self._text("description"),
            colour=self._text("colour").lower() or None,
        )
        for field in self.query(FormField):
            field.clear()
        self._saving = True
        saving = partial(self._create if self._new else self._change, given)
        self.app.keys_follow(self.write(saving, name="save"))

    async def _create(self, given: VocabularyValue) -> None:
        from traintui.data import vocabulary

        self.dismiss(await vocabulary.create(self.db, replace(given, value=self._text("value"))))

    async def _change(self, given: VocabularyValue) -> None:
        from traintui.data import vocabulary

        stored = await vocabulary.change(
            self.db, given.dimension, given.value, label=given.label, description=given.description,
            colour=given.colour or "",
        )  # fmt: skip
        self.dismiss(stored)

    def work_failed(self, name: str, error: BaseException) -> None:
        """What the database does not take is answered at its field."""
        self._saving = False
        answer = self.app.answer(error)
        for field in self.query(FormField):
            if answer is error and field.id in FIELDS and re.search(rf"\b{field.id}\b", answer.message.lower()):
                field.fail(f"{answer.message} {answer.remedy}")
                field.fill()
                return
        self.answer.update(failure(answer))

    def action_back(self) -> None:
        """Leaves it as it was, unless it is just being stored."""
        if not self._saving:
            self.dismiss(None)
