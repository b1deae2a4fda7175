"""Where a target stops reading: the turn, the character, and what is lost from there on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traintui.export.rules import Excess
from traintui.export.tokens import MESSAGE_TOKENS, TokenCounter


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tokens a target takes, None for any number, and what it does with more."""

    tokens: int | None
    excess: Excess


@dataclass(frozen=True, slots=True)
class Segment:
    """A message: the number of its turn (0: the system prompt), its text, and its tokens with those of the template."""

    turn: int
    role: str
    content: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a target stops: `turn` and `character` (its text from there on is lost), None where it drops all of it.
    `lost` are the numbers of the turns of which nothing is left, `ends` the others that lose their end, each with the
    character from which on. `what` says it in words."""

    tokens: int
    limit: int
    turn: int | None
    character: int | None
    lost: tuple[int, ...]
    what: str
    ends: tuple[tuple[int, int], ...] = ()

    @property
    def shortened(self) -> tuple[int, ...]:
        """The numbers of the turns that lose their end."""
        return tuple(turn for turn, _ in self.ends)

    def loses(self, turn: int) -> bool:
        """Whether nothing of a turn is left."""
        return turn in self.lost

    def touches(self, turn: int) -> bool:
        """Whether something of a turn is lost."""
        return turn in self.lost or turn in self.shortened


def cut_of(segments: Sequence[Segment], limit: Limit, counter: TokenCounter, *, answer: bool = False) -> Cut | None:
    """Where a target stops reading these messages, or None when it reads them whole. `answer` says that only the last
    one is trained on and the others are its prompt."""
    total = sum(segment.tokens for segment in segments)
    if limit.tokens is None or total <= limit.tokens:
        return None
    whole = tuple(segment.turn for segment in segments if segment.turn)
    if limit.excess == "drop":
        return Cut(total, limit.tokens, None, None, whole, "it is dropped without a word")
    if answer and limit.excess == "pairs":
        return _prompt_or_answer(segments, limit.tokens, counter)
    if answer and total - segments[-1].tokens >= limit.tokens:
        return Cut(
            total, limit.tokens, None, None, whole, "its prompt alone is as long, so it is dropped without a word"
        )
    if limit.excess == "pairs":
        return _pairs(segments, limit.tokens, counter)
    used = 0
    for place, segment in enumerate(segments):
        if used + segment.tokens > limit.tokens:
            return _cut_in(segments, place, limit.tokens - used, limit.tokens, counter)
        used += segment.tokens
    return None


def _cut_in(segments: Sequence[Segment], place: int, room: int, limit: int, counter: TokenCounter) -> Cut:
    """The cut in a message of which only so many tokens have room; all that comes after it is lost."""
    segment, total = segments[place], sum(segment.tokens for segment in segments)
    character = counter.character_at(segment.content, room - MESSAGE_TOKENS)
    lost = tuple(later.turn for later in segments[place + (character > 0) :] if later.turn)
    named = f"turn {segment.turn}" if segment.turn else "the system prompt"
    what = f"{named} is cut" if character else f"nothing of {named} is left"
    after = len(segments) - place - 1
    if after:
        what += f", {'the turn' if after == 1 else f'the {after} turns'} after it {'is' if after == 1 else 'are'} lost"
    ends = ((segment.turn, character),) if character else ()
    return Cut(total, limit, segment.turn or None, character, lost, what, ends)


def shares(source: int, target: int, room: int) -> tuple[int, int]:
    """How many tokens of a prompt and of its answer LLaMA-Factory keeps (0.9.5, `processor_utils.infer_seqlen`)."""
    if target * 2 < room:
        most = room
    elif source * 2 < room:
        most = room - source
    else:
        most = int(room * (target / (source + target)))
    kept = min(most, target)
    return min(max(room - kept, 0), source), kept


def _pairs(segments: Sequence[Segment], limit: int, counter: TokenCounter) -> Cut | None:
    """LLaMA-Factory goes pair by pair; the system prompt belongs to the first question. The pair that has no room is
    shortened on both sides, the ones after it are left out (0.9.5, `processor/supervised.py`)."""
    total = sum(segment.tokens for segment in segments)
    pairs: list[tuple[list[int], int]] = []
    question: list[int] = []
    for place, segment in enumerate(segments):
        if segment.role == "assistant":
            pairs.append((question, place))
            question = []
        else:
            question.append(place)
    used = 0
    for asked, place in pairs:
        source = sum(segments[number].tokens for number in asked)
        target = segments[place].tokens
        kept_source, kept_target = shares(source, target, limit - used)
        if used >= limit or kept_source < source or kept_target < target:
            lost = tuple(later.turn for later in segments[place + 1 :] if later.turn)
            if used >= limit:
                first = segments[asked[0]] if asked else segments[place]
                lost = tuple(later.turn for later in segments if later.turn >= first.turn and later.turn)
                return Cut(total, limit, first.turn or None, 0, lost, f"it is left out from turn {first.turn} on")
            asked_last = segments[asked[-1]] if asked else segments[place]
            return _shortened(
                total, limit, (asked_last, segments[place]), (source - kept_source, target - kept_target), lost, counter
            )
        used += kept_source + kept_target
    return None


def _prompt_or_answer(segments: Sequence[Segment], limit: int, counter: TokenCounter) -> Cut:
    """LLaMA-Factory shortens the end of the prompt or of the answer (0.9.5, `processor/pairwise.py`)."""
    total = sum(segment.tokens for segment in segments)
    source, target = total - segments[-1].tokens, segments[-1].tokens
    kept_source, kept_target = shares(source, target, limit)
    missing = (source - kept_source, target - kept_target)
    return _shortened(total, limit, (segments[-2], segments[-1]), missing, (), counter)


def _shortened(
    total: int, limit: int, pair: tuple[Segment, Segment], missing: tuple[int, int], lost: tuple[int, ...],
    counter: TokenCounter,
) -> Cut:  # fmt: skip
    """The cut in a question and its answer, of which so many tokens have no room each."""
    short = [(segment, less) for segment, less in zip(pair, missing, strict=True) if less > 0]
    ends = tuple(
        (segment.turn, counter.character_at(segment.content, max(0, segment.tokens - less - MESSAGE_TOKENS)))
        for segment, less in short
    )
    turn, character = ends[0]
    what = f"the end of {' and of '.join(f'turn {segment.turn}' for segment, _ in short)} is cut off"
    if lost:
        what += f", and the {'turn' if len(lost) == 1 else f'{len(lost)} turns'} after it left out"
    return Cut(total, limit, turn, character, lost, what, ends)
