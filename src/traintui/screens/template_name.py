"""The name of a new template, which begins like another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from traintui import commands
from traintui.loading import loaded
from traintui.screens.base import BaseDialog
from traintui.widgets.form_field import FormField
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.generation.prompt import TemplateText


class TemplateName(BaseDialog[str]):
    """Asks for a name, stores the first version of the template, and answers with the name."""

    PLACES = ("template_name",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("template_name")
    CSS_PATH = "templates.tcss"
    AUTO_FOCUS = "Input"

    field = getters.query_one(FormField)
    given = getters.query_one(Input)

    def __init__(self, taken: frozenset[str], text: TemplateText | None) -> None:
        super().__init__()
        self._taken = taken
        self._text = text

    def compose(self) -> ComposeResult:
        """The field."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "New template"
            panel.border_subtitle = "a plan names it as template"
            yield FormField("Name", Input(compact=True, max_length=80, placeholder="never changes"), id="name")
        yield KeyBar()

    def action_save(self) -> None:
        """Stores it, unless there is one of that name."""
        self.field.clear()
        if self.given.value.strip() in self._taken:
            self.field.fail("There is one of that name already: edit it, or choose another.")
        elif self._text is not None:
            self.app.keys_follow(self.write(self._create, name="create"))

    async def _create(self) -> None:
        from traintui.data import templates

        prompts = await loaded("traintui.generation.prompt")
        text = self._text
        if text is not None:
            prompts.check_template(text)
            name = self.given.value.strip()
            await templates.store(self.db, name, system=text.system, user_prompt=text.user)
            self.dismiss(name)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers at the field."""
        answer = self.app.answer(error)
        self.field.fail(f"{answer.message} {answer.remedy}")
