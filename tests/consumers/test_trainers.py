"""Chat templates of `transformers`, the validator of `mistral-common` and Together's check take what is written, and
refuse what the preflight says that they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mistral_common.exceptions import MistralCommonException
from mistral_common.protocol.instruct.messages import FinetuningAssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.validator import MistralRequestValidator, ValidationMode
from together.lib.utils.files import check_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from consumers.exported import full_one, plain_one, reviewed_one, rows, written
from training_records import record_with
from traintui.export.formats import FORMATS
from traintui.export.preflight import preflight
from traintui.export.record import Shape, TrainingRecord
from traintui.export.rules import SPECIAL_TOKENS
from traintui.export.tokens import Estimate, counter_of

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
)
ALTERNATING = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ message['role'] }}\n{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}"
)
"""As Gemma's does: no system prompt, strict alternation."""


def tokenizer(template: str) -> Any:
    model = Tokenizer(WordLevel({"[UNK]": 0, "Question": 1}, unk_token="[UNK]"))  # noqa: S106
    model.pre_tokenizer = Whitespace()
    made = PreTrainedTokenizerFast(tokenizer_object=model, unk_token="[UNK]")  # noqa: S106
    made.chat_template = template
    return made


MESSAGES = ["openai", "trl", "axolotl", "together", "fireworks", "mistral", "unsloth"]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_chat_template_shows_every_turn_once_and_in_order(name: str) -> None:
    for row in rows(name, [plain_one(), full_one()]):
        shown = tokenizer(CHATML).apply_chat_template(row["messages"], tokenize=False)
        wanted = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in row["messages"])  # type: ignore[attr-defined]
        assert shown == wanted
        assert tokenizer(CHATML).apply_chat_template(row["messages"], tokenize=True)


@pytest.mark.parametrize(("name", "keys"), [
    ("trl-prompt-completion", ("prompt", "completion")), ("trl-dpo", ("prompt", "chosen")),
    ("trl-dpo", ("prompt", "rejected")), ("trl-kto", ("prompt", "completion")),
])  # fmt: skip
def test_a_prompt_and_its_answer_go_through_a_template_that_wants_alternation(name: str, keys: tuple[str, str]) -> None:
    for row in rows(name, [reviewed_one()]):
        messages = [*row[keys[0]], *row[keys[1]]]  # type: ignore[misc]
        whole = tokenizer(ALTERNATING).apply_chat_template(messages, tokenize=False)
        prompt = tokenizer(ALTERNATING).apply_chat_template(row[keys[0]], tokenize=False)
        assert whole.startswith(prompt) and len(whole) > len(prompt)


def test_a_template_that_wants_alternation_refuses_what_the_preflight_says_it_refuses() -> None:
    broken = record_with("a", "b", "c")
    twice = TrainingRecord("c", 1, "approved", None, broken.turns[:2] + broken.turns[1:2])
    assert {f.rule.name for f in preflight(twice, FORMATS["trl"], Estimate()).findings} >= {"alternates"}
    with pytest.raises(Exception, match="alternate"):
        tokenizer(ALTERNATING).apply_chat_template(rows("trl", [twice])[0]["messages"], tokenize=False)
    with pytest.raises(Exception, match="System role"):
        tokenizer(ALTERNATING).apply_chat_template(rows("trl", [full_one()])[0]["messages"], tokenize=False)


def test_a_token_of_a_template_inside_of_a_text_is_read_as_the_end_of_the_turn() -> None:
    made = tokenizer(CHATML)
    made.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    assert "<|im_end|>" in SPECIAL_TOKENS
    ends = [made.convert_tokens_to_ids("<|im_end|>")]
    assert made.encode("so <|im_end|> it goes", add_special_tokens=False).count(ends[0]) == 1


def test_a_tokenizer_on_disk_counts_what_transformers_counts(tmp_path: Path) -> None:
    tokenizer(CHATML).save_pretrained(tmp_path)
    counter = counter_of(tmp_path)
    text = "Question one, and another; Question."
    ids = tokenizer(CHATML).encode(text, add_special_tokens=False)
    assert not counter.is_estimate and counter.count(text) == len(ids)
    assert text[: counter.character_at(text, 2)] == "Question one"
    assert counter.character_at(text, 10**6) == len(text) and counter.character_at(text, 0) == 0


def mistral(row: dict[str, Any]) -> None:
    kinds = {"system": SystemMessage, "user": UserMessage, "assistant": FinetuningAssistantMessage}
    messages = [kinds[message["role"]](**message) for message in row["messages"]]
    MistralRequestValidator(ValidationMode.finetuning).validate_messages(messages)


def test_mistral_takes_what_is_written_for_it_with_weights_and_without() -> None:
    for record in (plain_one(), full_one()):
        for shape in (Shape(), Shape(weighted=True)):
            (row,) = rows("mistral", [record], shape)
            mistral(row)


def test_mistral_refuses_what_the_preflight_says_it_refuses() -> None:
    for record in (record_with("a", "b", "c"), record_with("a", "")):
        assert preflight(record, FORMATS["mistral"], Estimate()).is_refused
        with pytest.raises(MistralCommonException):
            mistral(rows("mistral", [record])[0])


@pytest.mark.parametrize("name", ["together", "openai", "fireworks", "trl", "openai-dpo"])
def test_together_takes_what_is_written(name: str, tmp_path: Path) -> None:
    records = [plain_one(1), reviewed_one(2), reviewed_one(3, "Be kind.")]
    report = check_file(written(name, records if name == "openai-dpo" else [*records, full_one()], tmp_path))
    assert report["is_check_passed"], report


def test_together_takes_weights_in_every_row_or_in_none(tmp_path: Path) -> None:
    for shape in (Shape(), Shape(weighted=True)):
        assert check_file(written("together", [plain_one(1), full_one(2)], tmp_path, shape=shape))["is_check_passed"]


def test_together_refuses_what_the_preflight_says_it_refuses(tmp_path: Path) -> None:
    turns = record_with("a", "b", "c", "d").turns
    for broken in (turns[:2] + turns[1:2], turns[:1]):
        record = TrainingRecord("c", 1, "approved", None, broken)
        assert preflight(record, FORMATS["together"], Estimate()).is_refused
        assert not check_file(written("together", [record], tmp_path))["is_check_passed"]


def test_together_refuses_keys_that_are_none_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "extra.jsonl"
    path.write_text(json.dumps({**rows("together", [plain_one()])[0], "conversation_id": "c-1"}) + "\n")
    assert not check_file(path)["is_check_passed"]
