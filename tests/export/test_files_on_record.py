"""The files that the log has of an export: what it does not have all of is not compared."""

from __future__ import annotations

from typing import Any

import pytest

from traintui.export.standing import files_in

WHOLE = {"name": "a.jsonl", "bytes": 12, "sha256": "00", "rows": 3}


@pytest.mark.parametrize(
    "said",
    [{"name": "a.jsonl", "sha256": "00"}, {"bytes": 12}, {**WHOLE, "bytes": "many"}, "a.jsonl", None, 7],
    ids=str,
)
def test_a_file_without_its_size_is_left_out_and_the_others_stand(said: Any) -> None:
    assert [(file.name, file.size, file.rows) for file in files_in({"files": [said, WHOLE]})] == [("a.jsonl", 12, 3)]


@pytest.mark.parametrize("said", [None, 7, "a.jsonl", {"name": "a.jsonl"}], ids=str)
def test_files_that_are_no_list_are_none(said: Any) -> None:
    assert files_in({"files": said}) == ()
