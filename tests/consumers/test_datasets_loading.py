"""`datasets.load_dataset`, by which TRL, Axolotl, LLaMA-Factory and Unsloth read, gives back what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet
import pytest
import yaml
from huggingface_hub import DatasetCard

from consumers.exported import full_one, large, plain_one, reviewed_one, rows, written
from training_records import fetched_of
from traintui.export.card import CardFacts, card
from traintui.export.formats import FORMATS, Container
from traintui.export.manifest import FileFacts, ManifestFacts, Tally
from traintui.export.record import TrainingRecord

LOADERS = {"jsonl": "json", "json": "json", "parquet": "parquet", "csv": "csv"}
LOADED = [format for format in FORMATS.values() if format.kind != "own" and "parquet" in format.containers]


@pytest.fixture(autouse=True)
def away(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched, nothing cached from one test to the next."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def load(path: Path, container: Container, folder: Path) -> Any:
    return datasets.load_dataset(LOADERS[container], data_files=str(path), split="train", cache_dir=str(folder / "c"))


def bare(value: Any) -> Any:
    """The value without nulls: what a column has where a row has nothing."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def few() -> list[TrainingRecord]:
    return [plain_one(1), full_one(2), reviewed_one(3), reviewed_one(4, "Be kind."), plain_one(5)]


@pytest.mark.parametrize("container", ["jsonl", "json", "parquet"])
@pytest.mark.parametrize("format", LOADED, ids=lambda format: format.name)
def test_what_was_written_is_loaded(format: Any, container: Container, tmp_path: Path) -> None:
    loaded = load(written(format.name, few(), tmp_path, container), container, tmp_path)
    assert loaded.to_list() and bare(loaded.to_list()) == rows(format.name, few())


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("format", [f for f in LOADED if f.kind == "supervised"], ids=lambda format: format.name)
def test_what_only_the_last_row_has_breaks_nothing_in_a_large_file(
    format: Any, container: Container, tmp_path: Path
) -> None:
    path = written(format.name, large(), tmp_path, container)
    if (format.name, container) == ("alpaca", "jsonl"):
        assert any("export Parquet" in note for note in format.rules.notes)
        with pytest.raises(datasets.exceptions.DatasetGenerationError):  # else the note has nothing to say any more
            load(path, container, tmp_path)
        return
    loaded = load(path, container, tmp_path)
    assert len(loaded) == 201 and bare(loaded[200]) == rows(format.name, large())[200]


@pytest.mark.parametrize("format", LOADED, ids=lambda format: format.name)
def test_both_containers_give_the_same_rows(format: Any, tmp_path: Path) -> None:
    lines = load(written(format.name, few(), tmp_path), "jsonl", tmp_path).to_list()
    columns = load(written(format.name, few(), tmp_path, "parquet"), "parquet", tmp_path).to_list()
    assert bare(lines) == bare(columns)


@pytest.mark.parametrize("format", LOADED, ids=lambda format: format.name)
def test_parquet_of_the_same_rows_has_the_same_bytes_and_is_compressed_by_zstd(format: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    path = written(format.name, few(), first, "parquet")
    assert path.read_bytes() == written(format.name, few(), second, "parquet").read_bytes()
    group = pyarrow.parquet.ParquetFile(path).metadata.row_group(0)
    assert {group.column(place).compression for place in range(group.num_columns)} == {"ZSTD"}


def test_csv_of_single_exchanges_is_loaded(tmp_path: Path) -> None:
    records = [plain_one(1), plain_one(2)]
    loaded = load(written("alpaca", records, tmp_path, "csv"), "csv", tmp_path).to_list()
    # An empty cell is null to `datasets`, which LLaMA-Factory takes for empty.
    assert [{**row, "input": row["input"] or ""} for row in loaded] == rows("alpaca", records)


def test_messages_of_axolotl_have_one_type_and_are_no_json_for_datasets(tmp_path: Path) -> None:
    features = load(written("axolotl", few(), tmp_path), "jsonl", tmp_path).features
    assert set(features["messages"].feature) == {"role", "content", "train"}


def test_the_yaml_for_axolotl_is_yaml_that_names_the_file_and_the_key_of_the_marks(tmp_path: Path) -> None:
    written("axolotl", few(), tmp_path)
    fragment = yaml.safe_load((tmp_path / "axolotl.axolotl.yaml").read_text(encoding="utf-8"))
    (dataset,) = fragment["datasets"]
    assert dataset["path"] == "axolotl.jsonl" and dataset["message_field_training"] == "train"
    assert dataset["type"] == "chat_template" and fragment["sequence_len"] > 512


@pytest.mark.parametrize("name", ["llama-factory", "alpaca", "llama-factory-dpo", "llama-factory-kto"])
def test_every_column_of_a_dataset_info_is_in_the_file(name: str, tmp_path: Path) -> None:
    path = written(name, few(), tmp_path)
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))[name]
    assert set(info["columns"].values()) == set(rows(name, few())[0]) and info["file_name"] == path.name


def test_the_directory_of_an_export_is_a_dataset_by_its_card(tmp_path: Path) -> None:
    train, evaluation = written("trl", [plain_one(1), plain_one(2)], tmp_path), tmp_path / "trl-eval.jsonl"
    evaluation.write_bytes(train.read_bytes().splitlines(keepends=True)[0])
    (tmp_path / "trl.manifest.json").write_text('{"not": "data"}')
    tally = Tally()
    tally.add([fetched_of(plain_one(1)), fetched_of(plain_one(2))])
    facts = ManifestFacts(
        "trl", 1, "jsonl", "0.1.0", "0028", "", {}, tally,
        (FileFacts(train.name, 1, "00", 2, "train"), FileFacts(evaluation.name, 1, "00", 1, "eval")), 3, {},
    )  # fmt: skip
    text = card(CardFacts('Retirement: "first" steps', facts, "trl.manifest.json", "cc-by-4.0", ("en", "de")))
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    head = vars(DatasetCard(text).data)
    assert head["pretty_name"] == 'Retirement: "first" steps' and head["license"] == "cc-by-4.0"
    assert head["language"] == ["en", "de"] and head["size_categories"] == ["n<1K"]
    loaded = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "c"))
    assert {name: len(split) for name, split in loaded.items()} == {"train": 2, "test": 1}
