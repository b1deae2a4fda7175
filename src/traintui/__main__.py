"""`python -m traintui` is `traintui`."""

from traintui.cli import main

main()
