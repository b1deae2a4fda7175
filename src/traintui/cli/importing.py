"""What an import says while it runs, and what becomes of those that were cut off."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import typer

from traintui.cli.running import harmless, say
from traintui.clock import ticks

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.importing.checking import NotRecognised
    from traintui.importing.loading import Stage, StoredConversations

PROBLEMS_SHOWN = 20
"""Bad records of a file that are named; it counts the others, and `--json` has the first thousand."""
EVERY = 1.0
"""Seconds between two words on how far it is, in a terminal; elsewhere ten times as long."""
_NOW = {"storing": "stored", "approving": "approved", "removing": "removed again"}


class Telling:
    """Says how far an import is: how many, how many a second, and the time left."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._began = 0.0
        self._first = 0
        self._told = 0.0
        self._open = False

    def progress(self, stage: Stage, done: int, total: int) -> None:
        """Is told after each part."""
        now = ticks()
        if stage != self._stage:
            self.over()
            self._stage, self._began, self._first, self._told = stage, now, done, now
            return
        terminal = sys.stderr.isatty()
        if now - self._told < (EVERY if terminal else 10 * EVERY):
            return
        self._told = now
        rate = (done - self._first) / max(now - self._began, 0.001)
        left = f", {(total - done) / rate:,.0f} s left" if rate and done < total else ""
        line = f"{done:,} of {total:,} {_NOW[stage]}, {rate:,.0f} a second{left}"
        if terminal:
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
            self._open = True
        else:
            say(line)

    def over(self) -> None:
        """Ends the line that is written over."""
        if self._open:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._open = False


async def see_to_unfinished(
    db: Database, choice: Literal["finish", "remove"] | None, telling: Telling
) -> list[StoredConversations]:
    """Finishes or removes one's own imports that were cut off; without a choice it asks, or only says so where nobody
    can answer. Returns what came of those that were finished."""
    from traintui.data import imports
    from traintui.importing import unfinished

    if db.role not in ("author", "admin"):
        return []
    finished: list[StoredConversations] = []
    for going in await imports.unfinished(db):
        cut = f"The import of {going.file.name} was cut off at {going.passed:,} of {going.file.total:,}"
        wanted = choice or (ask(cut) if sys.stdin.isatty() and sys.stderr.isatty() else None)
        if wanted is None:
            say(harmless(f"{cut}. Finish it with --unfinished finish, or take it away with --unfinished remove."))
        elif wanted == "finish":
            finished.append(await unfinished.finish(db, going, progress=telling.progress))
        else:
            gone = await unfinished.remove(db, going, progress=telling.progress)
            kept = f"; {gone.kept:,} stay, since somebody acted on them" if gone.kept else ""
            say(harmless(f"Removed again: {gone.removed:,} of {going.file.name}{kept}."))
        telling.over()
    return finished


def ask(cut: str) -> Literal["finish", "remove"] | None:
    """What a person says to an import that was cut off; None leaves it for later."""
    said = typer.prompt(harmless(f"{cut}. finish, remove, or later"), default="finish", err=True).strip().lower()
    return "finish" if "finish".startswith(said) else "remove" if "remove".startswith(said) else None


def propose(unknown: NotRecognised, *, as_json: bool) -> None:
    """Says a mapping by which a file of another shape may be meant, as the app does; nothing where none comes near. As
    JSON it stands beside the answer."""
    from traintui.importing.guessing import tried

    made = tried(unknown.path)
    if as_json:
        unknown.beside = {"guessed_mapping": made}
    elif made is not None:
        kept = f"{unknown.path.name.partition('.')[0] or 'shape'}.toml"
        say(
            f"A mapping, guessed from its first record. Mend it, keep it as {kept}, and say --mapping {kept}:\n\n{made}"
        )


def tell(file: StoredConversations, *, dry_run: bool) -> None:
    """Says what came of a file of conversations."""
    would = "would be checked against what is here" if dry_run else f"new, {file.known} known already"
    print(
        harmless(
            f"{file.path} ({file.format}): {file.imported} {would}{f', {file.revised} revised' if file.revised else ''}"
        )
    )
    say(harmless(f"  {file.seen}{'; as its manifest says' if file.verified else ''}"))
    if file.read_as is not None:
        say(harmless(f"  read as: {file.read_as.says}; --format or --mapping say otherwise"))
    if file.unapproved is not None:
        left = ", ".join(f"{number:,} {why}" for why, number in file.unapproved.items())
        say(f"  approved: {file.approved:,}{f'; not: {left}' if left else ''}")
    if file.ignored:
        say(f"  left out, since a turn has no place for it: {', '.join(file.ignored)}")
    for problem in file.problems[:PROBLEMS_SHOWN]:
        say(f"  {file.place} {problem.line}: {problem.why}")
    if file.bad > PROBLEMS_SHOWN:
        say(f"  and {file.bad - PROBLEMS_SHOWN:,} more")
    if file.unkept and not file.bad_file:
        say(f"  none of it is kept: {file.unkept:,} cannot be held")
    if file.bad_file:
        but = f", but for {file.unkept:,} that cannot be held" if file.unkept else ""
        say(harmless(f"  what was left out is in {file.bad_file}{but}"))
