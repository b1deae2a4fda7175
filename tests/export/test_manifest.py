"""The manifest and the card: what is in an export, the same each time."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training_records import fetched_of, record_with
from traintui.data.exports import manifest_name
from traintui.export.card import CardFacts, card, code, escaped, size_category
from traintui.export.fileset import BLOCK, FileSet
from traintui.export.manifest import FileFacts, ManifestFacts, Tally, kto, write_manifest

FILES = (FileFacts("out.jsonl", 120, "ab" * 32, 2, "train"),)


def tally() -> Tally:
    made = Tally()
    good = record_with("a", "b", persona="busy_parent", tier="scenario", quality_score=7.5, reviewer="ada",
                       cost_usd=Decimal("0.0125"))  # fmt: skip
    other = record_with("a", "b", persona="busy_parent", quality_score=4.0, is_rehearsal=True, status="generated")
    made.add([fetched_of(good)])
    made.add([fetched_of(other)])
    return made


def facts(**changes: Any) -> ManifestFacts:
    given: dict[str, Any] = {
        "format": "trl", "format_version": 1, "container": "jsonl", "traintui": "0.1.0", "schema_revision": "0028",
        "filter_text": "score>=4", "filter_data": {"score": [4, None]}, "tally": tally(), "files": FILES, "rows": 2,
        "preflight": {"words": "all 2 pass"},
    }  # fmt: skip
    return ManifestFacts(**given | changes)


def written(made: ManifestFacts, rows: list[tuple[str, int, str | None]]) -> bytes:
    file = io.BytesIO()
    entries = ([name, revision] if side is None else [name, revision, side] for name, revision, side in rows)
    write_manifest(file, made, map(orjson.dumps, entries), [b'["c-9",1,"It ends with the user."]'])
    return file.getvalue()


def test_a_manifest_is_json_with_all_that_was_promised() -> None:
    read = json.loads(written(facts(), [("c-1", 1, "train"), ("c-2", 4, "eval")]))
    assert read["conversations"] == [["c-1", 1, "train"], ["c-2", 4, "eval"]]
    assert read["left_out"] == [["c-9", 1, "It ends with the user."]]
    assert read["filter"] == {"words": "score>=4", "data": {"score": [4, None]}}
    assert read["format"] == {"name": "trl", "version": 1, "container": "jsonl"} and read["seal"] is None
    counts = read["counts"]
    assert counts["persona"] == {"busy_parent": 2} and counts["tier"] == {"none": 1, "scenario": 1}
    assert counts["reviewer"] == {"ada": 1, "none": 1} and counts["status"] == {"approved": 1, "generated": 1}
    assert counts["score"] == {"lowest": 4.0, "highest": 7.5, "none": 0} and counts["rehearsal"] == 1
    assert counts["cost_usd"] == {"sum": "0.0125", "conversations_without": 1}
    assert read["files"][0]["sha256"] == "ab" * 32


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.integers(1, 99), st.none()), max_size=4))
def test_whatever_ids_there_are_a_manifest_can_be_read_and_is_the_same_again(
    rows: list[tuple[str, int, str | None]],
) -> None:
    assert written(facts(), rows) == written(facts(), rows)
    assert json.loads(written(facts(), rows))["conversations"] == [[name, revision] for name, revision, _ in rows]


def test_however_many_conversations_a_manifest_names_little_of_it_is_held(tmp_path: Path) -> None:
    number, held = 60_000, []

    with FileSet(tmp_path) as files:
        part = files.add("out.manifest.json")

        def entries() -> Iterator[bytes]:
            for count in range(number):
                held.append(part.hashed.held)
                yield orjson.dumps([f"c-{count:012}", 1, "x" * 40])

        write_manifest(part.file, facts(), part.draining(entries()))
        files.settle()
        assert BLOCK < max(held) < BLOCK + 1_000 < part.hashed.size
        assert len(json.loads(part.path.read_bytes())["conversations"]) == number


def test_labels_come_with_the_weights_that_balance_them() -> None:
    assert kto(30, 10) == {
        "desirable": 30, "undesirable": 10, "desirable_weight": 1.0, "undesirable_weight": 3.0
    }  # fmt: skip
    assert json.loads(written(facts(labels=(30, 10)), []))["kto"]["undesirable_weight"] == 3.0
    assert json.loads(written(facts(), []))["kto"] is None


def test_a_manifest_is_called_as_its_file() -> None:
    assert manifest_name("out.jsonl") == "out.manifest.json"
    assert manifest_name("a.b.jsonl") == "a.b.manifest.json" and manifest_name(".hidden") == ".hidden.manifest.json"


def test_a_card_says_first_what_one_must_know() -> None:
    text = card(CardFacts("Retirement", facts(left_out_rehearsal=3, remarks=("TRL cuts.",)), "out.manifest.json"))
    assert text.startswith('---\npretty_name: "Retirement"\n') and text.count("\n---\n") == 1
    assert "**Not all of them are approved:** 1 `approved`, 1 `generated`." in text
    assert "written by Traintui's rehearsal" in text and "3 that match" in text
    assert "- TRL cuts." in text and "all 2 pass" in text and "`score>=4`" in text
    assert "| `busy_parent` | 2 | 100% |" in text and "## Emotion" not in text
    assert text == card(
        CardFacts("Retirement", facts(left_out_rehearsal=3, remarks=("TRL cuts.",)), "out.manifest.json")
    )


def test_a_card_says_of_a_selection_and_of_a_view_that_they_are_no_filter() -> None:
    def scope(**changes: Any) -> str:
        return card(CardFacts("T", facts(**changes), "m.json")).split("\n\n")[3]

    assert scope(filter_text="", filter_data={}) == "All approved conversations."
    assert scope(filter_text="", filter_data={"selected": 1200}) == "A selection of 1,200."
    assert scope(filter_text="score>=4", filter_data={"selected": 2}) == "A selection of 2, out of `score>=4`."
    assert scope(filter_text="score>=4", filter_data={"view": "Mine"}) == "The view `Mine`. Filter: `score>=4`."


def test_a_title_and_a_filter_of_markdown_stay_what_they_are() -> None:
    made = card(CardFacts('a "b"\n# c', facts(filter_text="`x` | y"), "m.json"))
    assert 'pretty_name: "a \\"b\\"\\u000a# c"' in made and '# a "b" \\# c\n' in made and "`` `x` | y ``" in made
    assert escaped("<b>*x*</b>") == "\\<b\\>\\*x\\*\\</b\\>" and code("plain") == "`plain`"


def test_sizes_are_those_of_the_hub() -> None:
    assert [size_category(rows) for rows in (999, 1_000, 9_999, 1_000_000, 10**12)] == [
        "n<1K", "1K<n<10K", "1K<n<10K", "1M<n<10M", "n>1B"
    ]  # fmt: skip
