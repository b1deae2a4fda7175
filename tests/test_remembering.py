"""What the app remembers is written into a person's settings, the rest of which stays as they wrote it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from traintui.errors import TraintuiError
from traintui.settings import load_settings, remember, write_whole


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "config.toml"
    monkeypatch.setenv("TRAINTUI_CONFIG", str(path))
    return path


def test_a_first_setting_makes_the_file(config: Path) -> None:
    remember("worker_on_quit", "leave")
    assert config.read_text() == 'worker_on_quit = "leave"\n'
    assert load_settings().worker_on_quit == "leave"


def test_another_answer_takes_the_place_of_the_one_before_and_comments_and_tables_stay(config: Path) -> None:
    config.parent.mkdir()
    config.write_text(
        '# mine\nworker_on_quit = "leave"  # for now\ntheme = "light"\n[keymap]\n"review.approve" = "y"\n'
    )
    remember("worker_on_quit", "stop")
    kept = '# mine\ntheme = "light"\n[keymap]\n"review.approve" = "y"\n'
    assert config.read_text() == f'worker_on_quit = "stop"\n{kept}'
    settings = load_settings()
    assert (settings.worker_on_quit, settings.theme, settings.keymap) == ("stop", "light", {"review.approve": "y"})


def test_where_there_is_to_be_no_file_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINTUI_CONFIG", os.devnull)
    remember("worker_on_quit", "leave")
    assert load_settings().worker_on_quit == "ask"


def test_a_file_that_cannot_be_written_is_an_answer(config: Path) -> None:
    config.parent.write_text("a file where a folder should be")
    with pytest.raises(TraintuiError, match="cannot be"):
        remember("worker_on_quit", "leave")


def test_a_file_that_is_a_link_stays_one_and_what_it_leads_to_keeps_its_mode(config: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "traintui.toml"
    kept.parent.mkdir()
    kept.write_text('theme = "light"\n')
    kept.chmod(0o644)
    config.parent.mkdir()
    config.symlink_to(kept)
    remember("worker_on_quit", "stop")
    assert config.is_symlink() and kept.read_text() == 'worker_on_quit = "stop"\ntheme = "light"\n'
    assert stat.S_IMODE(kept.stat().st_mode) == 0o644
    assert [each.name for each in kept.parent.iterdir()] == ["traintui.toml"]


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    place = tmp_path / "config.toml"
    (place / "a folder that is not empty").mkdir(parents=True)
    with pytest.raises(OSError, match="config"):
        write_whole(place, "theme = 1")
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]
