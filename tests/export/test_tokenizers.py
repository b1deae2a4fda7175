"""A tokenizer of a model counts beside the screen, and says where a trainer cuts."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from support import approved, imported, newest_exports
from training_records import record_with
from traintui.data.engine import Database
from traintui.export import again
from traintui.export.formats import FORMATS
from traintui.export.lens import lens_of
from traintui.export.request import ExportRequest
from traintui.export.tokens import MESSAGE_TOKENS, FileTokenizer, NoTokenizer, counter_of, counting_of
from traintui.export.write import run_export


def saved(directory: Path) -> Path:
    made = Tokenizer(WordLevel({"[UNK]": 0, "Question": 1}, unk_token="[UNK]"))  # noqa: S106
    made.pre_tokenizer = Whitespace()
    path = directory / "tokenizer.json"
    made.save(str(path))
    return path


def test_a_workspace_that_names_a_tokenizer_counts_with_it_by_its_file_or_its_directory(tmp_path: Path) -> None:
    (tmp_path / "llama").mkdir()
    path = saved(tmp_path / "llama")
    for named in (path, path.parent):
        counting = counting_of(named)
        assert isinstance(counting.counter, FileTokenizer) and counting.instead is None
        assert counting.counter.name == "llama" and counting.counter.count("Question one, and another") == 5


def test_what_is_no_tokenizer_is_answered_and_one_that_is_put_in_its_place_counts(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(NoTokenizer, match="is no tokenizer"):
        counter_of(path)
    assert counter_of(saved(tmp_path)).count("Question one") == 2


def test_the_lens_draws_its_line_at_the_character_that_the_tokenizer_counts_to(tmp_path: Path) -> None:
    record = record_with("Question one", "Question one, and another; Question.")
    seen = lens_of(record, FORMATS["trl"], counter_of(saved(tmp_path)), 2 * MESSAGE_TOKENS + 4)
    assert [(stop.place, stop.character) for stop in seen.stops] == [(1, len("Question one"))]
    assert [fate.tokens for fate in seen.turns] == [2 + MESSAGE_TOKENS, 8 + MESSAGE_TOKENS] and not seen.is_estimate


def test_counting_a_long_text_leaves_other_threads_free(tmp_path: Path) -> None:
    counter, text = counter_of(saved(tmp_path)), "Question one, and another; Question. " * 50_000
    with ThreadPoolExecutor() as pool:
        for work in (partial(counter.count, text), partial(counter.character_at, text, 5)):
            ticks, running = 0, pool.submit(work)
            while not running.done():
                time.sleep(0.001)
                ticks += 1
            assert ticks > 10  # where the interpreter is held meanwhile there are one or two


async def test_the_tokenizer_that_an_export_named_counts_when_it_is_made_again_while_it_is_here(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 2))
    (tmp_path / "llama").mkdir()
    path = saved(tmp_path / "llama")
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", "trl", tokenizer=path))
    export, earlier = await again.found(db, first.export_id, "now")
    options = again.options_of(export, "now")
    assert options["tokenizer"] == path == again.options_of(export, "then")["tokenizer"]
    await run_export(db, ExportRequest(tmp_path / "second.jsonl", "trl", again=earlier, **options))
    for name in ("first", "second"):
        told = (tmp_path / f"{name}.manifest.json").read_text()
        counted = json.loads(told)["preflight"]
        assert (counted["counted_by"], counted["tokens_are_estimated"]) == ("llama", False)
        assert str(tmp_path) not in told  # where a file lies on this machine is the log's alone
    path.unlink()
    (latest, *_) = await newest_exports(db)
    assert "tokenizer" not in again.options_of(latest, "now")
