"""Those who read our files read nothing else, and none of them is passed over."""

from __future__ import annotations

import os

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that is skipped is one that failed: its package is not there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
