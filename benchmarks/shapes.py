"""Published shapes of other people's networks, filled with random numbers: speed does not depend on them."""

from __future__ import annotations

from typing import Any


def stable_audio_3_small_networks() -> tuple[Any, Any]:
    """(transformer, autoencoder) of Stable Audio 3 small with random numbers: 459 M numbers, 1024 wide, 20 deep; and
    SAME-S, whose shape is diffusers' default."""
    from diffusers import AutoencoderSAME, StableAudio3DiTModel

    transformer = StableAudio3DiTModel(embed_dim=1024, depth=20, num_heads=16, use_differential_attention=False)
    autoencoder = AutoencoderSAME()
    _fill_zeros(transformer)
    _fill_zeros(autoencoder)
    return transformer, autoencoder


def _fill_zeros(model: Any) -> None:
    """Layers that begin as zeros would make the network do nothing at all."""
    import torch

    for values in model.parameters():
        if not values.any():
            torch.nn.init.normal_(values, std=0.02)
