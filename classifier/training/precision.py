"""Whether a network computes in half precision on a device. Needs torch. Knows nothing of networks."""

from __future__ import annotations

import torch

from classifier.training.settings import Precision


def offers_half(device: torch.device, precision: Precision) -> bool:
    """Whether to compute in bfloat16 there: as asked for, and where the device has instructions for it."""
    if precision is Precision.SINGLE:
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    # Without such instructions torch would convert at every operation, and be slower than in single precision.
    offers = torch.cpu.get_capabilities()
    return precision is Precision.HALF and bool(offers.get("avx512_bf16") or offers.get("amx_bf16"))
