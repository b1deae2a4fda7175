"""The one error class that reaches people, and what it says as a sentence."""

from __future__ import annotations

from typing import Any


class TraintuiError(Exception):
    """An answer to a person: what happened, what it means for their work, and what to do now.

    `title` names the event in a few words, `message` is one line that says what happened (a file with several
    mistakes has a line for each), `remedy` one line that says
    what to do. The command line prints both lines and exits 1; a screen shows them as a panel. `beside` is what a
    command that is to print JSON says next to the answer, such as the rows that it is about.
    """

    def __init__(self, title: str, message: str, remedy: str) -> None:
        super().__init__(f"{title}: {message} {remedy}")
        self.title = title
        self.message = message
        self.remedy = remedy
        self.beside: dict[str, Any] = {}


def sentence(message: str) -> str:
    """A message as a sentence of its own; a file's name, or a conversation's id, that it begins with stays as it is."""
    begins = message.partition(" ")[0].rstrip(".:,;")
    is_name = begins.startswith("c-") or any(sign in begins for sign in "./\\_")
    return message if is_name else message[:1].upper() + message[1:]
