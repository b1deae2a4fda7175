"""What Traintui measures of itself: `python -m benchmarks.NAME [--rows N] [--json]`."""

import traintui as traintui  # before Textual, which reads at its import how many frames a second the app draws
