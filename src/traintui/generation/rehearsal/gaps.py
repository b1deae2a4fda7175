"""Questions that documents tend to leave open."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """A matter that a source may say nothing about: how it is asked and called, and what shows that it is covered."""

    asked: str
    thing: str
    signs: str
    fits: str = ""
    """Words of the topics with which the question makes sense; empty for any."""


GAPS: tuple[Gap, ...] = (
    Gap(
        "Does the same hold for an account that I share with someone else?",
        "shared accounts",
        r"joint|shared|co-?owner",
    ),
    Gap(
        "What if I am abroad for a few months?",
        "people who are abroad",
        r"abroad|overseas|outside the (?:us|country|united)|foreign|international",
    ),
    Gap(
        "Would it be any different for a business account?",
        "business accounts",
        r"business account|commercial|sole prop",
    ),
    Gap(
        "What happens to it if the account holder dies?",
        "the death of an account holder",
        r"\bdie|death|deceased|estate|beneficiar",
        "account|loan|relief|dormant|member|hardship|share",
    ),
    Gap(
        "Will this affect my credit score?",
        "credit scores",
        r"credit (?:score|report|bureau|history)",
        "overdraft|fee|loan|payment|relief|dormant|hardship",
    ),
    Gap("Is any of it tax deductible?", "taxes", r"\btax|deductib|irs\b", "interest|dividend|fee|loan|saving|charge"),
    Gap(
        "Can my sister do this for me if I am in the hospital?",
        "acting on behalf of someone else",
        r"power of attorney|authori[sz]ed (?:user|person|signer)|on (?:your|their) behalf|representative",
    ),
    Gap(
        "Will the terms be the same next year?",
        "the terms for next year",
        r"next year|change (?:the|these) (?:terms|fees|rates)|subject to change|notice of change",
    ),
    Gap("Can I get all of this in another language?", "other languages", r"language|spanish|translat"),
    Gap(
        "What if your own system is down on the day that counts?",
        "outages",
        r"outage|system (?:is )?(?:down|failure)|unavailable|maintenance",
        "fee|payment|overdraft|card|transfer|atm|online",
    ),
    Gap(
        "Does it count if I ask by text message?",
        "text messages",
        r"text message|sms",
        "relief|join|clos|appl|opt|member|hardship|request|disput",
    ),
    Gap(
        "Is there a better deal for people under twenty-five?",
        "people under twenty-five",
        r"youth|under (?:18|21|25)|student|minor",
        "fee|account|join|loan|charge|atm|card|member",
    ),
    Gap(
        "What if the day in question is a public holiday?",
        "public holidays",
        r"holiday",
        "fee|payment|overdraft|transfer|atm|deadline|wire|late",
    ),
    Gap(
        "Could I do it from my employer's payroll system?",
        "payroll systems",
        r"payroll|employer|direct deposit",
        "payment|join|open|loan|relief|transfer|member|deposit",
    ),
    Gap(
        "Do former members still fall under it?",
        "former members",
        r"former member|ended (?:your|their) membership|after (?:leaving|closing)",
        "member|join|account|loan|relief|share|fee",
    ),
    Gap(
        "Would a court order change anything?",
        "court orders",
        r"court|legal process|levy|garnish",
        "account|dormant|loan|relief|hardship|overdraft",
    ),
    Gap(
        "Does it matter if the account is in a child's name?",
        "accounts in a child's name",
        r"child|minor|youth|custodial",
        "account|join|fee|dormant|saving|member",
    ),
    Gap(
        "Do other places handle it the same way?",
        "how others handle it",
        r"other (?:banks|institutions|credit unions|lenders)",
    ),
    Gap("Can I insure myself against that?", "insurance", r"insur", "loan|payment|relief|overdraft|card|fraud"),
    Gap(
        "What if I pay with a foreign card?",
        "foreign cards",
        r"foreign|international",
        "fee|card|atm|payment|transfer|charge",
    ),
    Gap("Would an exception be possible for someone on disability benefits?", "disability benefits", r"disab|benefits"),
    Gap(
        "Does military service make a difference?",
        "military service",
        r"militar|servicemember|active duty",
        "loan|fee|relief|join|hardship|charge|payment",
    ),
    Gap(
        "What if the mistake was made by the shop and not by me?",
        "mistakes made by a shop",
        r"merchant|shop|store|error",
        "fee|card|charge|overdraft|disput",
    ),
    Gap(
        "Is there a way to do all of it by mail?",
        "handling it by mail",
        r"by mail|mail(?:ed|ing)?\b",
        "join|dormant|clos|relief|open|member|hardship|statement|disput",
    ),
)


def gaps_of(source: str, topic: str) -> list[Gap]:
    """The matters that a source really says nothing about and that make sense with the topic."""
    lowered, about = source.lower(), topic.lower()
    return [gap for gap in GAPS if re.search(gap.fits, about) and not re.search(gap.signs, lowered)]
