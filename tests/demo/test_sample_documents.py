from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import traintui
from traintui.importing.chunks import MAX_TOKENS
from traintui.importing.documents import DocumentText, read_document

DEMO = Path(traintui.__file__).parent / "demo"
TITLES = {
    "member-handbook": "Member Handbook",
    "fee-schedule": "Fee Schedule",
    "hardship-policy": "Hardship Policy",
}
COLOURS = {"red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "grey"}


def document(name: str) -> DocumentText:
    return read_document(DEMO / "documents" / f"{name}.md")


def vocabulary() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((DEMO / "vocabulary.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "title"), TITLES.items())
def test_each_sample_document_has_its_title_and_enough_chunks_to_talk_about(name: str, title: str) -> None:
    found = document(name)
    assert (found.name, found.title) == (name, title)
    assert 750 <= len(re.findall(r"[A-Za-z0-9$%-]+", found.content)) <= 1200
    assert len(found.chunks) > 4
    assert len({chunk.heading for chunk in found.chunks}) > 4
    assert all(40 <= chunk.token_estimate <= MAX_TOKENS for chunk in found.chunks)


def test_the_sample_documents_agree_on_what_they_share() -> None:
    handbook, fees, hardship = (document(name).content for name in TITLES)
    for figure in ("$750", "$500", "$6", "90 days' worth", "30 days' worth", "6:00 pm", "Member Care Committee"):
        assert figure in handbook and figure in fees, figure
    for shared in ("Skip-a-Pay", "$25", "within 10 business days", "at least 6 months old"):
        assert shared in fees and shared in hardship, shared


def test_the_vocabulary_has_five_to_eight_values_in_each_dimension() -> None:
    found = vocabulary()
    assert list(found) == ["persona", "emotion", "topic", "intent", "tone"]
    for dimension, entries in found.items():
        assert 5 <= len(entries) <= 8, dimension
        values = [entry["value"] for entry in entries]
        assert len(set(values)) == len(values)
        for entry in entries:
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", entry["value"])
            assert entry["label"] and entry["description"].endswith(".")
            extra = {"persona": {"colour"}, "emotion": {"colour"}, "topic": {"keywords"}}.get(dimension, set())
            assert set(entry) == {"value", "label", "description"} | extra


def test_personas_and_emotions_have_a_colour_of_the_palette() -> None:
    found = vocabulary()
    for entry in found["persona"] + found["emotion"]:
        assert entry["colour"] in COLOURS


def test_every_keyword_of_a_topic_is_in_the_sample_documents() -> None:
    text = " ".join(document(name).content for name in TITLES).lower()
    for entry in vocabulary()["topic"]:
        assert entry["keywords"]
        for keyword in entry["keywords"]:
            assert keyword.lower() in text, keyword
