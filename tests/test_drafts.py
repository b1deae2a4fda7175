"""What was typed and not saved stays, for whoever typed it."""

from __future__ import annotations

from pathlib import Path

from traintui.drafts import MOST, Draft, Drafts

ONE = Draft("typed", "stored")


def test_a_draft_outlives_the_app(tmp_path: Path) -> None:
    path = tmp_path / "new" / "drafts.json"
    drafts = Drafts(path)
    drafts.keep("cnv_a", "turn 1", ONE)
    drafts.keep("cnv_a", "the system prompt", Draft("sign \x1b \u202e", ""))
    drafts.write()
    again = Drafts(path)
    assert again.get("cnv_a", "turn 1") == ONE
    assert again.of("cnv_a") == ("the system prompt", "turn 1")
    assert again.get("cnv_b", "turn 1") is None
    assert path.stat().st_mode & 0o077 == 0
    again.drop("cnv_a", "turn 1")
    again.write()
    assert Drafts(path).of("cnv_a") == ("the system prompt",)


def test_the_oldest_draft_goes_first(tmp_path: Path) -> None:
    drafts = Drafts()
    for number in range(MOST + 1):
        drafts.keep(f"cnv_{number}", "turn 1", ONE)
    assert drafts.get("cnv_0", "turn 1") is None
    assert drafts.get(f"cnv_{MOST}", "turn 1") == ONE


def test_a_file_that_cannot_be_read_or_written_stops_nobody(tmp_path: Path) -> None:
    broken = tmp_path / "drafts.json"
    for content in ("", "[1]", '{"cnv_a/turn 1": {"text": 1}}', "\x00"):
        broken.write_text(content)
        assert Drafts(broken).get("cnv_a", "turn 1") is None
    drafts = Drafts(broken / "below a file")
    drafts.keep("cnv_a", "turn 1", ONE)
    drafts.write()
    assert drafts.get("cnv_a", "turn 1") == ONE
