"""A manifest beside a file is asked whether the file is the one that was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from importing.reading import own, write
from traintui.errors import TraintuiError
from traintui.importing.manifests import verified


def beside(path: Path, content: Any, name: str | None = None) -> Path:
    manifest = path.with_name(name or f"{path.name}.manifest.json")
    manifest.write_text(content if isinstance(content, str) else json.dumps(content))
    return manifest


def listed(path: Path) -> dict[str, Any]:
    return {"files": [{"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}], "count": 1}


def test_a_file_without_a_manifest_is_not_asked_about(tmp_path: Path) -> None:
    assert verified(write(tmp_path, own())) is None


@pytest.mark.parametrize("name", ["set.jsonl.manifest.json", "set.manifest.json"])
def test_a_manifest_that_speaks_the_truth_is_given_with_all_it_says(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, own())
    manifest = beside(path, listed(path), name)
    found = verified(path)
    assert found is not None and (found.path, found.content["count"]) == (manifest, 1)


def test_a_manifest_of_another_file_is_not_asked(tmp_path: Path) -> None:
    path = write(tmp_path, own())
    beside(path, {"files": [{"name": "set.parquet", "sha256": "00"}]}, "set.manifest.json")
    assert verified(path) is None


def test_the_files_of_a_split_share_their_manifest(tmp_path: Path) -> None:
    path = write(tmp_path, own(), name="set.train.jsonl")
    beside(path, listed(path), "set.manifest.json")
    assert verified(path) is not None


def test_a_file_that_was_changed_since_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, own())
    beside(path, listed(path))
    path.write_bytes(path.read_bytes().replace(b"Hello", b"Hallo"))
    with pytest.raises(TraintuiError, match="SHA-256") as caught:
        verified(path)
    assert caught.value.title == "File changed" and "manifest" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ({"files": []}, "Manifest not followed"),
        ({"files": [{"name": "other.jsonl", "sha256": "00"}]}, "Manifest not followed"),
        ({"files": [{"name": "set.jsonl", "sha256": 3}, 7]}, "Manifest not followed"),
        ({"files": [{"name": "set.jsonl", "sha256": "öö"}]}, "File changed"),
        ({}, "Manifest not followed"),
        ("{", "Manifest not read"),
        ("[]", "Manifest not read"),
    ],
)
def test_a_manifest_that_says_nothing_of_the_file_is_answered(tmp_path: Path, content: Any, title: str) -> None:
    path = write(tmp_path, own())
    beside(path, content)
    with pytest.raises(TraintuiError) as caught:
        verified(path)
    assert caught.value.title == title
