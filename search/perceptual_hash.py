"""A perceptual hash: 64 bits that are nearly the same for two files of one picture.

Works with decoded pictures. Knows nothing of what is a duplicate, see `search/near_duplicates.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from search.encoder import Picture

SIDE = 32
KEPT = 8
"""Frequencies along each axis."""

HASH_BITS = KEPT * KEPT

_REDUCING_GAP = 3.0
"""Large photos are first reduced by a whole number, to this many times SIDE at least: fast, and to the eye the same."""


def compute_phash(picture: Picture) -> str:
    """16 hex digits.

    The picture is made 32 pixels square and grey; of its discrete cosine transform the 8 * 8 lowest frequencies without
    the constant row and column count, each by whether it is above their median. C. Zauner, "Implementation and
    benchmarking of perceptual image hash functions", thesis, Hagenberg 2010, section 3.2.1 (the DCT hash of pHash).
    """
    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=_REDUCING_GAP).convert("L")
    waves = dctn(np.asarray(small, np.float64), norm="ortho")[1 : KEPT + 1, 1 : KEPT + 1].ravel()
    return np.packbits(waves > np.median(waves)).tobytes().hex()


def count_differing_bits(one: str, other: str) -> int:
    """0 for one picture, about 32 for two that have nothing to do with each other.

    Raises:
        ValueError: something that is no number in hex.
    """
    return (int(one, 16) ^ int(other, 16)).bit_count()


def to_numbers(hashes: Sequence[str]) -> NDArray[np.uint64]:
    """Hashes as numbers of 64 bits, shape (hashes,).

    Raises:
        ValueError: something that is no number in hex, or has more bits.
    """
    joined = "".join(phash.rjust(HASH_BITS // 4, "0") for phash in hashes)
    return np.frombuffer(bytes.fromhex(joined), ">u8").astype(np.uint64)


def count_bits(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """How many bits of each number are set, shape kept: sums of pairs, of fours, of bytes, of all.

    H. S. Warren, "Hacker's Delight", 2nd edition 2012, section 5-1; NumPy has a function of its own from 2.0 on only.
    """
    pairs = numbers - ((numbers >> _ONE) & _PAIRS)
    fours = (pairs & _FOURS) + ((pairs >> _TWO) & _FOURS)
    with np.errstate(over="ignore"):  # a product of one number tells of it, one of an array does not
        return np.asarray((((fours + (fours >> _FOUR)) & _BYTES) * _SUM) >> _TOP, np.uint64)


_ONE, _TWO, _FOUR, _TOP = (np.uint64(shift) for shift in (1, 2, 4, 56))
_PAIRS, _FOURS, _BYTES, _SUM = (np.uint64(byte * 0x0101010101010101) for byte in (0x55, 0x33, 0x0F, 0x01))
