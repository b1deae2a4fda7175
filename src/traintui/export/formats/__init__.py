"""The formats of training files, each one pure function of the canonical record."""

from __future__ import annotations

from traintui.errors import TraintuiError
from traintui.export.formats import alpaca, messages, own, preferences, sharegpt, targets, vendors
from traintui.export.formats.model import Container, Files, Format, Row, Schema, Written

__all__ = [
    "FORMATS", "Container", "Files", "Format", "Row", "Schema", "Written", "format_of",
]  # fmt: skip

LOADED: tuple[Container, ...] = ("jsonl", "json", "parquet")
"""What `datasets` loads, and so all that train with it."""
UPLOADED: tuple[Container, ...] = ("jsonl",)
"""What a cloud takes."""

FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format("openai", "OpenAI chat", 2, "supervised", messages.weighted, messages.weighted_schema, LOADED,
               targets.OPENAI, honours_train=True),
        Format("trl", "TRL, messages", 1, "supervised", messages.unweighted, messages.unweighted_schema, LOADED,
               targets.TRL),
        Format("trl-prompt-completion", "TRL, prompt and completion", 1, "supervised", messages.prompt_completion,
               messages.prompt_completion_schema, LOADED, targets.TRL_COMPLETION),
        Format("sharegpt", "ShareGPT", 1, "supervised", sharegpt.sharegpt, sharegpt.sharegpt_schema, LOADED,
               targets.LLAMA_FACTORY),
        Format("alpaca", "Alpaca", 1, "supervised", alpaca.alpaca, alpaca.alpaca_schema, (*LOADED, "csv"),
               targets.ALPACA, companions=alpaca.dataset_info),
        Format("llama-factory", "LLaMA-Factory", 1, "supervised", sharegpt.llama_factory,
               sharegpt.llama_factory_schema, LOADED, targets.LLAMA_FACTORY, companions=sharegpt.dataset_info),
        Format("axolotl", "Axolotl", 1, "supervised", messages.axolotl, messages.axolotl_schema, LOADED,
               targets.AXOLOTL, honours_train=True, companions=messages.axolotl_fragment),
        Format("together", "Together", 1, "supervised", messages.weighted, messages.weighted_schema, UPLOADED,
               targets.TOGETHER, honours_train=True),
        Format("fireworks", "Fireworks", 1, "supervised", messages.weighted, messages.weighted_schema, UPLOADED,
               targets.FIREWORKS, honours_train=True),
        Format("bedrock", "Bedrock, Claude", 1, "supervised", vendors.bedrock, None, UPLOADED, targets.BEDROCK),
        Format("gemini", "Gemini", 1, "supervised", vendors.gemini, None, UPLOADED, targets.GEMINI),
        Format("mistral", "Mistral", 1, "supervised", messages.weighted, messages.weighted_schema, UPLOADED,
               targets.MISTRAL, honours_train=True),
        Format("unsloth", "Unsloth", 1, "supervised", messages.unweighted, messages.unweighted_schema, LOADED,
               targets.UNSLOTH),
        Format("trl-dpo", "TRL, DPO", 1, "preference", preferences.trl_dpo, preferences.trl_dpo_schema, LOADED,
               targets.TRL_DPO),
        Format("trl-kto", "TRL, KTO", 1, "preference", preferences.trl_kto, preferences.trl_kto_schema, LOADED,
               targets.TRL_KTO),
        Format("openai-dpo", "OpenAI, DPO", 1, "preference", preferences.openai_dpo, preferences.openai_dpo_schema,
               LOADED, targets.OPENAI),
        Format("llama-factory-dpo", "LLaMA-Factory, DPO", 1, "preference", preferences.llama_factory_dpo,
               preferences.llama_factory_dpo_schema, LOADED, targets.LLAMA_FACTORY_PAIRS,
               companions=preferences.dpo_info),
        Format("llama-factory-kto", "LLaMA-Factory, KTO", 1, "preference", preferences.llama_factory_kto,
               preferences.llama_factory_kto_schema, LOADED, targets.LLAMA_FACTORY_PAIRS,
               companions=preferences.kto_info),
        Format("traintui", "Traintui", own.VERSION, "own", own.traintui, None, UPLOADED, targets.OWN,
               honours_train=True),
    )
}  # fmt: skip


def format_of(name: str) -> Format:
    """The format of a name. Raises `TraintuiError` when there is none."""
    if name not in FORMATS:
        raise TraintuiError("Format not known", f'there is no format "{name}".', f"There are: {', '.join(FORMATS)}.")
    return FORMATS[name]
