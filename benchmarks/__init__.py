"""What Traintui measures of itself: `python -m benchmarks.NAME [--rows N] [--json]`."""
