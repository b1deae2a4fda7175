"""Every line of a conversation can be reached, at any width, and only what is in view is wrapped."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from textual._cells import cell_len

from traintui.data.records import Turn
from traintui.widgets.transcript_layout import EAGER, LONGEST, SYSTEM, Layout, blocks_of, inline

WORDS = st.text(st.sampled_from("ab *_`[]()#-1.>\n\t日本é\u202e\x1b"), max_size=400)


def turns_of(*contents: str) -> list[Turn]:
    return [Turn(n, "user" if n % 2 else "assistant", content) for n, content in enumerate(contents, 1)]


def lines_of(layout: Layout) -> list[str]:
    found = (layout.line(number) for number in range(layout.height))
    return [line.plain for block, line in filter(None, found) if block.kind not in {"head", "gap"}]


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers(12, 120))
def test_no_line_is_wider_than_the_view_and_none_is_missing(contents: list[str], width: int) -> None:
    layout = Layout(list(blocks_of(turns_of(*contents), None)), width)
    for number in range(layout.height):
        found = layout.line(number)
        assert found is not None
        assert cell_len(found[1].plain) <= width
        assert "\x1b" not in found[1].plain
    assert layout.line(layout.height) is None
    tops = [layout.turn_top(turn) for turn in range(len(contents))]
    assert tops == sorted(tops)


@given(WORDS)
def test_inline_marks_never_lose_a_letter(stored: str) -> None:
    plain = inline(stored).plain
    for letter in "ab日é":
        assert plain.count(letter) == stored.count(letter)


def test_light_markdown_becomes_styles() -> None:
    content = inline("a **bold** and *it* and `x = 1` and [here](https://example.org)")
    assert content.plain == "a bold and it and x = 1 and here (https://example.org)"
    styled = {content.plain[span.start : span.end]: span.style for span in content.spans}
    assert styled == {
        "bold": "bold", "it": "italic", "x = 1": "$code", "here": "underline", " (https://example.org)": "$muted",
    }  # fmt: skip


def test_what_is_no_emphasis_stays() -> None:
    for plain in ("2 * 3 * 4", "snake_case_name", "** not bold **", "[b]markup[/b]", "[@click=app.quit]x[/]"):
        assert inline(plain).plain == plain
        assert not inline(plain).spans


def test_blocks_are_told_apart() -> None:
    layout = Layout(
        list(blocks_of(turns_of("# Title\n- one\n2. two\n> said\n```\n# code\n```\nend", "answer"), "Be brief.")), 40
    )
    lines = [line.rstrip() for line in lines_of(layout)]
    assert lines == ["Be brief.", "Title", "• one", "2. two", "│ said", "```", "# code", "```", "end", "answer"]
    assert layout.turn_top(SYSTEM) == 0


def test_a_list_item_hangs_below_its_text() -> None:
    layout = Layout(list(blocks_of(turns_of("- one two three four five"), None)), 14)
    assert [line.rstrip() for line in lines_of(layout)] == ["• one two", "  three four", "  five"]


def test_a_very_long_line_is_cut_into_blocks() -> None:
    blocks = [block for block in blocks_of(turns_of("word " * 5_000), None) if block.kind == "text"]
    assert len(blocks) > 2
    assert all(len(block.raw) <= LONGEST for block in blocks)
    assert "".join(block.raw for block in blocks) == "word " * 5_000


def long_conversation() -> list[Turn]:
    paragraph = "This is a paragraph of some **length**, as a model writes them when it is asked about much. " * 5
    return turns_of(*(["\n\n".join([paragraph] * 11)] * 200))


def test_a_megabyte_is_laid_out_lazily_and_fast() -> None:
    turns = long_conversation()
    assert sum(len(turn.content) for turn in turns) > 1_000_000
    begin = time.thread_time()
    layout = Layout(list(blocks_of(turns, None)), 90)
    layout.settle(0, 50)
    assert time.thread_time() - begin < 0.5
    assert sum(len(turn.content) for turn in turns) > EAGER


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 15_000), st.integers(20, 110))
def test_what_is_at_the_upper_edge_stays_there(top: int, width: int) -> None:
    layout = Layout(list(blocks_of(long_conversation()[:20], None)), width)
    top = min(top, layout.height - 1)
    block = layout.block_at(top)
    after = layout.turn_end(layout.blocks[block].turn)
    shift = layout.settle(top, 40)
    assert layout.block_at(max(0, top + shift)) <= block + 1
    assert layout.turn_end(layout.blocks[block].turn) - after >= shift or shift <= 0
    for number in range(top + shift, min(layout.height, top + shift + 40)):
        assert layout.line(number) is not None


def numbers_of_rules(layout: Layout) -> list[int]:
    found = (layout.line(number) for number in range(layout.height))
    return [number for number, line in enumerate(found) if line is not None and line[0].kind == "rule"]


def test_a_line_is_drawn_below_the_text_that_it_is_about_and_above_a_turn_for_its_beginning() -> None:
    layout = Layout(list(blocks_of(turns_of("- one two three four five", "An answer."), None)), 14)
    before = [line.rstrip() for line in lines_of(layout)]
    layout.rule({0: 12, 1: 0})  # "three" begins at 10
    assert [line.rstrip() for line in lines_of(layout)] == ["• one two", "  three four", "", "  five", "", "An answer."]
    assert numbers_of_rules(layout) == [layout.rule_top(0), layout.rule_top(1)]
    assert layout.rule_top(1) == layout.turn_top(1) and layout.turn_end(0) == layout.turn_top(1)
    layout.rule({})
    assert [line.rstrip() for line in lines_of(layout)] == before and layout.rule_top(0) is None


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(12, 60), st.data())
def test_lines_that_are_drawn_take_nothing_of_the_text(contents: list[str], width: int, data: st.DataObject) -> None:
    layout = Layout(list(blocks_of(turns_of(*contents), None)), width)
    before, height = lines_of(layout), layout.height
    found = layout.find(re.compile("a"))
    below = [layout.line(layout.line_of(match)) for match in found]
    stops = {turn: data.draw(st.integers(0, len(content))) for turn, content in enumerate(contents)}
    layout.rule(stops)
    rules = numbers_of_rules(layout)
    assert len(rules) == len(contents) and layout.height == height + len(rules)
    kept = [line for number, line in enumerate(all_lines(layout)) if number not in rules]
    layout.rule({})
    assert kept == all_lines(layout) and lines_of(layout) == before
    layout.rule(stops)
    assert [layout.line(layout.line_of(match)) for match in found] == below


def all_lines(layout: Layout) -> list[str]:
    found = (layout.line(number) for number in range(layout.height))
    return [line.plain for _, line in filter(None, found)]


def test_a_character_of_a_turn_is_found_in_what_is_drawn_of_it() -> None:
    content = "First.\n\n- **bold** word\n" + "word " * 4_000 + "end"
    layout = Layout(list(blocks_of(turns_of(content), None)), 60)
    for wanted in ("First", " word\n", "end"):
        index, place = layout.place_in(0, content.index(wanted))
        assert layout.blocks[index].content.plain[place:].startswith(wanted.strip("\n"))
