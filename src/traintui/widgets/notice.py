"""What stands where there is nothing to show: loading, empty, or failed, each with what to do next."""

from __future__ import annotations

from typing import Literal

from textual.content import Content
from textual.widgets import Static

from traintui import text
from traintui.errors import TraintuiError, sentence

Kind = Literal["loading", "empty", "failed", "done"]

GLYPHS: dict[Kind, tuple[str, str]] = {
    "loading": ("◌", "$muted"),
    "empty": ("○", "$accent"),
    "failed": ("!", "$error"),
    "done": ("●", "$success"),
}


class Notice(Static):
    """A title, what it means, and what to do now, in the middle of the place that it fills."""

    DEFAULT_CSS = """
    Notice {
        width: 1fr; height: 1fr; content-align: center middle; text-align: center; padding: 0 4; color: $foreground;
    }
    """

    def __init__(
        self, kind: Kind = "loading", title: str = "", message: str = "", hint: str = "", *, id: str | None = None
    ) -> None:
        super().__init__(notice(kind, title, message, hint), id=id)

    def say(self, kind: Kind, title: str, message: str = "", hint: str = "") -> None:
        """Says something else from now on. Every string may be stored text."""
        self.update(notice(kind, title, message, hint))

    def fail(self, error: TraintuiError, hint: str = "") -> None:
        """Says what failed and what to do; `hint` names the key that tries again."""
        self.say("failed", error.title, sentence(error.message), " ".join(filter(None, (error.remedy, hint))))


def failure(answer: TraintuiError, remedy: str | None = None, *, gap: str = "\n", mild: bool = False) -> Content:
    """What failed, and what to do now behind a `gap`, where there is room for a line or two. `remedy` takes the place
    of the answer's own; `mild` is for what was only refused."""
    return Content.assemble(
        ("! ", "$warning" if mild else "$error"), text.shown(answer.title, single_line=True, style="bold"), "  ",
        text.shown(sentence(answer.message), limit=400), gap,
        text.shown(answer.remedy if remedy is None else remedy, limit=400, style="$muted"),
    )  # fmt: skip


def notice(kind: Kind, title: str, message: str, hint: str) -> Content:
    """The three lines of a notice."""
    glyph, colour = GLYPHS[kind]
    lines = [Content.assemble((f"{glyph}  ", colour), text.shown(title, single_line=True, style="bold"))]
    if message:
        lines += [Content(""), text.shown(message, limit=600)]
    if hint:
        lines += [Content(""), text.shown(hint, limit=600, style="$muted")]
    return Content("\n").join(lines)
