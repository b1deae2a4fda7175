"""Records of conversations for the tests of training files."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import strategies as st

from traintui.data.fetched import Fetched
from traintui.data.records import Turn
from traintui.export.record import Decision, Revision, TrainingRecord

CONTENT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(lambda text: text.strip())
"""What a turn may hold: anything that PostgreSQL can, but blanks alone."""
DIMENSION = st.none() | st.sampled_from(["busy_parent", "anxious_planner", "roth_ira"])
METADATA = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | CONTENT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CONTENT, inner, max_size=3),
        max_leaves=4,
    ),
    max_size=3,
)


def turns_of(*contents: str, untrained: tuple[int, ...] = ()) -> tuple[Turn, ...]:
    """Turns that alternate, the user first; `untrained` are numbers of those that are not to be trained on."""
    return tuple(
        Turn(number, "user" if number % 2 else "assistant", content, number not in untrained)
        for number, content in enumerate(contents, start=1)
    )


def record_with(*contents: str, untrained: tuple[int, ...] = (), **changes: Any) -> TrainingRecord:
    """An approved conversation with these turns."""
    given: dict[str, Any] = {"status": "approved", "system_prompt": None} | changes
    return TrainingRecord(
        given.pop("conversation_id", "c-1"), given.pop("revision", 1), given.pop("status"), given.pop("system_prompt"),
        turns_of(*contents, untrained=untrained), **given,
    )  # fmt: skip


def fetched_of(record: TrainingRecord) -> Fetched:
    """A conversation as the server would hand it to an export: a list of JSON as PostgreSQL writes it."""
    contents = f"[{', '.join(orjson.dumps(turn.content).decode() for turn in record.turns)}]"
    same = {name: getattr(record, name) for name in Fetched._fields if hasattr(record, name)}
    return Fetched(**same | {
        "turn_count": len(record.turns),
        "contents": contents.encode(),
        "untrained": [turn.number for turn in record.turns if not turn.train] or None,
        "decisions": None, "earlier": None,
    })  # fmt: skip


@st.composite
def trainable(draw: st.DrawFn) -> TrainingRecord:
    """A conversation that every target of supervised training takes."""
    exchanges = draw(st.lists(st.tuples(CONTENT, CONTENT, st.booleans()), min_size=1, max_size=4))
    contents = [content for question, answer, _ in exchanges for content in (question, answer)]
    untrained = tuple(2 * place for place, (_, _, train) in enumerate(exchanges, 1) if not train and place > 1)
    return record_with(
        *contents,
        untrained=tuple(number for number in untrained if number != len(contents)),
        conversation_id=f"c-{draw(st.integers(1, 10**6))}",
        system_prompt=draw(st.none() | CONTENT),
        persona=draw(DIMENSION),
        tier=draw(st.sampled_from(["template", "scenario", "edge_case"])),
        metadata=draw(METADATA),
        quality_score=draw(st.none() | st.integers(0, 1000).map(lambda score: score / 100)),
    )


@st.composite
def reviewed(draw: st.DrawFn) -> TrainingRecord:
    """A conversation of which an answer was edited, and of which both texts were decided on."""
    record = draw(trainable())
    place = draw(st.integers(1, len(record.turns) // 2)) * 2 - 1
    old = list(record.turns)
    old[place] = Turn(place + 1, "assistant", draw(CONTENT) + " (before)", old[place].train)
    return TrainingRecord(
        record.conversation_id, 2, "approved", record.system_prompt, record.turns, metadata=record.metadata,
        earlier=(Revision(1, record.system_prompt, tuple(old)),),
        decisions=(Decision("reject", 1, place + 1, "wrong"), Decision("edit", 2), Decision("approve", 2)),
    )  # fmt: skip
