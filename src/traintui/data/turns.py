"""The turns of a conversation made others: each change keeps user and assistant alternating, or is refused with why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from traintui.data.records import Turn
from traintui.errors import TraintuiError

LEAST = 2
"""Turns that a conversation has at least."""


def numbered(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns with numbers and roles as their places say: user first, then the other."""
    return tuple(
        replace(turn, number=number, role="user" if number % 2 else "assistant")
        for number, turn in enumerate(turns, start=1)
    )


def refuse_missing(turns: Sequence[Turn], place: int) -> None:
    """Raises `TraintuiError` where there is no turn at a place: a newer revision has fewer."""
    if place >= len(turns):
        raise TraintuiError(
            "No such turn",
            f"the conversation has {len(turns)} turns by now.",
            "Copy what you typed (f7, ctrl+c); esc leaves, and keeps it.",
        )


def rewritten(turns: Sequence[Turn], place: int, content: str) -> tuple[Turn, ...]:
    """The turns with another text at a place, counted from 0. Raises `TraintuiError` for one without a letter."""
    if not content.strip():
        raise TraintuiError(
            "Nothing left", "a turn says something, and this one is empty now.", "Write it, or delete it with E."
        )
    return tuple(replace(turn, content=content) if at == place else turn for at, turn in enumerate(turns))


def trained_on(turns: Sequence[Turn], place: int, train: bool) -> tuple[Turn, ...]:
    """The turns with one that is trained on, or not."""
    return tuple(replace(turn, train=train) if at == place else turn for at, turn in enumerate(turns))


def exchange_of(turns: Sequence[Turn], place: int) -> tuple[int, int]:
    """The places of the exchange that a turn belongs to: from the user's message to behind the answer, or behind the
    message where there is none."""
    first = place - place % 2
    return first, min(first + 2, len(turns))


def added(turns: Sequence[Turn], place: int, contents: Sequence[str]) -> tuple[Turn, ...]:
    """The turns with others put before the one at a place, or behind the last.

    Raises `TraintuiError` where one of them is empty, or the turn behind them would be by the same side as the last.
    """
    _refuse_empty(contents)
    if place < len(turns) and len(contents) % 2:
        raise TraintuiError(
            "Out of turn",
            f"{_count(contents)} before turn {place + 1} would leave two of the {turns[place].role} in a row.",
            "Write a message and its answer, or two of each.",
        )
    new = [Turn(0, "user", content) for content in contents]
    return numbered((*turns[:place], *new, *turns[place:]))


def split(turns: Sequence[Turn], place: int, contents: Sequence[str]) -> tuple[Turn, ...]:
    """The turns with several in the place of one; by turns its own side and the other.

    Raises `TraintuiError` where that is one only, one of them is empty, or the turn behind them would be by the same
    side as the last.
    """
    if len(contents) < 2:
        raise TraintuiError("Not split", "it is one turn still.", "Put a line with only +++ where a turn ends.")
    _refuse_empty(contents)
    if place + 1 < len(turns) and len(contents) % 2 == 0:
        raise TraintuiError(
            "Out of turn",
            f"{_count(contents)} instead of turn {place + 1} would leave two of the {turns[place + 1].role} in a row.",
            "Make it three: what the other side says stands between.",
        )
    new = [Turn(0, "user", content, turns[place].train) for content in contents]
    return numbered((*turns[:place], *new, *turns[place + 1 :]))


def merged(turns: Sequence[Turn], place: int) -> tuple[Turn, ...]:
    """The turns with the exchange of a turn and the next one as one: both messages, then both answers. It is trained on
    where both were.

    Raises `TraintuiError` where there is no next one.
    """
    first, end = exchange_of(turns, place)
    if end >= len(turns):
        raise TraintuiError(
            "Nothing to merge with", f"{_named(first, end)} the last exchange.", "Merge the one before it instead."
        )
    pairs = zip(turns[first:end], (*turns[end : end + 2], None), strict=False)
    both = [_joined(turn, other) for turn, other in pairs]
    return numbered((*turns[:first], *both, *turns[end + 2 :]))


def without(turns: Sequence[Turn], place: int) -> tuple[Turn, ...]:
    """The turns without the exchange of one: the message and its answer go together.

    Raises `TraintuiError` where fewer than `LEAST` would be left.
    """
    first, end = exchange_of(turns, place)
    if len(turns) - (end - first) < LEAST:
        raise TraintuiError(
            "Too few left", f"a conversation has {LEAST} turns at least.", "Edit these, or reject the conversation."
        )
    return numbered((*turns[:first], *turns[end:]))


def _joined(turn: Turn, other: Turn | None) -> Turn:
    if other is None:
        return turn
    content = f"{turn.content.rstrip()}\n\n{other.content.lstrip()}"
    return replace(turn, content=content, train=turn.train and other.train)


def _refuse_empty(contents: Sequence[str]) -> None:
    for number, content in enumerate(contents, start=1):
        if not content.strip():
            raise TraintuiError(
                "Nothing in it",
                f"part {number} of {len(contents)} is empty." if len(contents) > 1 else "it is empty.",
                "Write it, or take out the +++ before it.",
            )


def _count(contents: Sequence[str]) -> str:
    return "one turn" if len(contents) == 1 else f"{len(contents)} turns"


def _named(first: int, end: int) -> str:
    return f"turn {first + 1} is" if end - first == 1 else f"turns {first + 1} and {end} are"
