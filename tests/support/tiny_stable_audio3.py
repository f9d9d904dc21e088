"""A Stable Audio 3 checkpoint in the true format: every part there, a few kilobytes each, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = 16
RATE_HZ = 8000
FRAME = 256


def tokenizer() -> Any:
    from transformers import GemmaTokenizer

    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz0123456789"]
    vocabulary = {piece: number for number, piece in enumerate(special + letters)}
    return GemmaTokenizer(vocab=vocabulary, merges=[], model_max_length=16)


def text_encoder(vocabulary: int) -> Any:
    from transformers import T5GemmaConfig, T5GemmaEncoderModel
    from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig

    module = T5GemmaModuleConfig(
        vocab_size=vocabulary,
        hidden_size=WORDS,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=64,
        sliding_window=64,
        layer_types=["full_attention"],
    )
    config = T5GemmaConfig(encoder=module.to_dict(), decoder=module.to_dict(), is_encoder_decoder=False)
    return T5GemmaEncoderModel(config)


def build(folder: Path, distilled: bool = True, differential: bool = True) -> Path:
    """Writes the checkpoint (stereo 8 kHz) into ``folder``; ``distilled`` False: the base kind."""
    import torch
    from diffusers import (
        AutoencoderSAME,
        FlowMatchEulerDiscreteScheduler,
        StableAudio3DiTModel,
        StableAudio3Pipeline,
    )
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder

    torch.manual_seed(0)
    words = tokenizer()
    pipe = StableAudio3Pipeline(
        vae=AutoencoderSAME(
            audio_channels=2,
            patch_size=64,
            encoder_channels=8,
            encoder_c_mults=(2,),
            encoder_strides=(4,),
            encoder_transformer_depths=(2,),
            latent_dim=8,
            use_differential_attention=differential,
            dim_heads=8,
            ff_mult=2,
            sampling_rate=RATE_HZ,
        ),
        text_encoder=text_encoder(len(words)),
        tokenizer=words,
        duration_embedder=StableAudio3DurationEmbedder(output_dim=WORDS, fourier_dim=16, max_val=20.0),
        transformer=StableAudio3DiTModel(
            io_channels=8,
            embed_dim=64,
            depth=2,
            num_heads=4,
            cond_token_dim=WORDS,
            global_cond_dim=WORDS,
            local_add_cond_dim=9,
            timestep_features_dim=16,
            ff_mult=2,
            num_memory_tokens=3,
            use_differential_attention=differential,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, stochastic_sampling=distilled),
    )
    _fill_zeros(pipe.vae)
    _fill_zeros(pipe.transformer)
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def _fill_zeros(model: Any) -> None:
    """Random numbers for the layers that begin as zeros, without which attention and inpainting do nothing."""
    import torch

    for values in model.parameters():
        if not values.any():
            torch.nn.init.normal_(values, std=0.1)
