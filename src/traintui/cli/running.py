"""What every command needs: to speak, to run, and a way to the database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from traintui.settings import Settings, load_settings

if TYPE_CHECKING:
    from traintui.data.engine import Database

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Filter = Annotated[str, typer.Option("--filter", help="Which conversations, as in the app: 'persona:x score>=7'.")]
Attached = Annotated[bool, typer.Option("--attached", hidden=True)]


def say(message: str) -> None:
    """A message to the person, beside the result. What a terminal would obey instead of show is left out."""
    print(harmless(message), file=sys.stderr, flush=True)


def harmless(text: str) -> str:
    """Text without control characters, and without signs that change the direction of writing."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def workspace(settings: Settings | None = None) -> AsyncIterator[Database]:
    """The workspace of the settings; what takes a while is said."""
    from traintui.data.workspace import open_workspace
    from traintui.observing.recording import note_last

    async with open_workspace(settings or load_settings()) as db:
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
