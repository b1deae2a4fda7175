"""Traintui: from a team's own documents to a reviewed dataset for LoRA fine-tuning."""

import os

__version__ = "0.1.0"

# Frames a second, read by Textual when it is imported. After a frame the next one waits for up to two ticks of this
# clock: at the usual 60 a key is answered up to 33 ms later. Nothing is drawn where nothing changed.
os.environ.setdefault("TEXTUAL_FPS", "240")
