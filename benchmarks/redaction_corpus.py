"""Records in ten languages with values of persons and secrets planted in them, and clean records beside those.

Everything follows from a seed. A value with check digits is made of random digits until the library that knows the
check says that it holds; telephone numbers until they are of their country's plan.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import phonenumbers
from faker import Faker
from stdnum import luhn, numdb
from stdnum.iban import calc_check_digits
from stdnum.iban import is_valid as is_iban

LOCALES = {
    "en_US": "US", "en_GB": "GB", "de_DE": "DE", "fr_FR": "FR", "es_ES": "ES", "it_IT": "IT", "nl_NL": "NL",
    "pt_BR": "BR", "en_IN": "IN", "sv_SE": "SE",
}  # fmt: skip
KINDS = ("email", "phone", "card", "iban", "national_id", "ip_address", "secret")
CHECKED = frozenset(KINDS)
_IDS: dict[str, tuple[str, str, str]] = {
    "en_US": ("us.ssn", "###-##-####", "SSN"),
    "en_GB": ("gb.nhs", "### ### ####", "NHS number"),
    "de_DE": ("de.idnr", "## ### ### ###", ""),
    "fr_FR": ("fr.nir", "2 ## 0# 7# ### ### ##", ""),
    "es_ES": ("es.dni", "########L", ""),
    "nl_NL": ("nl.bsn", "#########", "BSN"),
    "pt_BR": ("br.cpf", "###.###.###-##", ""),
    "en_IN": ("in_.aadhaar", "#### #### ####", ""),
}
"""For each locale the check, how it is written, and the word beside it where it has no shape of its own."""
_WORDS = {
    "en_US": "phone", "en_GB": "telephone", "de_DE": "Telefon", "fr_FR": "téléphone", "es_ES": "teléfono",
    "it_IT": "telefono", "nl_NL": "telefoon", "pt_BR": "telefone", "en_IN": "mobile", "sv_SE": "phone",
}  # fmt: skip
_CARDS = (("4", 16), ("51", 16), ("2223", 16), ("37", 15), ("6011", 16), ("3530", 16), ("36", 14))


@dataclass(frozen=True, slots=True)
class Planted:
    """A value, its kind, and what must stand before it for anybody to know what it is."""

    kind: str
    said: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A record as it would be logged, and what is planted in it."""

    record: Any
    planted: tuple[Planted, ...]
    shape: str

    @property
    def size(self) -> int:
        """Bytes, as JSON."""
        return len(json.dumps(self.record, ensure_ascii=False).encode())


def corpus(number: int, *, seed: int = 7) -> list[Sample]:
    """So many records, in turn of each locale and each shape; half of them are clean."""
    dice = random.Random(seed)
    makers = []
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(dice.randrange(2**32))
        makers.append(_Maker(locale, fake, dice))
    shapes: tuple[str, ...] = ("sentence", "chat", "payload", "log")
    return [
        makers[index % len(makers)].sample(shapes[index // len(makers) % 4], clean=index // len(makers) // 4 % 2 == 1)
        for index in range(number)
    ]


class _Maker:
    def __init__(self, locale: str, fake: Faker, dice: random.Random) -> None:
        self.locale, self.fake, self.dice = locale, fake, dice

    def sample(self, shape: str, *, clean: bool) -> Sample:
        planted = () if clean else tuple(self._distinct())
        made: Callable[[tuple[Planted, ...]], Any] = getattr(self, f"_{shape}")
        return Sample(made(planted), planted, shape)

    def _distinct(self) -> Iterator[Planted]:
        for kind in self.dice.sample(KINDS, self.dice.randrange(1, 4)):
            yield getattr(self, f"_a_{kind}")()

    # Shapes -----------------------------------------------------------------------------------------------------------

    def _sentence(self, planted: tuple[Planted, ...]) -> str:
        parts = [self.fake.paragraph(nb_sentences=4)]
        for each in planted:
            before, after = self.dice.choice(_AROUND)
            parts.append(f"{before} {self._worded(each)}{after}")
            parts += (self.fake.sentence(nb_words=14), self._thing())
        return " ".join([*parts, self._thing(), self._thing(), self.fake.paragraph(nb_sentences=6)])

    def _chat(self, planted: tuple[Planted, ...]) -> dict[str, Any]:
        values = iter(planted)
        turns = []
        for number in range(6):
            said = [self.fake.sentence(nb_words=18), self._thing()]
            if number % 2 == 0 and (each := next(values, None)) is not None:
                said.append(f"{self._worded(each)}.")
            said.append(self.fake.paragraph(nb_sentences=3))
            turns.append({"role": "assistant" if number % 2 else "user", "content": " ".join(said)})
        return {"model": "claude-haiku-4-5-20251001", "max_tokens": 4096, "messages": turns}

    def _payload(self, planted: tuple[Planted, ...]) -> dict[str, Any]:
        inner = {_FIELDS[each.kind]: f"{each.word} {each.said}".strip() for each in planted}
        about = {"order": self._code(), "total": self._price(), "about": self.fake.paragraph(nb_sentences=5)}
        body = {"customer": inner, "items": [about, {"sku": self._code(), "note": self._thing()}]}
        # Half of them as a provider's answer has them: JSON within a text.
        return {"content": [{"type": "text", "text": json.dumps(body)}]} if self.dice.random() < 0.5 else body

    def _log(self, planted: tuple[Planted, ...]) -> str:
        lines = [self._line(self._thing()) for _ in range(4)]
        lines += [self._line(f"{_FIELDS[each.kind]}={self._worded(each)} status=ok") for each in planted]
        self.dice.shuffle(lines)
        return "\n".join(lines)

    def _line(self, said: str) -> str:
        moment = self.fake.date_time().isoformat(timespec="milliseconds")
        return (
            f"{moment}Z INFO worker-{self.dice.randrange(90)} req_{self._hex(18)} took {self.dice.random():.4f}s {said}"
        )

    @staticmethod
    def _worded(each: Planted) -> str:
        return f"{each.word}: {each.said}" if each.word else each.said

    # What is planted ----------------------------------------------------------------------------------------------

    def _a_email(self) -> Planted:
        return Planted("email", self.fake.email())

    def _a_phone(self) -> Planted:
        region = LOCALES[self.locale]
        while True:
            digits = "".join(self.dice.choices(string.digits, k=self.dice.randrange(8, 11)))
            try:
                number = phonenumbers.parse(digits, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number_for_region(number, region):
                break
        formats = phonenumbers.PhoneNumberFormat
        form = self.dice.choice((formats.E164, formats.INTERNATIONAL, formats.NATIONAL))
        word = _WORDS[self.locale] if form == formats.NATIONAL else ""
        return Planted("phone", phonenumbers.format_number(number, form), word)

    def _a_card(self) -> Planted:
        start, length = self.dice.choice(_CARDS)
        digits = start + "".join(self.dice.choices(string.digits, k=length - len(start) - 1))
        digits += luhn.calc_check_digit(digits)
        sizes = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
        if length == 14:
            return Planted("card", digits)
        groups, at = [], 0
        for size in sizes:
            groups.append(digits[at : at + size])
            at += size
        return Planted("card", self.dice.choice(("", " ", "-", "\u00a0")).join(groups))

    def _a_iban(self) -> Planted:
        said = self.fake.iban()
        while not is_iban(said):  # those that the library makes of some countries are too short
            said = self._iban_of(self.dice.choice(("GB", "DE", "SE", "NL", "BE", "AT")))
        if self.dice.random() < 0.5:
            said = " ".join(said[at : at + 4] for at in range(0, len(said), 4))
        return Planted("iban", said)

    def _iban_of(self, country: str) -> str:
        structure = numdb.get("iban").info(f"{country}00")[0][1]["bban"]
        bban = "".join(
            "".join(self.dice.choices(string.digits if what == "n" else string.ascii_uppercase, k=int(size)))
            for size, what in re.findall(r"(\d+)!([nac])", structure)
        )
        return f"{country}{calc_check_digits(f'{country}00{bban}')}{bban}"

    def _a_national_id(self) -> Planted:
        if self.locale not in _IDS:
            check = import_module("stdnum." + {"it_IT": "it.codicefiscale", "sv_SE": "se.personnummer"}[self.locale])
            while not check.is_valid(said := self.fake.ssn()):
                pass
            return Planted("national_id", said)
        module, pattern, word = _IDS[self.locale]
        holds = import_module(f"stdnum.{module}").is_valid
        while not holds(said := self._filled(pattern)):
            pass
        return Planted("national_id", said, word)

    def _filled(self, pattern: str) -> str:
        letters = {"#": string.digits, "L": string.ascii_uppercase}
        return "".join(self.dice.choice(letters[sign]) if sign in letters else sign for sign in pattern)

    def _a_ip_address(self) -> Planted:
        said = self.fake.ipv4_public() if self.dice.random() < 0.6 else self.fake.ipv6()
        return Planted("ip_address", said)

    def _a_secret(self) -> Planted:
        return Planted("secret", self.dice.choice(_SECRETS)(self))

    def _opaque(self, length: int) -> str:
        return "".join(self.dice.choices(string.ascii_letters + string.digits, k=length - 2)) + "a7"

    def _hex(self, length: int) -> str:
        return f"{self.dice.getrandbits(4 * length):0{length}x}"

    # What is of nobody ----------------------------------------------------------------------------------------------

    def _price(self) -> str:
        amount = self.dice.randrange(1, 10 ** self.dice.randrange(2, 8)) / 100
        return self.dice.choice((f"${amount:,.2f}", f"{amount:,.2f} EUR", f"{amount:.2f} £", f"R$ {amount:,.2f}"))

    def _code(self) -> str:
        return self._filled(self.dice.choice(("LL-#####", "###-#######-#######", "L##-####", "LLL######")))

    def _section(self) -> str:
        return ".".join(str(self.dice.randrange(1, most)) for most in (20, 10, 10, 10))

    def _thing(self) -> str:
        return self.dice.choice(_THINGS)(self)


_FIELDS = {
    "email": "contact", "phone": "reach_at", "card": "pan", "iban": "iban", "national_id": "id", "ip_address": "client",
    "secret": "value",
}  # fmt: skip
_AROUND = (
    ("You can use", "."), ("They gave", ", as was asked for."), ("Here it is:", " (as written)."), ("On file:", ";"),
    ("The entry reads \u201c", "\u201d."), ("We have", " from last year."), ("Is it", "?"), ("\u2022", ""),
)  # fmt: skip
_SECRETS: tuple[Callable[[_Maker], str], ...] = (
    lambda make: "sk-" + "ant-api03-" + make._opaque(90),
    lambda make: "sk-" + "proj-" + make._opaque(48),
    lambda make: "AKIA" + "".join(make.dice.choices(string.ascii_uppercase + "234567", k=16)),
    lambda make: "ghp_" + make._opaque(36),
    lambda make: "glpat-" + make._opaque(20),
    lambda make: "AIza" + make._opaque(35),
    lambda make: "xoxb-" + "".join(make.dice.choices(string.digits, k=12)) + "-" + make._opaque(24),
    lambda make: "hf_" + make._opaque(34),
    lambda make: "sk_" + "live_" + make._opaque(24),
    lambda make: "SG." + make._opaque(22) + "." + make._opaque(43),
    lambda make: "npm_" + make._opaque(36),
    lambda make: "gsk_" + make._opaque(52),
    lambda make: "xai-" + make._opaque(80),
    lambda make: "r8_" + make._opaque(37),
    lambda make: "GOCSPX-" + make._opaque(28),
    lambda make: "dop_v1_" + make._hex(64),
    lambda make: "Bearer " + make._opaque(40),
    lambda make: f"postgresql://app:{make._opaque(14)}@db.example.org:5432/shop",
    lambda make: f"redis://:{make._opaque(20)}@cache:6379/0",
    lambda make: ".".join(
        base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
        for part in ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{make._hex(8)}"}}', make._opaque(32))
    ),
    lambda make: "sk-" + "None-" + make._opaque(44),
    lambda make: f"{make.dice.randrange(10**8, 10**10)}:AA{make._opaque(33)}",
    lambda make: f"token={make._opaque(24)}",
    lambda make: f"API_SECRET={make._opaque(20)}",
    lambda make: f"DB_PASS={make._opaque(12)}",
    lambda make: f'password = "{make._opaque(10)}"',
    lambda make: f"Cookie: session={make._opaque(32)}",
    lambda make: "\n".join(
        ("-----" + "BEGIN PRIVATE KEY-----", *(make._opaque(64) for _ in range(6)), "-----" + "END PRIVATE KEY-----")
    ),
)
_THINGS: tuple[Callable[[_Maker], str], ...] = (
    lambda make: f"Order {make._filled('###-#######-#######')} of {make.fake.date()} comes to {make._price()}.",
    lambda make: f"The {make.fake.word()} {make._filled('L##')} costs {make._price()}, or {make._price()} a year.",
    lambda make: f"Invoice number {make._filled('##########')}, customer number {make._filled('########')}.",
    lambda make: f"Since {make._filled('v#.##.#')} it took {make.dice.random() * 100:.3f} ms.",
    lambda make: f"commit {make._hex(40)} by {make.fake.first_name()}",
    lambda make: f"sha256 {make._hex(64)}",
    lambda make: f"{make.fake.uuid4()} at {make.fake.date_time().isoformat()}",
    lambda make: f"Windows 11 Pro 23H2, iPhone 15 Pro, Galaxy S{make._filled('##')}, Boeing 737-800, ISO 27001:2022.",
    lambda make: f"ISBN {make.fake.isbn13()}, EAN {make.fake.ean13()}, model {make._filled('LL-####-L')}.",
    lambda make: f"def total(rows): return sum(row[{make._filled('#')}] * {make._filled('#.####')} for row in rows)",
    lambda make: f"From {make.fake.year()} on it rose by {make._filled('#,###,### to #### million')}.",
    lambda make: f"{make._filled('Section #.#.#, page ###')}: {make.fake.sentence()}",
    lambda make: f"lat {make.fake.latitude()}, lon {make.fake.longitude()}, epoch {int(make.fake.unix_time())}",
    lambda make: f"{make.fake.city()}: {make.fake.postcode()}, open 09:00-17:30, {make.fake.date(pattern='%d.%m.%Y')}",
    lambda make: f"max_tokens: {make.dice.randrange(9999)}, token_count = {make._filled('########')}, the token = 12.",
    lambda make: f"eos_token={make.fake.word()} next_page_token={make._hex(12)} token={make.fake.word()}",
    lambda make: f"\n{make._section()} {make.fake.word().title()} {make.fake.word()}@2x.png",
    lambda make: make._filled("pip install requests==#.##.# numpy>=#.# and lodash@#.##.##"),
    lambda make: f"Tracking number {make._filled('############, ticket ######, SK-#####')}.",
)  # fmt: skip
