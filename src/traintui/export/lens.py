"""What a target makes of one conversation, for who reads it: what it trains on, tokens per turn, and where it stops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from traintui.data.records import Conversation, Turn
from traintui.export.cutting import Cut
from traintui.export.formats.model import Format
from traintui.export.preflight import Preflight, preflight
from traintui.export.record import TrainingRecord
from traintui.export.tokens import TokenCounter

SYSTEM = -1
"""The place of the system prompt, before the turns."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a turn, or of the system prompt. Its text, as stored, is read up to the character `read`; None
    reads all of it, 0 nothing. `trained` says whether the target learns from what it reads, `overrides` that it does so
    though the turn is marked not to be trained on. `tokens` are its own with those of the template, `until` those of
    all up to its end."""

    tokens: int
    until: int
    read: int | None
    trained: bool
    overrides: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether the target reads nothing of it."""
        return self.read == 0


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a target stops reading: in the text of a turn by its place (`SYSTEM`: the system prompt), or before it
    where `character` is 0; what that means, in words."""

    place: int
    character: int
    says: str


@dataclass(frozen=True, slots=True)
class Lens:
    """A conversation as a target sees it. `turns` has what becomes of each, in order, `system` of the system prompt
    where it has one, `stops` where the target stops reading."""

    format: Format
    limit: int | None
    result: Preflight
    is_estimate: bool
    system: Fate | None
    turns: tuple[Fate, ...]
    stops: tuple[Stop, ...]

    def fate(self, place: int) -> Fate | None:
        """What becomes of a turn, by its place."""
        if place == SYSTEM:
            return self.system
        return self.turns[place] if place < len(self.turns) else None

    def count(self, tokens: int) -> str:
        """A number of tokens, marked where it is an estimate."""
        return f"{'~' if self.is_estimate else ''}{tokens:,}"


def record_of(conversation: Conversation) -> TrainingRecord:
    """The text of a conversation as training files have it. What is known beside the text stays out."""
    row = conversation.row
    return TrainingRecord(row.conversation_id, row.revision, row.status, conversation.system_prompt, conversation.turns)


def lens_of(record: TrainingRecord, format: Format, counter: TokenCounter, limit: int | None = None) -> Lens:
    """How the target of a format sees a conversation. `limit` is that of the trainer in tokens where it is not the
    default."""
    result = preflight(record, format, counter, limit=limit)
    cut = result.cut
    before = result.tokens - sum(fate.tokens for fate in result.turns)
    system = None
    if before:
        read = _read_of_system(record, cut)
        system = Fate(before, before, read, format.rules.learns == "everything" and read != 0)
    turns, until = [], before
    for turn, fate in zip(record.turns, result.turns, strict=True):
        until += fate.tokens
        read = _read_of(turn, cut)
        trained = fate.trained and read != 0
        overrides = trained and turn.role == "assistant" and not turn.train
        turns.append(Fate(fate.tokens, until, read, trained, overrides))
    stops = () if cut is None else tuple(_stops(record, cut, format.rules.target))
    return Lens(format, limit or format.rules.token_limit, result, counter.is_estimate, system, tuple(turns), stops)


def _read_of_system(record: TrainingRecord, cut: Cut | None) -> int | None:
    if cut is None or cut.turn is not None:
        return None
    return 0 if cut.character is None else stored_place(record.system_prompt or "", cut.character)


def _read_of(turn: Turn, cut: Cut | None) -> int | None:
    if cut is None or not cut.touches(turn.number):
        return None
    return 0 if cut.loses(turn.number) else stored_place(turn.content, dict(cut.ends)[turn.number])


def _stops(record: TrainingRecord, cut: Cut, target: str) -> Iterator[Stop]:
    """Where lines are drawn: the first says what is lost."""
    said = f"{target} stops at {cut.limit:,} tokens: {cut.what}"
    first = SYSTEM if record.system_prompt and record.system_prompt.strip() else 0
    if cut.turn is None:
        if cut.character is None:
            yield Stop(first, 0, f"{target} takes {cut.limit:,} tokens: all of this is dropped without a word")
        else:
            yield Stop(SYSTEM, stored_place(record.system_prompt or "", cut.character), said)
        return
    places = {turn.number: place for place, turn in enumerate(record.turns)}
    if not cut.ends:
        yield Stop(places[cut.turn], 0, said)
    for number, character in cut.ends:
        place = places[number]
        says = said if number == cut.turn else f"{target} stops here too"
        yield Stop(place, stored_place(record.turns[place].content, character), says)


def stored_place(content: str, character: int) -> int:
    """The place in a text as it is stored of a character of the same text as training files have it, where a line ends
    with LF alone."""
    at = 0
    for line in content.split("\r\n"):
        if character <= len(line):
            return at + character
        character -= len(line) + 1
        at += len(line) + 2
    return len(content)


def lenses_of(
    record: TrainingRecord, targets: Sequence[tuple[Format, int | None]], counter: TokenCounter
) -> tuple[Lens, ...]:
    """How each target sees a conversation. Counting takes a second for a megabyte: for a thread."""
    return tuple(lens_of(record, format, counter, limit) for format, limit in targets)
