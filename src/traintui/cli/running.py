"""What every command needs: to speak, to run, and a way to the database."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from traintui.audit.words import harmless as harmless
from traintui.settings import Settings, load_settings

if TYPE_CHECKING:
    from traintui.data.engine import Database

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Filter = Annotated[str, typer.Option("--filter", help="Which conversations, as in the app: 'persona:x score>=7'.")]
Attached = Annotated[bool, typer.Option("--attached", hidden=True)]
SAID_EVERY = 1.0
"""Seconds between two words on how far something is, where somebody watches."""


def say(message: str) -> None:
    """A message to the person, beside the result. What a terminal would obey instead of show is left out."""
    print(harmless(message), file=sys.stderr, flush=True)


def fitted_lines(line: str, stream: TextIO) -> str:
    """A line, cut between words where a terminal ends; what follows stands under the text, two cells further in. Whole
    where nobody looks at the stream."""
    if not stream.isatty():
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    width = max(shutil.get_terminal_size().columns, len(indent) + 20)
    return "\n".join(textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True))


class Progress:
    """Says how far something is, where a person looks at standard error. `words` are given how many are done, of how
    many, and how many a second since it began."""

    def __init__(self, words: Callable[[int, int, float], str]) -> None:
        self._words = words
        self._began = self._said = 0.0

    def __call__(self, done: int, total: int) -> None:
        at = time.monotonic()
        if not self._began:
            self._began = self._said = at
        if at - self._said >= SAID_EVERY and sys.stderr.isatty():
            self._said = at
            say(self._words(done, total, done / max(at - self._began, 0.001)))


def looked_at(what: str) -> Callable[[int, int, float], str]:
    """How far a look at the record is, in words for `Progress`; `what` is looked at."""
    return lambda done, total, rate: f"Looked at {done:,} of some {total:,} {what}, {rate:,.0f} a second"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def workspace(settings: Settings | None = None) -> AsyncIterator[Database]:
    """The workspace of the settings; what takes a while is said."""
    from traintui.data.engine import COMMAND
    from traintui.data.workspace import open_workspace
    from traintui.observing.recording import note_last

    async with open_workspace(settings or load_settings(), application=COMMAND, upgraded=say) as db:
        try:
            yield db
        finally:
            await note_last(db)


@contextmanager
def administrative() -> Iterator[str]:
    """A connection string for what only an administrator of the server may: the embedded superuser's, or one's own."""
    from traintui.data.workspace import administration

    with administration(load_settings()) as conninfo:
        yield conninfo
