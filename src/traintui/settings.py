"""Where things are, and what is personal: environment variables first, then the TOML file of this person."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from traintui.errors import TraintuiError

ROOT_HOME = Path("/var/lib/traintui")
"""Home of a root user: a directory under /root would have to be opened to the account that runs the server."""


DEMO_MARK = "demo"
"""The file in a home that says that it is a demo's."""


def default_home() -> Path:
    """The directory of the embedded server, its logs and archives, for the user of the operating system."""
    if os.name == "posix" and os.geteuid() == 0:
        return ROOT_HOME
    return Path(platformdirs.user_data_dir("traintui", appauthor=False))


def config_path() -> Path:
    """The TOML file with this person's settings: `TRAINTUI_CONFIG`, else the platform's user config directory."""
    named = os.environ.get("TRAINTUI_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir("traintui", appauthor=False)) / "config.toml"


class Settings(BaseSettings):
    """What this person's Traintui starts with. Shared rules are rows in `workspace_settings`, not here."""

    model_config = SettingsConfigDict(
        env_prefix="TRAINTUI_", extra="forbid", populate_by_name=True, env_ignore_empty=True
    )

    database_url: str | None = Field(default=None, description="A shared PostgreSQL; unset means the embedded one.")
    home: Path = Field(default_factory=default_home, description="Embedded server, logs, archives.")
    api_base_url: str | None = Field(default=None, description="Any server that speaks /v1/messages.")
    anthropic_api_key: SecretStr | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY")
    theme: Literal["dark", "light"] = "dark"
    worker_on_quit: Literal["ask", "leave", "stop"] = Field(
        default="ask", description="What becomes of the worker when the app is closed while a batch runs."
    )
    daily_target: int | None = Field(
        default=None, ge=1, le=100_000, description="Decisions that this person wants to make in a day."
    )
    archived_rows: Literal["hide", "show"] = Field(
        default="hide", description="Whether Audit lists calls and exports of the archive behind those of the logs."
    )
    keymap: dict[str, str] = Field(default_factory=dict, description="Command id to key, as in `review.approve = 'y'`.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_path())

    @cached_property
    def embedded(self) -> bool:
        """Whether this workspace runs its own PostgreSQL."""
        return self.database_url is None

    @property
    def is_demo(self) -> bool:
        """Whether this workspace is the one of a demo, where what the rehearsal wrote is what there is."""
        return self.embedded and (self.home / DEMO_MARK).is_file()


def remember(name: str, value: str | int | None) -> None:
    """Writes a setting that is a word or a number into the TOML file of this person, the rest of which stays as it is;
    None takes it out.

    Raises `TraintuiError` when the file cannot be written. With no such file (`TRAINTUI_CONFIG=/dev/null`) nothing is.
    """
    path = config_path()
    if path == Path(os.devnull):
        return
    line = "" if value is None else f"{name} = {value}\n" if isinstance(value, int) else f'{name} = "{value}"\n'
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        # What belongs to no table stands before the first one.
        found = re.search(r"^[ \t]*\[", before, re.MULTILINE)
        head, tables = (before[: found.start()], before[found.start() :]) if found else (before, "")
        kept = re.sub(rf"^[ \t]*{name}[ \t]*=.*(?:\n|\Z)", "", head, flags=re.MULTILINE)
        write_whole(path.resolve(), line + kept + tables)
    except OSError as error:
        raise TraintuiError(
            "Not remembered", f"{path} cannot be written ({error.strerror}).", "Check who owns the file."
        ) from error


def write_whole(path: Path, content: str) -> None:
    """Writes a file in one step: whoever reads it finds what was there or what is new. It keeps its mode; a new one has
    0600. Raises `OSError`, and leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    partial = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(content)
        if path.exists():
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def load_settings() -> Settings:
    """Settings from the environment and the TOML file.

    Raises `TraintuiError` when the file cannot be read or a value has the wrong form.
    """
    path = config_path()
    try:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TraintuiError(
            "Settings not read", f"{path} is not valid TOML ({error}).", "Mend the file, or move it away."
        ) from error
    except OSError as error:
        raise TraintuiError(
            "Settings not read", f"{path} cannot be read ({error.strerror}).", "Check who owns the file."
        ) from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise TraintuiError(
            "Settings not understood",
            f"{name}: {first['msg']}.",
            f"Look at {path} and at the TRAINTUI_ environment variables.",
        ) from error
