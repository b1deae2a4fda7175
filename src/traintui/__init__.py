"""Traintui: from a team's own documents to a reviewed dataset for LoRA fine-tuning."""

__version__ = "0.1.0"
