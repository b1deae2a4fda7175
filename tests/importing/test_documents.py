from __future__ import annotations

import hashlib
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.errors import TraintuiError
from traintui.importing.chunks import MAX_TOKENS, OVERLAP_TOKENS, TINY_TOKENS, chunks_of, estimate_tokens
from traintui.importing.documents import MAX_DOCUMENT_BYTES, read_document
from traintui.importing.recognise import kind_of

SENTENCE = "The harbour office opens at nine and closes when the last boat is in. "

word = st.text("abcdefghij", min_size=1, max_size=9)
paragraph = st.lists(word, min_size=1, max_size=90).map(" ".join)
heading = st.tuples(st.integers(1, 4), word).map(lambda given: "#" * given[0] + " " + given[1])
fence = st.lists(word, min_size=1, max_size=60).map(lambda rows: "```\n" + "\n".join(rows) + "\n```")
table = st.lists(word, min_size=1, max_size=60).map(
    lambda rows: "\n".join(["| a | b |", "|---|---|", *(f"| {row} | x |" for row in rows)])
)
bullets = st.lists(word, min_size=1, max_size=40).map(lambda rows: "\n".join(f"- {row}" for row in rows))
block = st.one_of(paragraph, heading, fence, table, bullets)


def write(folder: Path, content: str | bytes, name: str = "note.md") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path) -> TraintuiError:
    with pytest.raises(TraintuiError) as caught:
        read_document(path)
    assert caught.value.remedy
    return caught.value


def test_a_document_has_a_slug_a_title_and_a_digest_of_its_content(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "Preface.\n\n# The *fine* `print`\n\nText.\n", "Été 2026_Final (2).md"))
    assert document.name == "ete-2026-final-2"
    assert document.title == "The fine print"
    assert document.media_type == "text/markdown"
    assert document.sha256 == hashlib.sha256(document.content.encode()).digest()


def test_a_document_without_a_heading_is_titled_by_its_file_name(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "# not a heading in plain text\n", "opening hours.TXT"))
    assert (document.title, document.media_type) == ("opening hours", "text/plain")


def test_a_name_of_signs_only_still_has_a_slug(tmp_path: Path) -> None:
    assert read_document(write(tmp_path, "x", "___.md")).name == "document"
    assert read_document(write(tmp_path, "x", "手册.md")).name == "手册"


def test_line_ends_are_made_lf_and_the_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, b"\xef\xbb\xbf# One\r\n\r\ntwo\rthree\r\n"))
    assert document.content == "# One\n\ntwo\nthree\n"
    assert document.title == "One"


def test_what_cannot_be_read_as_a_document_is_said(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.md").title == "File not found"
    assert refusal(tmp_path / "nul\0.md").title == "File not found"
    assert "directory" in refusal(tmp_path).message
    assert refusal(write(tmp_path, b"")).title == "Empty file"
    assert refusal(write(tmp_path, b"\xef\xbb\xbf \r\n\t")).title == "Empty file"
    assert refusal(write(tmp_path, "\u3000\n")).title == "Empty file"
    assert refusal(Path("/dev/null")).message == "/dev/null is not a regular file."


def test_bytes_that_are_not_utf8_are_named_by_line_and_offset(tmp_path: Path) -> None:
    assert "line 3, byte 11." in refusal(write(tmp_path, b"one\ntwo\r\nth\xffree")).message


def test_a_nul_byte_is_named_by_its_line(tmp_path: Path) -> None:
    assert "line 2" in refusal(write(tmp_path, b"one\r\ntw\0o\n")).message


def test_a_document_over_the_limit_is_refused_whole(tmp_path: Path) -> None:
    assert "20 MB" in refusal(write(tmp_path, b"a" * (MAX_DOCUMENT_BYTES + 1))).message


def test_an_unreadable_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "text")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # as root every file is readable
    assert "Permission denied" in refusal(path).message


def test_a_file_name_cannot_bring_control_characters_into_a_message(tmp_path: Path) -> None:
    assert "\x1b" not in refusal(tmp_path / "\x1b[2J\udcff.md").message


def test_headings_make_a_path_without_the_title_of_the_document() -> None:
    body = SENTENCE * 5
    chunks = chunks_of(f"# Handbook\n\n{body}\n\n## Fees\n\n{body}\n\n### Overdraft\n\n{body}\n\n## Cards\n\n{body}\n")
    assert [chunk.heading for chunk in chunks] == ["Handbook", "Fees", "Fees > Overdraft", "Cards"]
    assert [chunk.ordinal for chunk in chunks] == [1, 2, 3, 4]


def test_several_top_headings_are_parts_of_the_path() -> None:
    body = SENTENCE * 5
    chunks = chunks_of(f"# Fees\n\n{body}\n\n## Overdraft\n\n{body}\n\n# Cards\n\n{body}\n")
    assert [chunk.heading for chunk in chunks] == ["Fees", "Fees > Overdraft", "Cards"]


def test_a_tiny_section_goes_with_the_following_one() -> None:
    chunks = chunks_of(f"# Title\n\n## Tiny\n\nShort.\n\n## Long\n\n{SENTENCE * 6}\n")
    assert len(chunks) == 1
    assert chunks[0].heading == "Long"
    assert "## Tiny\n\nShort.\n\n## Long" in chunks[0].content


def test_a_tiny_last_section_goes_with_the_one_before() -> None:
    chunks = chunks_of(f"## Long\n\n{SENTENCE * 6}\n\n## End\n\nBye.\n")
    assert len(chunks) == 1
    assert chunks[0].content.endswith("## End\n\nBye.")


def test_consecutive_chunks_of_a_section_overlap_by_about_a_paragraph() -> None:
    paragraphs = [f"Paragraph {number}. " + (SENTENCE * 3).strip() for number in range(20)]
    chunks = chunks_of("# Long\n\n" + "\n\n".join(paragraphs))
    assert len(chunks) > 3
    for before, after in itertools.pairwise(chunks):
        first = after.content.split("\n\n")[0]
        assert before.content.endswith(first)
        assert estimate_tokens(first) <= OVERLAP_TOKENS


def test_the_end_of_a_long_paragraph_is_carried_over_by_sentences() -> None:
    long = (SENTENCE * 15).strip()
    first, second = chunks_of(f"{long}\n\nNext. {long}")[:2]
    assert first.content == long
    assert second.content.startswith(SENTENCE)
    assert "Next." in second.content


def test_chunks_are_near_the_target() -> None:
    chunks = chunks_of("\n\n".join([(SENTENCE * 4).strip()] * 40))
    assert all(250 <= chunk.token_estimate <= MAX_TOKENS for chunk in chunks[:-1])


def test_a_table_over_the_maximum_is_cut_by_rows_and_keeps_its_head() -> None:
    rows = [f"| row {number} | {'x' * 30} |" for number in range(120)]
    chunks = chunks_of("\n".join(["| name | value |", "|---|---|", *rows]))
    assert len(chunks) > 1
    assert all(chunk.content.startswith("| name | value |\n|---|---|\n| row") for chunk in chunks)
    assert [line for chunk in chunks for line in chunk.content.split("\n") if "row" in line] == rows


def test_code_in_a_list_that_must_be_cut_stays_whole() -> None:
    code = "  ```\n" + "\n".join(f"  line {number}" for number in range(30)) + "\n  ```"
    items = "\n".join(f"- {SENTENCE * 4}" for _ in range(10))
    chunks = chunks_of(f"{items}\n- see\n\n{code}\n{items}")
    assert len(chunks) > 3
    assert any(code.strip() in chunk.content for chunk in chunks)


def test_front_matter_is_text_and_no_heading(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "---\ntitle: x\ntags: [a]\n---\n\n# Real\n\nBody.\n"))
    assert document.title == "Real"
    assert "tags: [a]" in document.chunks[0].content


def test_link_targets_that_markdown_does_not_show_are_kept() -> None:
    assert (
        "[hours]: https://example.org/hours"
        in chunks_of("See [hours].\n\n[hours]: https://example.org/hours\n")[0].content
    )


def test_a_word_longer_than_any_chunk_is_cut_and_nothing_lost() -> None:
    chunks = chunks_of("x" * 10_000)
    assert "".join(chunk.content for chunk in chunks) == "x" * 10_000


@settings(deadline=None)
@given(st.lists(block, max_size=40))
def test_every_block_stands_whole_in_some_chunk_and_no_chunk_is_too_long(blocks: list[str]) -> None:
    chunks = chunks_of("\n\n".join(blocks))
    for text in blocks:
        if estimate_tokens(text) <= MAX_TOKENS:
            assert any(text in chunk.content for chunk in chunks), text
    assert all(0 < chunk.token_estimate <= MAX_TOKENS + TINY_TOKENS for chunk in chunks)
    assert chunks == chunks_of("\n\n".join(blocks))


@settings(deadline=None)
@given(st.lists(st.lists(paragraph, min_size=1, max_size=12).map(". ".join), max_size=12))
def test_every_word_of_a_long_text_is_in_some_chunk(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    said = {found for chunk in chunks_of(text, "text/plain") for found in chunk.content.split()}
    assert set(text.split()) <= said


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="。！？"), max_size=3000))  # noqa: RUF001
def test_any_text_keeps_its_lines(text: str) -> None:
    text = text.replace("\r", "\n").replace("\0", "")
    chunks = chunks_of(text)
    for line in text.split("\n"):
        for found in line.split():
            assert any(found in chunk.content for chunk in chunks)


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.md", "a.txt"]))
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            document = read_document(write(Path(folder), data, name))
        except TraintuiError:
            return
        assert document.chunks and document.name and document.title


def test_the_kind_of_a_file_is_told_by_its_suffix() -> None:
    assert [kind_of(Path(f"a.{suffix}")) for suffix in ("md", "markdown", "TXT", "jsonl")] == [
        *["document"] * 3,
        "conversations",
    ]
    with pytest.raises(TraintuiError) as caught:
        kind_of(Path("a.pdf"))
    assert ".markdown" in caught.value.remedy and ".jsonl" in caught.value.remedy
