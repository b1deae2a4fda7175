"""Every command is listed once, and its key means one thing where one is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from textual.actions import parse
from textual.binding import Binding
from textual.dom import DOMNode

from traintui import commands
from traintui.app import TraintuiApp
from traintui.screens.audit import AuditScreen
from traintui.screens.base import BaseDialog, BaseScreen
from traintui.screens.batch_form import BatchForm
from traintui.screens.batch_preview import BatchPreview
from traintui.screens.batch_sources import SourcesDialog
from traintui.screens.batch_values import ValuesDialog
from traintui.screens.columns import ColumnsDialog
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.copying import CopyDialog
from traintui.screens.coverage import CoverageDialog
from traintui.screens.coverage_pair import PairDialog
from traintui.screens.coverage_target import TargetDialog
from traintui.screens.export import ExportDialog
from traintui.screens.generate import GenerateScreen
from traintui.screens.help import HelpScreen
from traintui.screens.judge_form import JudgeForm
from traintui.screens.jump import JumpDialog
from traintui.screens.metadata import MetadataDialog
from traintui.screens.metadata_keys import KeyForm, MetadataKeysDialog
from traintui.screens.note import NoteDialog
from traintui.screens.opening import FailedToOpen
from traintui.screens.performance import PerformanceScreen
from traintui.screens.price_form import BudgetForm, PriceForm
from traintui.screens.prices import PricesDialog
from traintui.screens.reasons import ReasonsDialog
from traintui.screens.redaction import RedactionDialog
from traintui.screens.regenerate import RegenerateDialog
from traintui.screens.review import ReviewScreen
from traintui.screens.revision_difference import RevisionsDialog
from traintui.screens.save_csv import SaveCsv
from traintui.screens.session_ending import EndSession
from traintui.screens.sorting import SortDialog
from traintui.screens.submissions import CallOff, SubmissionsDialog
from traintui.screens.template_name import TemplateName
from traintui.screens.templates import TemplatesDialog
from traintui.screens.threshold_form import ThresholdForm
from traintui.screens.thresholds import ThresholdsDialog
from traintui.screens.trail import TrailDialog
from traintui.screens.training_targets import TrainingTargetsDialog
from traintui.screens.turn_editor import TurnEditor
from traintui.screens.turn_tools import TurnToolsDialog
from traintui.screens.views import ViewsDialog
from traintui.screens.what_differs import WhatDiffers
from traintui.widgets.facet_panel import FacetPanel
from traintui.widgets.filter_field import FilterField
from traintui.widgets.heat_map import HeatMap
from traintui.widgets.marked_transcript import MarkedTranscript
from traintui.widgets.row_table import RowTable
from traintui.widgets.transcript import Transcript
from traintui.widgets.transcript_search import SearchField
from traintui.widgets.windowed_table import WindowedTable

SCREENS: tuple[type[BaseScreen], ...] = (
    ConversationsScreen, ReviewScreen, GenerateScreen, AuditScreen, PerformanceScreen,
)  # fmt: skip
DIALOGS: tuple[type[BaseDialog[Any]], ...] = (
    ReasonsDialog, NoteDialog, ViewsDialog, ExportDialog, HelpScreen, FailedToOpen, MetadataDialog, MetadataKeysDialog,
    CoverageDialog, PairDialog, TargetDialog, KeyForm, SortDialog, ColumnsDialog, JumpDialog, TemplatesDialog,
    TurnEditor, TurnToolsDialog, RevisionsDialog, RegenerateDialog,
    TemplateName, PricesDialog, PriceForm, BudgetForm, BatchForm, BatchPreview, SourcesDialog, ValuesDialog,
    SubmissionsDialog, CallOff, JudgeForm, ThresholdsDialog, ThresholdForm, CopyDialog, WhatDiffers,
    TrainingTargetsDialog, SaveCsv, TrailDialog, RedactionDialog,
    EndSession,
)  # fmt: skip
WIDGETS: dict[str, type[DOMNode]] = {
    "table": RowTable, "listing": WindowedTable, "transcript": Transcript, "filter": FilterField, "facets": FacetPanel,
    "heat_map": HeatMap, "matches": MarkedTranscript, "searching": SearchField,
}  # fmt: skip
FIELDS = {"filter", "facets", "searching"}
"""Places whose keys go before those of the screen, because one types or chooses there."""


def keys_of(places: tuple[str, ...]) -> Counter[str]:
    return Counter(binding.key for place in places for binding in Binding.make_bindings(commands.bindings(place)))


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
def test_a_key_means_one_thing_on_a_screen(screen: type[BaseScreen]) -> None:
    own, *widgets = screen.PLACES
    for widget in ("", *(place for place in widgets if place not in FIELDS)):
        assert [key for key, times in keys_of((own, widget, "app")).items() if times > 1] == []


@pytest.mark.parametrize("dialog", DIALOGS, ids=lambda dialog: dialog.__name__)
def test_a_key_means_one_thing_in_a_dialog(dialog: type[BaseDialog[Any]]) -> None:
    assert [key for key, times in keys_of(dialog.PLACES).items() if times > 1] == []


def test_every_command_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(command.id for command in commands.COMMANDS).items() if times > 1] == []
    assert {command.where for command in commands.COMMANDS} <= set(commands.PLACES)


def test_every_command_runs_something() -> None:
    nodes: dict[str, type[DOMNode]] = {"app": TraintuiApp, **WIDGETS}
    nodes |= {screen.PLACES[0]: screen for screen in SCREENS} | {dialog.PLACES[0]: dialog for dialog in DIALOGS}
    for command in commands.COMMANDS:
        if command.where in nodes:
            namespace, action, _ = parse(command.action)
            node = TraintuiApp if namespace == "app" else nodes[command.where]
            assert hasattr(node, f"action_{action}"), command.id


def test_every_role_that_a_command_needs_is_one() -> None:
    assert {command.role for command in commands.COMMANDS} <= {"", *commands.ALLOWED}


def test_the_palette_says_where_a_command_belongs() -> None:
    assert "review: approve" in {command.name for command in commands.COMMANDS}
