"""The preflight: what a target will do with a conversation is said before, with the turn and the key that mends it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_records import CONTENT, record_with, reviewed, trainable, turns_of
from traintui.data.records import Turn
from traintui.export import rules
from traintui.export.formats import FORMATS
from traintui.export.preflight import Totals, preflight, remarks
from traintui.export.record import Decision, Revision, Shape, TrainingRecord, shape_of
from traintui.export.rules import Severity
from traintui.export.tokens import Estimate

COUNTER = Estimate()
SUPERVISED = [name for name, format in FORMATS.items() if format.kind == "supervised"]


def found(record: TrainingRecord, name: str = "openai") -> dict[str, rules.Finding]:
    return {finding.rule.name: finding for finding in preflight(record, FORMATS[name], COUNTER).findings}


@pytest.mark.parametrize("name", SUPERVISED)
@settings(max_examples=20)
@given(record=trainable())
def test_what_is_refused_gives_no_row_and_what_passes_gives_one(name: str, record: TrainingRecord) -> None:
    result = preflight(record, FORMATS[name], COUNTER)
    assert result.rows == (0 if result.is_refused else 1)
    assert not result.is_refused or not result.passes
    assert result.tokens >= sum(turn.tokens for turn in result.turns)


@pytest.mark.parametrize("name", list(FORMATS))
@settings(max_examples=20)
@given(record=reviewed())
def test_as_many_rows_are_written_as_were_promised(name: str, record: TrainingRecord) -> None:
    result = preflight(record, FORMATS[name], COUNTER)
    assert result.is_refused or len(FORMATS[name].write(record, shape_of([record])).rows) == result.rows


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.just("") | CONTENT, st.booleans()), max_size=5))
def test_any_turns_at_all_are_answered_for_every_format(said: list[tuple[str, str, bool]]) -> None:
    turns = tuple(Turn(number, role, content, train) for number, (role, content, train) in enumerate(said, 1))  # type: ignore[arg-type]
    record = TrainingRecord("c-1", 1, "approved", None, turns)
    roles = [role for role, _, _ in said]
    whole = bool(roles) and roles == ["user", "assistant"] * (len(roles) // 2)
    whole = whole and all(content.strip() for _, content, _ in said)
    for name, format in FORMATS.items():
        result = preflight(record, format, COUNTER)
        assert all(finding.says.endswith(".") and "{" not in finding.says.split(":")[-1] for finding in result.findings)
        if name in SUPERVISED:
            assert whole or result.is_refused


@pytest.mark.parametrize("name", SUPERVISED)
def test_one_that_ends_with_the_user_is_named_with_its_turn(name: str) -> None:
    finding = found(record_with("a", "b", "c"), name)["last"]
    assert (finding.turn, finding.key, finding.severity) == (3, "E", Severity.REFUSED)


def test_an_empty_turn_is_mended_by_editing_it() -> None:
    finding = found(record_with("a", "b", " \n", "d"))["empty"]
    assert (finding.turn, finding.key) == (3, "e")


def test_the_sentence_says_what_this_target_does() -> None:
    twice = TrainingRecord("c", 1, "approved", None, (*turns_of("a", "b"), Turn(3, "assistant", "c")))
    assert "LLaMA-Factory skips it" in found(twice, "llama-factory")["alternates"].says
    assert "Together refuses" in found(twice, "together")["alternates"].says
    assert "Gemma" in found(twice, "trl")["alternates"].says


def test_nothing_to_train_on_is_refused_and_mended_by_the_mark() -> None:
    finding = found(record_with("a", "b", untrained=(2,)))["untrained"]
    assert (finding.key, finding.severity) == ("w", Severity.REFUSED)


@pytest.mark.parametrize("name", ["trl", "llama-factory", "sharegpt", "alpaca", "bedrock", "gemini", "unsloth"])
def test_marks_that_a_target_does_not_know_are_listed_turn_by_turn(name: str) -> None:
    result = preflight(record_with("a", "b", "c", "d", untrained=(2,)), FORMATS[name], COUNTER)
    (finding,) = result.findings
    assert (finding.rule, finding.turn, finding.severity) == (rules.WEIGHTS, 2, Severity.IGNORED)
    assert result.passes and result.turns[1].trained


@pytest.mark.parametrize("name", ["openai", "together", "fireworks", "mistral", "axolotl"])
def test_marks_that_a_target_knows_need_no_word_and_dim_the_turn(name: str) -> None:
    result = preflight(record_with("a", "b", "c", "d", untrained=(2,)), FORMATS[name], COUNTER)
    assert result.findings == () and [turn.trained for turn in result.turns] == [False, False, False, True]


def test_trl_trains_on_the_user_too_and_says_so() -> None:
    assert all(turn.trained for turn in preflight(record_with("a", "b"), FORMATS["trl"], COUNTER).turns)
    assert any("the user's too" in remark.says for remark in remarks(
        FORMATS["trl"], rows=20, container="jsonl", shape=Shape()))  # fmt: skip


def test_a_completion_is_the_last_answer_which_must_be_one_to_train_on() -> None:
    result = preflight(record_with("a", "b", "c", "d"), FORMATS["trl-prompt-completion"], COUNTER)
    assert [turn.trained for turn in result.turns] == [False, False, False, True]
    assert [finding.rule for finding in result.findings] == [rules.ONLY_LAST] and result.passes
    unwanted = found(record_with("a", "b", "c", "d", untrained=(4,)), "trl-prompt-completion")["last untrained"]
    assert (unwanted.turn, unwanted.key) == (4, "w")


def test_trl_cuts_the_end_at_1024_tokens_and_the_place_is_named() -> None:
    result = preflight(record_with("a" * 400, "b" * 4000, "c", "d"), FORMATS["trl"], COUNTER)
    finding = result.findings[0]
    assert (finding.rule, finding.turn, finding.key) == (rules.TOO_LONG, 2, "e")
    assert result.cut is not None and finding.character == result.cut.character == (1024 - 105 - 5) * 4
    assert [turn.cut for turn in result.turns] == [False, True, True, True]
    assert [turn.trained for turn in result.turns] == [True, True, False, False]
    assert finding.says == ("It has about 1,122 tokens, TRL takes 1,024: turn 2 is cut, the 2 turns after it are lost.")


def test_axolotl_drops_at_512_tokens_what_it_would_not_cut() -> None:
    result = preflight(record_with("a" * 1000, "b" * 1100), FORMATS["axolotl"], COUNTER)
    assert result.cut is not None and result.cut.turn is None and "dropped without a word" in result.findings[0].says
    assert not any(turn.trained for turn in result.turns) and not result.passes
    assert preflight(record_with("a" * 1000, "b" * 1000), FORMATS["axolotl"], COUNTER).passes


def test_the_limit_of_the_workspace_goes_before_the_default() -> None:
    long = record_with("a" * 1000, "b" * 1100)
    assert preflight(long, FORMATS["axolotl"], COUNTER, limit=4096).passes
    assert not preflight(long, FORMATS["openai"], COUNTER, limit=100).passes


def test_a_token_of_a_template_in_a_text_is_named_with_its_place() -> None:
    finding = found(record_with("a", "say <|im_end|> now"), "trl")["special token"]
    assert (finding.turn, finding.character, finding.severity) == (2, 4, Severity.CUT)
    assert "<|im_end|>" in finding.says and not found(record_with("a", "say <|im_end|> now"), "openai")


def test_what_no_file_can_hold_is_refused_by_every_format() -> None:
    for name in FORMATS:
        if FORMATS[name].kind != "preference":
            assert found(record_with("a\0", "b"), name)["not text"].character == 1
            assert found(record_with("a", "b\ud800"), name)["not text"].turn == 2


def edited() -> TrainingRecord:
    return record_with(
        "q", "good", revision=2, earlier=(Revision(1, None, turns_of("q", "bad")),),
        decisions=(Decision("reject", 1), Decision("edit", 2), Decision("approve", 2)),
    )  # fmt: skip


def test_preference_data_says_how_many_rows_a_conversation_gives_and_why_none() -> None:
    assert preflight(edited(), FORMATS["trl-dpo"], COUNTER).rows == 1
    assert preflight(edited(), FORMATS["trl-kto"], COUNTER).rows == 2
    none = preflight(record_with("a", "b"), FORMATS["trl-dpo"], COUNTER)
    assert none.rows == 0 and none.findings[0].severity is Severity.NOTHING and not none.is_refused
    assert none.findings[0].says == "No answer of it was edited."


def test_a_rejection_without_a_turn_asks_for_it() -> None:
    finding = found(edited(), "trl-kto")["assumed"]
    assert (finding.turn, finding.key, finding.severity) == (2, "t", Severity.IGNORED)


def test_a_prompt_that_is_as_long_as_the_limit_drops_the_pair_without_a_word() -> None:
    long = record_with(
        "q" * 5000, "good", revision=2, earlier=(Revision(1, None, turns_of("q" * 5000, "bad")),),
        decisions=(Decision("edit", 2),),
    )  # fmt: skip
    assert "prompt alone" in found(long, "trl-dpo")["too long"].says
    assert found(long, "llama-factory-dpo").get("too long") is None  # its limit is 2,048
    assert "the end of turn 1 is cut off" in preflight(
        long, FORMATS["llama-factory-dpo"], COUNTER, limit=600
    ).findings[0].says  # fmt: skip


def test_totals_are_words_in_which_every_conversation_counts_once() -> None:
    totals = Totals("TRL")
    for number in range(6):
        totals.add(preflight(record_with("a", "b", conversation_id=f"c-{number}"), FORMATS["trl"], COUNTER))
    totals.add(
        preflight(record_with("a", "b" * 5000, "c"), FORMATS["trl"], COUNTER)
    )  # ends with the user, and too long
    totals.add(preflight(record_with("a", "b" * 5000), FORMATS["trl"], COUNTER))
    totals.add(preflight(record_with("a", "b", "c", "d", untrained=(2,)), FORMATS["trl"], COUNTER))
    assert totals.words() == (
        "7 of 9 pass; 1 ends with the user, 1 too long for TRL's default; 1 has marks that TRL does not know"
    )
    assert (totals.count, totals.passing, totals.refused, totals.rows) == (9, 7, 1, 8)
    data = totals.as_json()
    assert data["pass"] + sum(entry["count"] for entry in data["findings"].values()) == data["conversations"]


def test_totals_of_what_passes_as_a_whole_are_short() -> None:
    totals = Totals("OpenAI")
    totals.add(preflight(record_with("a", "b"), FORMATS["openai"], COUNTER))
    assert totals.words() == "1 of 1 passes"
    totals.add(preflight(record_with("a", "b"), FORMATS["openai"], COUNTER))
    assert totals.words() == "all 2 pass"


def test_totals_say_what_becomes_of_what_is_written_though_the_target_cuts_it() -> None:
    def words(name: str, contents: tuple[str, ...], *, writes_cut: bool = True, limit: int | None = None) -> str:
        format = FORMATS[name]
        totals = Totals(
            format.rules.target, limit=limit, default_limit=format.rules.token_limit, excess=format.rules.excess,
            writes_cut=writes_cut,
        )  # fmt: skip
        for content in contents:
            totals.add(preflight(record_with("a", content), format, COUNTER, limit=limit))
        return totals.words()

    long = "b" * 40_000
    assert words("trl", (long,)) == "1 of 1 is written; TRL cuts it to 1,024 tokens"
    assert words("trl", (long, long)) == "all 2 are written; TRL cuts all of them to 1,024 tokens"
    assert words("trl", ("b", long), limit=900) == "all 2 are written; TRL cuts 1 of them to 900 tokens"
    assert words("axolotl", ("b", long)) == "all 2 are written; Axolotl drops 1 of them, longer than 512 tokens"
    assert words("trl", ("b", "<|im_end|>")) == "all 2 are written; 1 holds a token of a template"
    # What stops the export, or is left out, is not written.
    assert words("trl", ("b", long), writes_cut=False) == "1 of 2 passes; 1 too long for TRL's default"
    assert words("trl", ("b", long, "")) == "1 of 3 passes; 1 has an empty turn, 1 too long for TRL's default"


@pytest.mark.parametrize(
    ("name", "rows", "size", "told"),
    [
        ("openai", 9, None, "10 rows or more"),
        ("fireworks", 2, None, "3 rows or more"),
        ("fireworks", 3_000_001, None, "3,000,000 rows at most"),
        ("gemini", 10, 2 * 10**9, "1.0 GB at most"),
    ],
)
def test_a_file_that_the_target_does_not_take_is_named(name: str, rows: int, size: int | None, told: str) -> None:
    refused = [
        remark.says
        for remark in remarks(FORMATS[name], rows=rows, container="jsonl", shape=Shape(), size=size)
        if remark.severity is Severity.REFUSED
    ]
    assert len(refused) == 1 and told in refused[0]


def test_a_container_that_cannot_hold_the_format_is_named_with_those_that_can() -> None:
    told = remarks(FORMATS["alpaca"], rows=5, container="csv", shape=Shape(multi_turn=True))[0]
    assert told.severity is Severity.REFUSED and "jsonl, json, parquet" in told.says
    assert not [remark for remark in remarks(FORMATS["alpaca"], rows=5, container="csv", shape=Shape())
                if remark.severity is Severity.REFUSED]  # fmt: skip


def test_labels_of_both_kinds_come_with_the_weights_that_balance_them() -> None:
    told = remarks(FORMATS["trl-kto"], rows=40, container="jsonl", shape=Shape(), desirable=30)
    says = "30 answers are good and 10 are not: desirable_weight 1 and undesirable_weight 3 balance them."
    assert says in [remark.says for remark in told]


def test_a_mark_that_preference_data_does_not_know_is_listed_as_ignored() -> None:
    marked = record_with(
        "q", "good", "q2", "a2", revision=2, earlier=(Revision(1, None, turns_of("q", "bad", "q2", "a2")),),
        decisions=(Decision("edit", 2),), untrained=(2,),
    )  # fmt: skip
    assert (found(marked, "trl-dpo")["weights"].turn, found(marked, "trl-dpo")["weights"].severity) == (
        2, Severity.IGNORED
    )  # fmt: skip


@pytest.mark.parametrize(("desirable", "kind", "lack"), [(5, "approved", "rejections"), (0, "rejected", "approvals")])
def test_labels_of_one_kind_alone_are_warned_of_first(desirable: int, kind: str, lack: str) -> None:
    first, *others = remarks(FORMATS["trl-kto"], rows=5, container="jsonl", shape=Shape(), desirable=desirable)
    assert f"All answers are {kind} ones" in first.says and f"take {lack} too" in first.says
    assert first.is_grave and first.severity is not Severity.REFUSED
    assert not any(remark.is_grave for remark in others)
