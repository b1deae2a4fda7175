"""What a message says, as a sentence of its own."""

from __future__ import annotations

import pytest

from traintui.errors import sentence


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("there is no view", "There is no view"),
        ("in/vendor.json was not imported", "in/vendor.json was not imported"),
        ("shape.toml: no turns", "shape.toml: no turns"),
        ("c-z4t2ks1389wp: meta.source is missing", "c-z4t2ks1389wp: meta.source is missing"),
        ("stopped.", "Stopped."),
        ("", ""),
    ],
)
def test_a_message_begins_with_a_capital_and_a_file_or_an_id_keeps_its_name(message: str, said: str) -> None:
    assert sentence(message) == said
