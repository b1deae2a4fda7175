"""Conversations made up for benchmarks: the same ones for the same seed, with the frequencies that real ones have."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate, cycle

import orjson

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "persona": (
        "anxious_planner", "busy_parent", "first_jobber", "retiree", "small_business_owner", "student", "newcomer",
        "night_shift_nurse", "gig_worker", "widow", "farmer", "veteran",
    ),
    "emotion": (
        "worried", "calm", "frustrated", "curious", "confused", "hopeful", "angry", "ashamed", "relieved", "impatient",
        "grateful", "overwhelmed", "sceptical", "proud", "sad",
    ),
    "topic": (
        "overdraft_fees", "savings", "credit_cards", "mortgages", "student_loans", "retirement", "budgeting", "taxes",
        "car_loans", "credit_score", "debit_cards", "wire_transfers", "identity_theft", "health_savings", "inheritance",
        "divorce", "insurance", "index_funds", "bonds", "emergency_fund", "rent", "moving", "childcare", "side_income",
        "payday_loans", "debt_collection", "bankruptcy", "joint_accounts", "minors_accounts", "cheques",
        "cash_deposits", "foreign_currency", "travel_notice", "scams", "disputes", "statements", "online_access",
        "closing_an_account", "power_of_attorney", "charity",
    ),
    "intent": (
        "understand", "decide", "complain", "compare", "fix", "vent", "plan", "verify",
    ),
    "tone": ("plain", "warm", "formal", "brisk", "playful", "blunt", "hesitant", "technical"),
    "tier": ("template", "scenario", "edge_case"),
}  # fmt: skip
STATUSES = {"generated": 50, "approved": 32, "rejected": 11, "planned": 5, "failed": 1.7, "generating": 0.3}
"""In per cent."""
MODELS = {"claude-haiku-5-5": 70, "claude-sonnet-5-5": 25, "claude-opus-5-5": 5}
SOURCES = {"web": 60, "mail": 30, "phone": 10}
REASONS = ("Not grounded in the source", "Wrong tone", "Repeats itself", "Unnatural language", "Other")
NAMES = ("ana", "ben", "chloe", "dmitri")
PHRASES = {"late fee": 3.0, "roth ira": 1.0, "credit union": 0.1, "escrow shortage": 0.01}
"""How many of a hundred conversations hold it; nowhere else do its words stand together."""
SYSTEM_PROMPTS = tuple(
    f"You advise people about money, kindly and in plain words. House style {n}." for n in range(1, 9)
)
DAYS = 300
END = datetime(2026, 11, 1, tzinfo=UTC)
DOCUMENTS, CHUNKS_EACH = 24, 12
BATCHES = 60
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = [one + other for one in ALPHABET for other in ALPHABET]
SYLLABLES = [
    c + v + e for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "ai") for e in ("", "n", "r", "s", "l")
]


@dataclass(frozen=True, slots=True)
class Invented:
    """One conversation. Costs are USD as text; times are UTC."""

    id: int
    public_id: str
    dimensions: tuple[str | None, ...]
    status: str
    score: float | None
    created_at: datetime
    updated_at: datetime
    reviewed_at: datetime | None
    deleted_at: datetime | None
    document: int | None
    chunk: int | None
    model: str | None
    batch: int
    cost: str | None
    flagged: bool
    is_seed: bool
    is_rehearsal: bool
    system_prompt: str | None
    metadata: bytes
    turns: tuple[str, ...]

    @property
    def decided(self) -> bool:
        return self.status in ("approved", "rejected")

    @property
    def sha256(self) -> bytes:
        """What the database's content_digest gives for these turns."""
        said = (part for role, content in zip(cycle(("user", "assistant")), self.turns, strict=False)
                for part in (role, content, "true"))  # fmt: skip
        fields = ("conversation", "1", self.system_prompt, *said)
        written = ("-;" if field is None else f"{len(field.encode())}:{field};" for field in fields)
        return hashlib.sha256("".join(written).encode()).digest()


def zipf(count: int, exponent: float) -> list[float]:
    """Cumulated weights of ranks 1 to `count`."""
    return list(accumulate(rank**-exponent for rank in range(1, count + 1)))


def public_id(bits: int) -> str:
    """60 bits as the database writes a conversation's public id."""
    return "c-" + "".join(PAIRS[bits >> shift & 1023] for shift in (50, 40, 30, 20, 10, 0))


class Inventor:
    """Makes conversations `first` to `last` of `rows`, in any order of blocks: each block has a seed of its own. Each
    has so many exchanges, of two turns."""

    def __init__(self, rows: int, seed: int, exchanges: int = 1) -> None:
        self.rows = rows
        self.seed = seed
        self.exchanges = exchanges

    @cached_property
    def sentences(self) -> Sequence[str]:
        """What turns are put together from: 20,000 sentences of some 20,000 words, of which few make up the most."""
        chance = random.Random(self.seed)
        words = list(dict.fromkeys(
            "".join(chance.choices(SYLLABLES, k=chance.choice((1, 2, 2, 3, 3)))) for _ in range(40_000)
        ))[:20_000]  # fmt: skip
        weights = zipf(len(words), 1.05)
        return [
            " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(7, 13))).capitalize() + "."
            for _ in range(20_000)
        ]

    def block(self, first: int, last: int) -> Iterator[Invented]:
        """The conversations with these numbers, both included."""
        chance = random.Random(self.seed * 1_000_003 + first)
        count = last - first + 1

        def drawn(values: Sequence[str], exponent: float) -> list[str]:
            return chance.choices(values, cum_weights=zipf(len(values), exponent), k=count)

        def shared(shares: Mapping[str, float]) -> list[str]:
            return chance.choices(list(shares), list(shares.values()), k=count)

        columns = [drawn(values, 0.9) for values in DIMENSIONS.values()]
        sentences = iter(chance.choices(self.sentences, k=count * 18 * self.exchanges))
        for place, (values, status, model, source, name) in enumerate(
            zip(zip(*columns, strict=True), shared(STATUSES), shared(MODELS), shared(SOURCES), drawn(NAMES, 0.5),
                strict=True)
        ):  # fmt: skip
            number = first + place
            roll = chance.random
            is_seed = roll() < 0.02
            scored = status not in ("planned", "generating", "failed")
            if is_seed and not scored:
                status, scored = "generated", True
            # Numbers follow time only roughly: batches run beside each other.
            days = min(max(number / self.rows * DAYS + chance.gauss(0, 1.5), 0.0), float(DAYS))
            created = END - timedelta(days=DAYS - days)
            reviewed = (
                created + timedelta(hours=chance.expovariate(1 / 60)) if status in ("approved", "rejected") else None
            )
            deleted = (reviewed or created) + timedelta(days=3) if roll() < 0.005 else None
            score = round(10 * chance.betavariate(6, 2.5), 2) if scored and roll() < 0.98 else None
            document = int(DOCUMENTS * roll() ** 2) + 1 if not is_seed and roll() < 0.8 else None
            yield Invented(
                id=number,
                public_id=public_id(chance.getrandbits(60)),
                dimensions=tuple(None if is_seed and roll() < 0.3 else value for value in values),
                status=status,
                score=score,
                created_at=created,
                updated_at=deleted or reviewed or created + timedelta(seconds=40 * roll()),
                reviewed_at=reviewed,
                deleted_at=deleted,
                document=document,
                chunk=None if document is None else (document - 1) * CHUNKS_EACH + int(CHUNKS_EACH * roll()) + 1,
                model=None if is_seed else model,
                batch=min(int(number / self.rows * BATCHES) + 1, BATCHES),
                cost=f"{0.0004 + chance.expovariate(300):.6f}" if not is_seed and status != "planned" else None,
                flagged=roll() < 0.01,
                is_seed=is_seed,
                is_rehearsal=not is_seed and roll() < 0.05,
                system_prompt=None if roll() < 0.2 else SYSTEM_PROMPTS[int(8 * roll())],
                metadata=self.metadata(chance, source, name, number),
                turns=tuple(content for _ in range(self.exchanges) for content in self.exchange(chance, sentences)),
            )

    def metadata(self, chance: random.Random, source: str, name: str, number: int) -> bytes:
        """Three to five keys: text, a number, a whole number, and often a name and a mark."""
        kept: dict[str, object] = {
            "source": source, "score": round(10 * chance.random(), 1), "batch": int(number / self.rows * 500),
        }  # fmt: skip
        if chance.random() < 0.7:
            kept["reviewer"] = name
        if chance.random() < 0.5:
            kept["checked"] = chance.random() < 0.6
        return orjson.dumps(kept)

    def exchange(self, chance: random.Random, sentences: Iterator[str]) -> tuple[str, str]:
        """A question of 30 to 60 words and an answer of 60 to 120; some hold a phrase, some a word that is rare."""
        asked = [next(sentences) for _ in range(chance.randint(3, 6))]
        said = [next(sentences) for _ in range(chance.randint(6, 12))]
        draw = chance.random()
        for phrase, share in PHRASES.items():
            if draw < share / 100:
                asked.insert(1, f"My question is about the {phrase} here.")
                break
            draw -= share / 100
        if chance.random() < 0.3:
            said.append(f"Your case is {public_id(chance.getrandbits(20))[-4:]}qx.")
        return " ".join(asked), " ".join(said)
