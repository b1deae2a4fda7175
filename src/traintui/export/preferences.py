"""What review says of answers: pairs out of edits, labels out of decisions. Nothing is made up.

An edit of an answer gives a pair: what was said before it, the edited answer and the original. Later turns were written
for the old text and stay out. A rejection that names a turn labels that answer, one that names none the last answer;
an approval labels the last answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from traintui.data.records import Turn
from traintui.export.record import Revision, TrainingRecord, has_text, plain


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to the same: `turn` is the number of the answer, `before` all turns before it."""

    turn: int
    system_prompt: str | None
    before: tuple[Turn, ...]
    chosen: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Label:
    """An answer that is as it should be, or not. `is_assumed` where a rejection named no turn."""

    turn: int
    system_prompt: str | None
    before: tuple[Turn, ...]
    completion: str
    desirable: bool
    is_assumed: bool = False


def pairs_of(record: TrainingRecord) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """The pairs that the edits of a conversation give, oldest first, and why other edits give none."""
    found: list[Pair] = []
    reasons: list[str] = []
    for decision in record.decisions:
        if decision.action == "edit":
            pair = _pair(record.at(decision.revision - 1), record.at(decision.revision))
            if isinstance(pair, str):
                reasons.append(f"the edit that made revision {decision.revision} {pair}")
            elif pair not in found:
                found.append(pair)
    if not found and not reasons:
        reasons.append("no answer of it was edited")
    return tuple(found), tuple(reasons)


def _pair(old: Revision | None, new: Revision | None) -> Pair | str:
    if old is None or new is None:
        return "is known without its texts"
    if (old.system_prompt or "") != (new.system_prompt or ""):
        return "changed the system prompt, so both answers were written for something else"
    if [turn.role for turn in old.turns] != [turn.role for turn in new.turns]:
        return "added, split, merged or deleted turns, so no two answers stand against each other"
    changed = [
        place
        for place, (before, after) in enumerate(zip(old.turns, new.turns, strict=True))
        if plain(before.content).strip() != plain(after.content).strip()  # templates trim what is said
    ]
    if not changed:
        return "changed no text"
    place = changed[0]
    if new.turns[place].role != "assistant":
        return (
            f"changed what the user says in turn {place + 1}, so the answers after it were written for something else"
        )
    if not has_text(new.turns[place].content) or not has_text(old.turns[place].content):
        return f"has an empty answer in turn {place + 1}"
    before = new.turns[:place]
    if not before or before[-1].role != "user":
        return f"changed turn {place + 1}, which answers nobody"
    return Pair(place + 1, new.system_prompt, before, new.turns[place].content, old.turns[place].content)


def labels_of(record: TrainingRecord) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """The labels that the decisions on a conversation give, oldest first, and why other decisions give none. Of two
    decisions on the same answer to the same the newer one counts."""
    found: dict[tuple[object, ...], Label] = {}
    reasons: list[str] = []
    for decision in record.decisions:
        if decision.action == "edit":
            continue
        told = "approval" if decision.action == "approve" else "rejection"
        label = _label(record.at(decision.revision), decision.turn, desirable=decision.action == "approve")
        if isinstance(label, str):
            reasons.append(f"the {told} of revision {decision.revision} {label}")
            continue
        key = (label.system_prompt, tuple((turn.role, turn.content) for turn in label.before), label.completion)
        found.pop(key, None)
        found[key] = label
    if not found and not reasons:
        reasons.append("nobody decided on it")
    return tuple(found.values()), tuple(reasons)


def _label(text: Revision | None, turn: int | None, *, desirable: bool) -> Label | str:
    if text is None:
        return "is known without its text"
    if desirable or turn is None:
        number = max((number for number, said in enumerate(text.turns, 1) if said.role == "assistant"), default=0)
    else:
        number = turn
    if not 1 <= number <= len(text.turns):
        return "is about no answer"
    answer, before = text.turns[number - 1], text.turns[: number - 1]
    if answer.role != "assistant":
        return f"names turn {number}, which is the user's"
    if not has_text(answer.content) or not before or before[-1].role != "user":
        return f"is about turn {number}, which answers nobody or is empty"
    return Label(
        number, text.system_prompt, before, answer.content, desirable, is_assumed=not desirable and turn is None
    )


def kto_weights(desirable: int, undesirable: int) -> tuple[float, float]:
    """The weights (desirable, undesirable) that bring so many labels of both kinds to 1:1.

    The weighted ratio must lie between 1:1 and 4:3 (KTO, equation 8; TRL 1.16, `trainer/kto_trainer.py`, which gives
    the range of one weight while the other is 1). The rarer kind counts more; with none of one kind both are 1.
    """
    if not desirable or not undesirable or desirable == undesirable:
        return 1.0, 1.0
    if desirable > undesirable:
        return 1.0, round(desirable / undesirable, 2)
    return round(undesirable / desirable, 2), 1.0
