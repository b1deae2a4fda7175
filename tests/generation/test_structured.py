"""JSON is asked for in words where it has to be, and read tolerantly without hiding what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.generation.client import ModelCall
from traintui.generation.exchanges import OUTPUT_SCHEMA, turns_of
from traintui.generation.structured import InvalidReply, in_words, read_json

SAID: dict[str, Any] = {
    "exchanges": [
        {"user": "Hi, what's “the fee”?", "assistant": 'It is $5.\n\nYou can ask: "why"?'},
        {"user": "Ok {really}", "assistant": "Yes, [truly], 5 % of it."},
    ]
}
WRITTEN = json.dumps(SAID)


def test_a_whole_reply_is_taken_as_it_is() -> None:
    reading = read_json(WRITTEN)
    assert (reading.value, reading.how, reading.noted) == (SAID, "whole", {})


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{WRITTEN}\n```",
        f"\n```\n{WRITTEN}\n```\n",
        f"Here is the conversation:\n\n```json\n{WRITTEN}\n```\nI hope that it helps.",
        f"Here is {WRITTEN} and that is all.",
        f"<think>The user wants {{json}}.</think>\n{WRITTEN}",
        f"```json\n{WRITTEN}",
    ],
)
def test_a_fence_prose_and_thoughts_around_it_are_left_out(text: str) -> None:
    reading = read_json(text)
    assert (reading.value, reading.how, reading.noted) == (SAID, "unwrapped", {"read": "unwrapped"})


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN.replace('"}]', '",}],'),
        WRITTEN.replace("}, {", "} {"),
        WRITTEN.replace("\\n", "\n"),
        WRITTEN.replace('\\"', '"'),
        WRITTEN[:-1],
        WRITTEN[:-2],
        WRITTEN.replace('"exchanges":', '// as you asked\n"exchanges":'),
        str(SAID),
        f'Sure!\n```json\n{WRITTEN.replace("}, {", "} {")}\n```\nI hope this "helps".',
    ],
)
def test_slight_mistakes_are_mended_and_marked(text: str) -> None:
    reading = read_json(text)
    assert (reading.value, reading.how) == (SAID, "repaired")
    assert reading.noted["read"] == "repaired" and reading.noted["repairs"] > 0


@pytest.mark.parametrize("fence", ["", "```json\n"])
def test_a_reply_that_stops_anywhere_in_its_text_is_not_passed_off_as_whole(fence: str) -> None:
    for cut in range(len('"}]}'), len(WRITTEN)):
        with pytest.raises(InvalidReply):
            turns_of(read_json(fence + WRITTEN[:-cut]).value, exchanges=2)


@pytest.mark.parametrize(
    "text", ["", "I cannot do that.", "{hello there}", "{", "{" + "[" * 5_000, '{"a": "\\ud800"}', "```json\n```"]
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidReply, match=r"^The reply is not JSON"):
        read_json(text)


def test_what_would_take_for_ever_to_mend_is_given_up_within_seconds() -> None:
    began = time.thread_time()
    with pytest.raises(InvalidReply):
        read_json('{"exchanges": ["' + '"a"{' * 20_000)
    with pytest.raises(InvalidReply):
        read_json('{"exchanges": ["' + '"a"{' * 20_000 + '"x"]}')
    assert time.thread_time() - began < 8 and sys.getprofile() is None


@given(text=st.text(max_size=80) | st.from_regex(r"\{.{0,60}\}", fullmatch=True))
def test_any_text_is_read_or_refused_in_one_sentence(text: str) -> None:
    try:
        read_json(text)
    except InvalidReply as invalid:
        assert invalid.reason.endswith(".")


def test_a_call_without_structured_output_asks_in_its_system_prompt() -> None:
    call = ModelCall("m", "You write.", "About fees.", OUTPUT_SCHEMA, 4096, "low")
    payload = in_words(call).payload()
    system = payload["system"][0]["text"]
    assert system.startswith("You write.\n\n") and json.dumps(OUTPUT_SCHEMA) in system
    assert payload["output_config"] == {"effort": "low"} and payload["messages"] == call.payload()["messages"]
    assert in_words(in_words(call)) == in_words(call)


def test_the_app_does_not_load_what_mends() -> None:
    code = "import sys, traintui.app, traintui.generation.preview; sys.exit('json_repair' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
