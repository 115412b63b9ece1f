"""Varies a whole batch of images at once: mirrored, moved, turned, partly erased. Needs torch.

Images are float (n, channels, height, width) from 0 to 1, before normalisation. All chance comes from the generator
given. Knows nothing of labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from classifier.training.settings import Augmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """Of an augmentation: `shift` as a share of the side, `turn` in degrees, `scale` and `light` as shares."""

    shift: float
    warped: float = 0.0  # share of images that are turned and scaled
    turn: float = 0.0
    scale: float = 0.0
    erased: float = 0.0  # share of images with a patch erased
    light: float = 0.0


_LEVELS = {
    Augmentation.LIGHT: _Level(shift=0.07),
    Augmentation.MEDIUM: _Level(shift=0.07, warped=0.5, turn=8, scale=0.08, erased=0.25),
    Augmentation.STRONG: _Level(shift=0.1, warped=0.8, turn=15, scale=0.15, erased=0.5, light=0.2),
}


def augment(images: Tensor, level: Augmentation, random: Generator, *, mirror: bool = True) -> Tensor:
    """A varied copy of the batch, same shape; what comes in from outside an image is its border's colour.

    Args:
        mirror: half of the images, left to right.
    """
    if level is Augmentation.NONE:
        return images
    how = _LEVELS[level]
    if mirror:
        flipped = torch.rand(len(images), generator=random) < 0.5
        images = torch.where(flipped[:, None, None, None], images.flip(3), images)
    warped = torch.rand(len(images), generator=random) < how.warped
    moved = _shift(images, how, random)
    if how.warped:
        moved = torch.where(warped[:, None, None, None], _warp(images, how, random), moved)
    if how.light:
        moved = _light(moved, how, random)
    return _erase(moved, how, random) if how.erased else moved


def _shift(images: Tensor, how: _Level, random: Generator) -> Tensor:
    """By whole pixels, so that nothing is blurred."""
    n, channels, height, width = images.shape
    most = max(1, round(how.shift * height))
    padded = functional.pad(images, (most, most, most, most), mode="replicate")
    top, left = torch.randint(0, 2 * most + 1, (2, n, 1), generator=random)
    rows = (top + torch.arange(height))[:, None, :, None]
    columns = (left + torch.arange(width))[:, None, None, :]
    numbers = torch.arange(n)[:, None, None, None]
    return padded[numbers, torch.arange(channels)[None, :, None, None], rows, columns]


def _warp(images: Tensor, how: _Level, random: Generator) -> Tensor:
    """Turned, scaled and moved, each within its limit."""
    n = len(images)
    turn, scale_x, scale_y, move_x, move_y = torch.rand(5, n, generator=random) * 2 - 1
    angle = turn * math.radians(how.turn)
    zoom_x, zoom_y = 1 + scale_x * how.scale, 1 + scale_y * how.scale
    # grid_sample's coordinates go from -1 to 1, so a shift is twice its share of the side.
    matrix = torch.stack(
        (
            torch.stack((angle.cos() * zoom_x, -angle.sin() * zoom_y, move_x * 2 * how.shift), 1),
            torch.stack((angle.sin() * zoom_x, angle.cos() * zoom_y, move_y * 2 * how.shift), 1),
        ),
        1,
    )
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _light(images: Tensor, how: _Level, random: Generator) -> Tensor:
    """Contrast about the image's mean, and brightness."""
    contrast, brightness = (torch.rand(2, len(images), 1, 1, 1, generator=random) * 2 - 1) * how.light
    mean = images.mean((1, 2, 3), keepdim=True)
    lit: Tensor = mean + (images - mean) * (1 + contrast) + brightness / 2
    return lit.clamp(0, 1)


def _erase(images: Tensor, how: _Level, random: Generator) -> Tensor:
    """A rectangle of 2 to 20 % of the image, filled with noise (Zhong et al., arXiv:1708.04896)."""
    n, channels, height, width = images.shape
    chosen = torch.rand(n, generator=random) < how.erased
    area = 0.02 + 0.18 * torch.rand(n, generator=random)
    ratio = torch.exp((torch.rand(n, generator=random) * 2 - 1) * math.log(3))
    tall, wide = ((area * ratio).sqrt() * height).clamp(max=height), ((area / ratio).sqrt() * width).clamp(max=width)
    top, left = torch.rand(2, n, generator=random)
    top, left = top * (height - tall), left * (width - wide)
    rows, columns = torch.arange(height)[None, :], torch.arange(width)[None, :]
    in_rows = (rows >= top[:, None]) & (rows < (top + tall)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    inside = in_rows[:, :, None] & in_columns[:, None, :] & chosen[:, None, None]
    noise = torch.rand(n, channels, height, width, generator=random)
    return torch.where(inside[:, None], noise, images)
