from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from traintui.data.metadata_rules import Rules
from traintui.data.records import ChunkRecord
from traintui.errors import TraintuiError
from traintui.generation.plan import TIERS, Plan
from traintui.generation.plan_rows import listed, read_rows
from traintui.generation.planned import PlannedConversation

VOCABULARY: dict[str, list[str]] = {
    "persona": ["anxious_planner", "busy_parent", "retiree"],
    "emotion": ["worried", "calm"],
    "topic": ["overdraft_fees", "savings"],
    "intent": ["understand", "complain"],
    "tone": ["formal", "warm"],
    "tier": list(TIERS),
}
CHUNKS = [
    ChunkRecord(11, 1, "fees", "Fees", 0, "Accounts", "Accounts cost nothing.", 5),
    ChunkRecord(12, 1, "fees", "Fees", 1, "Accounts > Overdraft", "Overdrafts cost 12.", 5),
    ChunkRecord(13, 1, "fees", "Fees", 2, "Cards", "Cards cost 3.", 5),
    ChunkRecord(21, 2, "terms", "Terms", 0, "", "All is fair.", 5),
]
FULL = "persona,emotion,topic,intent,tone,tier,document,chunk,exchanges"
Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "wanted.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def made(path: Path, **given: Any) -> tuple[PlannedConversation, ...]:
    rows = read_rows(path)
    plan = Plan(**({"name": "x", "strategy": "listed", "count": len(rows.rows), "exchanges": (2, 4)} | given))
    return listed(plan, rows, VOCABULARY, CHUNKS, key_types={"page": "integer", "day": "date"})


def refusal(path: Path) -> str:
    with pytest.raises(TraintuiError) as caught:
        made(path)
    assert caught.value.remedy
    return caught.value.message


def test_each_row_is_a_conversation_in_the_order_of_the_file(written: Written) -> None:
    first, second = made(
        written(
            f'{FULL},Source,page\nretiree,calm,savings,understand,warm,scenario,fees,13,3,"a, b",4\n'
            "busy_parent,worried,overdraft_fees,complain,formal,edge_case,fees,Accounts > Overdraft,1,,\n"
        )
    )
    assert (first.persona, first.emotion, first.topic, first.intent, first.tone, first.tier) == (
        "retiree", "calm", "savings", "understand", "warm", "scenario",
    )  # fmt: skip
    assert (first.chunk_id, first.exchanges, first.metadata) == (13, 3, {"Source": "a, b", "page": 4})
    assert (second.chunk_id, second.exchanges, second.metadata) == (12, 1, {})
    assert first.variation != second.variation


def test_what_a_row_leaves_out_is_drawn_and_the_same_again(written: Written) -> None:
    path = written("persona,document,chunk\n" + "retiree,fees,Accounts\n" * 8)
    items = made(path)
    assert {item.persona for item in items} == {"retiree"}
    assert {item.chunk_id for item in items} == {11, 12}
    assert {item.emotion for item in items} == {"worried", "calm"} and {item.exchanges for item in items} == {2, 3, 4}
    assert made(path) == items


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffPersona;Tone\r\nretiree;warm\r\n\r\n;;\r\nbusy_parent;formal\r\n",
        "sep=;\npersona;tone\nretiree;warm\nbusy_parent;formal",
        "\n\npersona\ttone\nretiree\twarm\n\nbusy_parent\tformal\n",
        '"persona" , "tone"\n"retiree","warm"\n "busy_parent" ,formal\n'.replace(" ", ""),
        "persona,tone\n  retiree , warm\nbusy_parent,formal,,\n",
    ],
)
def test_what_spreadsheets_write_is_read(written: Written, text: str) -> None:
    assert [(item.persona, item.tone) for item in made(written(text))] == [
        ("retiree", "warm"),
        ("busy_parent", "formal"),
    ]


def test_a_cell_may_hold_lines_and_rows_are_counted_as_a_spreadsheet_does(written: Written) -> None:
    text = 'persona,note\nretiree,"one\ntwo"\n\nbusy_parents,x\n'
    assert "row 4, persona: 'busy_parents' is not an active persona, did you mean 'busy_parent'?" in refusal(
        written(text)
    )


def test_a_row_with_too_many_cells_hides_no_other_mistake(written: Written) -> None:
    message = refusal(written(f"{FULL}\nretirees,,,,,,,,\n,,,,,,,,2,9\n,,,,,edgecase,,,\n,,,,,,,,two\n"))
    assert [line.split(":")[0] for line in message.splitlines()[1:]] == [
        "row 2, persona", "row 3", "row 4, tier", "row 5, exchanges",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("retirees,,,,,,,,", "row 2, persona: 'retirees' is not an active persona, did you mean 'retiree'?"),
        ("Busy parent,,,,,,,,", "row 2, persona: 'Busy parent' is not an active persona, did you mean 'busy_parent'?"),
        (",,,,,edgecase,,,", "row 2, tier: 'edgecase' is not an active tier, did you mean 'edge_case'?"),
        (",,,,,,fee,,", "row 2, document: there is no text of a document 'fee', did you mean 'fees'?"),
        (",,,,,,fees,Card,", "row 2, chunk: 'fees' has no heading 'Card', did you mean 'Cards'?"),
        (",,,,,,,99,", "row 2, chunk: there is no chunk 99"),
        (",,,,,,terms,11,", "row 2, chunk: chunk 11 is of 'fees', not of 'terms'."),
        (",,,,,,,Cards,", "row 2, chunk: 'Cards' needs its document"),
        (",,,,,,,,0", "row 2, exchanges: '0' is not a whole number from 1 to 20."),
        (",,,,,,,,two", "row 2, exchanges: 'two' is not a whole number from 1 to 20."),
        (",,,,,,,,2,9", "row 2: there are 10 cells, and the header names 9 columns."),
        (',,,,,,,,"2', "row 2: this is not CSV: unexpected end of data."),
    ],
)
def test_a_mistake_is_answered_with_row_and_column(written: Written, row: str, says: str) -> None:
    assert says in refusal(written(f"{FULL}\n{row}\nretiree,,,,,,,,\n"))


def test_all_mistakes_of_a_file_are_named_up_to_twenty(written: Written) -> None:
    message = refusal(written("tone,exchanges\nloud,3\nwarm,99\n" + "shrill,2\n" * 30))
    assert message.count("\nrow ") == 20 and message.endswith("and 12 more")
    assert message.splitlines()[1:3] == [
        "row 2, tone: 'loud' is not an active tone.",
        "row 3, exchanges: '99' is not a whole number from 1 to 20.",
    ]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("emotoin,tone", "row 1, emotoin: this is no column of a plan, did you mean 'emotion'?"),
        ("tone,tone", "row 1, tone: there are 2 columns of this name."),
        ("tone,,x", "row 1: a column has no name."),
        ("tone,my note", "row 1, my note: a key cannot hold a blank"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(written: Written, header: str, says: str) -> None:
    assert says in refusal(written(f"{header}\nwarm,warm,warm\n"))


def test_a_key_that_reads_like_a_column_is_metadata_when_it_says_so(written: Written) -> None:
    (item,) = made(written("meta.tones,meta.tone,page\nhigh,deep,7\n"))
    assert item.metadata == {"tones": "high", "tone": "deep", "page": 7}


def test_metadata_has_the_type_of_its_registered_key(written: Written) -> None:
    assert 'row 2, page: "four" is not a whole number.' in refusal(written("tone,page\nwarm,four\n"))


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "is empty"), ("\n \n", "is empty"), ("tone,persona\n\n,\n", "has a header and no rows")],
)
def test_a_file_without_rows_says_so(written: Written, text: str, says: str) -> None:
    assert says in refusal(written(text))


def test_a_file_that_is_no_text_says_so(written: Written, tmp_path: Path) -> None:
    assert "not UTF-8" in refusal(written("tone,note\nwarm,Gebühr\n", "latin-1"))
    with pytest.raises(TraintuiError, match="cannot be read"):
        read_rows(tmp_path / "nowhere.csv")


def test_a_hundred_thousand_rows_are_read_in_seconds_and_one_more_is_too_many(written: Written) -> None:
    text = "persona,tone,document,note\n" + "retiree,warm,fees,x\n" * 100_000
    assert len(made(written(text))) == 100_000
    assert "more than 100,000 rows" in refusal(written(text + "retiree,warm,fees,x\n"))


def test_metadata_of_rows_that_does_not_fit_the_schema_is_said_with_its_row(written: Written) -> None:
    rows = read_rows(written("tone,source\nwarm,web\nwarm,webb\nwarm,\n"))
    wanted = Rules(1, {"properties": {"source": {"enum": ["web", "book"]}}, "required": ["source"]})
    plan = Plan(name="x", strategy="listed", count=len(rows.rows), exchanges=(2, 4))
    with pytest.raises(TraintuiError) as caught:
        listed(plan, rows, VOCABULARY, CHUNKS, rules=wanted)
    said = caught.value.message
    assert 'row 3: meta.source: "webb" is not one of web, book.' in said and "row 4: meta.source is missing." in said
    assert "row 2" not in said
