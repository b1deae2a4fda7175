"""Numbers as bitmaps, one for each bit: ranges, order and rank of a million rows by a few dozen intersections.

This is a bit-sliced index (O'Neil and Quass, "Improved Query Performance with Variant Indexes", SIGMOD 1997) over
roaring bitmaps. A number is a code of 64 bits without a sign, in the order of the numbers (`fields.code_of`).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from itertools import compress
from random import Random

from pyroaring import BitMap

BITS = 64
CONTAINER = 1 << 16
"""Ids that share one container of a roaring bitmap, and are read from the server together."""
SPARSE = 4096
"""A container with up to so many ids is a sorted array in the portable format, above it 65,536 bits
(github.com/RoaringBitmap/RoaringFormatSpec)."""
FLAGS = tuple(bytes(byte >> bit & 1 for byte in range(256)) for bit in range(8))
DIGITS = tuple(bytes(48 + (byte >> bit & 1) for byte in range(256)) for bit in range(8))


class BitSliced:
    """The numbers of one field: who has one, and for each bit who has it set."""

    def __init__(self) -> None:
        self.present = BitMap()
        self.slices = [BitMap() for _ in range(BITS)]

    def replace(self, covered: BitMap, part: BitSliced) -> None:
        """Takes the numbers of `covered` from `part`; who has none there has none."""
        for mine, theirs in zip((self.present, *self.slices), (part.present, *part.slices), strict=True):
            mine -= covered
            mine |= theirs

    def compact(self) -> None:
        """Stores what is alike in long runs as runs."""
        for slice_ in (self.present, *self.slices):
            slice_.run_optimize()

    # Asking -------------------------------------------------------------------------------------------------------

    def between(self, low: int | None, high: int | None) -> BitMap:
        """Who has a number from `low` to `high`, codes, both among them."""
        found = self.present.copy() if low is None else self._at_least(low)
        if high is not None and high < (1 << BITS) - 1:
            found -= self._at_least(high + 1)
        return found

    def _at_least(self, code: int) -> BitMap:
        above, level = BitMap(), self.present
        for bit in range(BITS - 1, -1, -1):
            if not level:
                break
            ones = level & self.slices[bit]
            if code >> bit & 1:
                level = ones
            else:
                above |= ones
                level = level - ones
        return above | level

    def window(self, among: BitMap, start: int, count: int, *, descending: bool) -> list[int]:
        """The ids at `start` and after in the order of the numbers, ties in the order of the ids; who has no number is
        left out."""
        found: list[int] = []
        waiting = [(among & self.present, BITS - 1)]
        while waiting and len(found) < count:
            part, bit = waiting.pop()
            if start >= len(part):
                start -= len(part)
            elif bit < 0 or len(part) == 1:
                found += in_order(part, start, count - len(found), descending=descending)
                start = 0
            else:
                ones = part & self.slices[bit]
                zeros = part - ones if len(ones) < len(part) else BitMap()
                first, then = (ones, zeros) if descending else (zeros, ones)
                waiting += [(then, bit - 1), (first, bit - 1)]
        return found

    def rank(self, among: BitMap, one: int, *, descending: bool) -> int:
        """How many of `among` come before `one`, which has a number and is among them."""
        before, part = 0, among & self.present
        for bit in range(BITS - 1, -1, -1):
            ones = part & self.slices[bit]
            if one in self.slices[bit]:
                before += 0 if descending else len(part) - len(ones)
                part = ones
            else:
                before += len(ones) if descending else 0
                part = part - ones
        return before + place_in(part, one, descending=descending)


def in_order(ids: BitMap, start: int, count: int, *, descending: bool) -> list[int]:
    """The ids at `start` and after, by id."""
    size = len(ids)
    if start >= size:
        return []
    if not descending:
        return list(ids[start : min(size, start + count)])
    return list(ids[max(0, size - start - count) : size - start])[::-1]


def place_in(ids: BitMap, one: int, *, descending: bool) -> int:
    """How many ids come before `one`, which is among them."""
    up_to = int(ids.rank(one))
    return len(ids) - up_to if descending else up_to - 1


# Making ---------------------------------------------------------------------------------------------------------------


def ids_of(data: bytes) -> BitMap:
    """The ids in a run of big-endian integers of four bytes, as the server sends them."""
    return BitMap(as_array(data))


def as_array(data: bytes) -> array[int]:
    """Big-endian integers of four bytes."""
    ids = array("I", data)
    ids.byteswap()
    return ids


def sliced(ids: Sequence[int], present: bytes, numbers: bytes, *, doubles: bool) -> BitSliced:
    """The numbers of `ids`: a byte for each that says whether it has one, and eight bytes each, big-endian, as the
    server sends a bigint or a double."""
    made = BitSliced()
    made.present = members(ids, present, 0)
    for place in range(8):
        plane = numbers[place::8]
        if not plane.strip(b"\x00"):
            continue  # small numbers: most planes are empty
        for bit in range(8):
            made.slices[BITS - 1 - 8 * place - (7 - bit)] = members(ids, plane, bit) & made.present
    negative = made.slices[-1]
    if doubles and negative:
        # All bits of a negative double are turned around, so that the smaller one has the smaller code.
        for slice_ in made.slices[:-1]:
            slice_ ^= negative
    made.slices[-1] = made.present - negative
    return made


def members(ids: Sequence[int], plane: bytes, bit: int) -> BitMap:
    """The ids whose byte in `plane` has a bit set."""
    first = ids[0] if len(ids) else 0
    if isinstance(ids, range) and len(ids) <= CONTAINER and first % CONTAINER == 0:
        bits = int(plane[::-1].translate(DIGITS[bit]), 2)
        size = bits.bit_count()
        if size > SPARSE:
            header = struct.pack("<IIHHI", 12346, 1, first // CONTAINER, size - 1, 16)
            return BitMap.deserialize(header + bits.to_bytes(CONTAINER // 8, "little"))
        if not size:
            return BitMap()
    return BitMap(array("I", compress(ids, plane.translate(FLAGS[bit]))))


# Reckoning ------------------------------------------------------------------------------------------------------------

Digits = Sequence[BitMap]
"""A whole number from 0 for each of some ids: who has bit 0 set, who has bit 1, and so on."""


def digits_of(numbers: BitSliced, among: BitMap, width: int) -> Digits:
    """The lowest `width` bits of the numbers that `among` have, none of which is negative."""
    return [slice_ & among for slice_ in numbers.slices[:width]]


def constant(among: BitMap, value: int, width: int) -> Digits:
    """The same number for each of `among`."""
    return [among if value >> bit & 1 else BitMap() for bit in range(width)]


def apart(one: Digits, other: Digits) -> Digits:
    """How far two numbers are apart, whichever is larger; both are as wide."""
    borrow, less = BitMap(), []
    for mine, theirs in zip(one, other, strict=True):
        less.append(mine ^ theirs ^ borrow)
        borrow = ((theirs | borrow) - mine) | (theirs & borrow)
    # Where something had to be borrowed in the end, the difference is negative: its two's complement is turned around.
    carry, found = borrow, []
    for digit in less:
        turned = digit ^ borrow
        found.append(turned ^ carry)
        carry = turned & carry
    return found


def plus(one: Digits, other: Digits) -> Digits:
    """The sums of two numbers that are as wide, one bit wider."""
    carry, found = BitMap(), []
    for mine, theirs in zip(one, other, strict=True):
        found.append(mine ^ theirs ^ carry)
        carry = (mine & theirs) | ((mine | theirs) & carry)
    return [*found, carry]


def as_sliced(among: BitMap, digits: Digits) -> BitSliced:
    """Numbers that can be asked for order and rank."""
    made = BitSliced()
    made.present = among
    made.slices[: len(digits)] = digits
    made.slices[-1] = among  # code_of() of what is not negative
    return made


def shuffled(up_to: int, seed: int) -> BitSliced:
    """A random number for each id from 0 to `up_to`, the same ones for the same `seed`: their order is a shuffle, in
    which a container of 65,536 ids costs `RANDOM_BITS` strings of random bytes and no loop over ids."""
    luck, made = Random(seed), BitSliced()  # noqa: S311 - an order, no secret
    size = CONTAINER // 8
    for container in range(up_to // CONTAINER + 1):
        for bit in range(RANDOM_BITS):
            bits = luck.randbytes(size)
            header = struct.pack("<IIHHI", 12346, 1, container, int.from_bytes(bits, "little").bit_count() - 1, 16)
            made.slices[bit] |= BitMap.deserialize(header + bits)
    made.present.add_range(0, (up_to // CONTAINER + 1) * CONTAINER)
    return made


RANDOM_BITS = 24
"""Bits of a random number: of a million, hardly any two are alike, and ties go by id."""
