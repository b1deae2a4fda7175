"""The rehearsal judges by rule: the same opinion of the same conversation, not the same of all, and real quotations."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from traintui.generation.rehearsal.replies import reply_text
from traintui.generation.rubric import opinion_schema

CRITERIA = ("faithful", "persona", "emotion", "useful")


def body(number: int, said: str = "It costs 12 a month. Call the branch first.") -> dict[str, Any]:
    asked = f'<turn number="1" role="user">\nQuestion {number}?\n</turn>'
    turns = f'{asked}\n<turn number="2" role="assistant">\n{said}\n</turn>'
    return {
        "model": "claude-opus-5-5", "max_tokens": 4096,
        "messages": [{"role": "user", "content": f"<conversation>\n{turns}\n</conversation>"}],
        "output_config": {"format": {"type": "json_schema", "schema": opinion_schema(CRITERIA)}},
    }  # fmt: skip


def test_the_same_conversation_gets_the_same_opinion() -> None:
    assert reply_text(body(1)) == reply_text(body(1)) != reply_text(body(2))


def test_scores_are_spread_and_every_quotation_stands_in_its_turn() -> None:
    scores: Counter[int] = Counter()
    for number in range(60):
        opinion = json.loads(reply_text(body(number)))
        assert tuple(opinion) == CRITERIA
        for criterion in opinion.values():
            scores[criterion["score"]] += 1
            for span in criterion["spans"]:
                assert (
                    span["quote"]
                    in {1: f"Question {number}?", 2: "It costs 12 a month. Call the branch first."}[span["turn"]]
                )
    assert set(scores) <= set(range(11)) and len(scores) >= 6
    assert sum(scores[score] for score in (7, 8, 9, 10)) > sum(scores.values()) / 2


def test_where_nothing_was_said_it_points_at_nothing() -> None:
    asked = body(1)
    asked["messages"][0]["content"] = "Judge it."
    assert all(criterion["spans"] == [] for criterion in json.loads(reply_text(asked)).values())
