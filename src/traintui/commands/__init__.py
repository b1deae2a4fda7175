"""Every command of the app, once: its keys, footer entry, palette entry and help row all come from here.

`screens` has those of the app and of its screens, `rows` those of tables, maps and text, `dialogs` those of forms and
questions.
"""

from traintui.commands.command import ALLOWED, Command
from traintui.commands.listed import COMMANDS, PLACES, bindings, has, of, role_for
from traintui.commands.palette import PaletteCommands

__all__ = ["ALLOWED", "COMMANDS", "PLACES", "Command", "PaletteCommands", "bindings", "has", "of", "role_for"]
