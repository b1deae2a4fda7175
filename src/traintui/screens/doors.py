"""The ways from one screen to another, and to the dialogs that every screen has. What is opened is imported then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traintui.screens.shell import OpenConversation, Shell, ShowConversations, ShowLog

if TYPE_CHECKING:
    from traintui.screens.coverage import CoverageView, Filling


class Doors(Shell):
    """The app as it goes from screen to screen."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._coverage: CoverageView | None = None

    def action_go(self, mode: str) -> None:
        """Goes to a screen."""
        self.switch_mode(mode)

    def on_open_conversation(self, event: OpenConversation) -> None:
        """Reads a conversation in Review."""
        from traintui.screens.review import ReviewScreen

        self.switch_mode("review")
        screen = self.get_screen_stack("review")[0]
        if isinstance(screen, ReviewScreen):
            screen.visit(event.conversation_id, event.queue)

    def on_show_conversations(self, event: ShowConversations) -> None:
        """Shows the conversations of a filter in the table."""
        from traintui.screens.conversations import ConversationsScreen

        self.switch_mode("conversations")
        screen = self.get_screen_stack("conversations")[0]
        if isinstance(screen, ConversationsScreen):
            screen.visit(event.filter_text)

    def on_show_log(self, event: ShowLog) -> None:
        """Shows the rows of a log that a filter names."""
        from traintui.screens.audit import AuditScreen

        self.switch_mode("audit")
        screen = self.get_screen_stack("audit")[0]
        if isinstance(screen, AuditScreen):
            screen.call_after_refresh(screen.visit, event.log, event.filter_text)

    def action_alerts(self) -> None:
        """Shows what is wrong with the database."""
        self.action_show_tab("performance", "alerts")

    def action_show_tab(self, mode: str, name: str) -> None:
        """Goes to a tab of a screen."""
        from traintui.screens.tabs import TabbedScreen

        self.switch_mode(mode)
        screen = self.get_screen_stack(mode)[0]
        if isinstance(screen, TabbedScreen):
            screen.call_after_refresh(screen.go, name)

    def action_export(self) -> None:
        """Opens the export dialog: for what is selected in the table that is shown, else for what the filter names."""
        from traintui.screens.conversations import ConversationsScreen
        from traintui.screens.export import ExportDialog

        ids = self.screen.selected_ids if isinstance(self.screen, ConversationsScreen) else None
        self.push_screen(ExportDialog(self.filter_text, ids))

    def action_import_file(self) -> None:
        """Opens the import dialog."""
        from traintui.screens.importing import ImportDialog

        self.push_screen(ImportDialog())

    async def ask_about_imports(self) -> None:
        """Asks what becomes of one's own imports that were cut off, one after the other."""
        from traintui.data import imports

        if self.workspace is not None:
            for going in await imports.unfinished(self.workspace):
                from traintui.screens.unfinished_import import UnfinishedImportDialog

                await self.push_screen_wait(UnfinishedImportDialog(going))

    def action_metadata_keys(self) -> None:
        """Opens the list of metadata keys that have a type."""
        from traintui.screens.metadata_keys import MetadataKeysDialog

        self.push_screen(MetadataKeysDialog())

    def action_prices(self) -> None:
        """Opens the prices and the budget of the month."""
        from traintui.screens.prices import PricesDialog

        self.push_screen(PricesDialog())

    def action_redaction(self) -> None:
        """Opens what is taken out of the logs."""
        from traintui.screens.redaction import RedactionDialog

        self.push_screen(RedactionDialog())

    def action_retention(self) -> None:
        """Opens how long rows of the logs are kept."""
        from traintui.screens.retention import RetentionDialog

        self.push_screen(RetentionDialog())

    def action_thresholds(self) -> None:
        """Opens what the score asks for."""
        from traintui.screens.thresholds import ThresholdsDialog

        self.push_screen(ThresholdsDialog())

    def action_training_targets(self) -> None:
        """Opens what the workspace trains, and what counts its tokens."""
        from traintui.screens.training_targets import TrainingTargetsDialog

        self.push_screen(TrainingTargetsDialog())

    def action_vocabulary(self) -> None:
        """Opens the vocabulary."""
        from traintui.screens.vocabulary import VocabularyDialog

        self.push_screen(VocabularyDialog())

    def action_coverage(self) -> None:
        """Opens the map of coverage, as it was left."""
        from traintui.screens.coverage import CoverageDialog, CoverageView

        self._coverage = self._coverage or CoverageView()
        self.push_screen(CoverageDialog(self._coverage), self._coverage_answered)

    def _coverage_answered(self, answer: str | Filling | None) -> None:
        """Shows the conversations of a cell, or plans what is missing."""
        from traintui.screens.generate import GenerateScreen

        if isinstance(answer, str):
            self.post_message(ShowConversations(answer))
        elif answer is not None:
            self.switch_mode("generate")
            screen = self.get_screen_stack("generate")[0]
            if isinstance(screen, GenerateScreen):
                screen.fill(answer)

    def action_templates(self) -> None:
        """Opens the templates."""
        from traintui.screens.templates import TemplatesDialog

        self.push_screen(TemplatesDialog())

    def action_help(self) -> None:
        """Shows what the keys do here."""
        from traintui.screens.help import HelpScreen

        offered = getattr(self.screen, "offered", None)
        self.push_screen(HelpScreen(place for _, place in offered()) if offered else HelpScreen(("app",)))
