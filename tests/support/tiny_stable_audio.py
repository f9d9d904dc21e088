"""A Stable Audio Open checkpoint in the true format: every part there, a few kilobytes each, random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VOCABULARY = ("▁", "▁a", "▁slow", "▁piano", "▁noise", *"abcdefghijklmnopqrstuvwxyz0123456789")
WINDOW_FRAMES = 48
RATE_HZ = 8000
HOP = 256


def tokenizer() -> Any:
    from transformers import T5Tokenizer

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0)]
    words = [(piece, -2.0 - number / 10) for number, piece in enumerate(VOCABULARY)]
    return T5Tokenizer(vocab=special + words, extra_ids=0, model_max_length=16)


def cosine_scheduler() -> Any:
    """What the published checkpoint samples with: DPM-Solver++ with noise of a Brownian tree."""
    from diffusers import CosineDPMSolverMultistepScheduler

    return CosineDPMSolverMultistepScheduler()


def edm_scheduler() -> Any:
    """What the pipeline's signature names."""
    from diffusers import EDMDPMSolverMultistepScheduler

    return EDMDPMSolverMultistepScheduler(
        sigma_min=0.3, sigma_max=500, sigma_data=1.0, prediction_type="v_prediction", sigma_schedule="exponential"
    )


def build(folder: Path, scheduler: Any = None) -> Path:
    """Writes the checkpoint (about 1.5 s of mono 8 kHz at most) into ``folder``."""
    import torch
    from diffusers import AutoencoderOobleck, StableAudioDiTModel, StableAudioPipeline
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    words = tokenizer()
    encoder = T5Config(vocab_size=len(words), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    pipe = StableAudioPipeline(
        vae=AutoencoderOobleck(
            encoder_hidden_size=8,
            downsampling_ratios=[4, 8, 8],
            channel_multiples=[1, 2, 2],
            decoder_channels=8,
            decoder_input_channels=4,
            audio_channels=2,
            sampling_rate=RATE_HZ,
        ),
        text_encoder=T5EncoderModel(encoder),
        projection_model=StableAudioProjectionModel(16, 16, min_value=0, max_value=512),
        tokenizer=words,
        transformer=StableAudioDiTModel(
            sample_size=WINDOW_FRAMES,
            in_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=4,
            num_key_value_attention_heads=2,
            out_channels=4,
            cross_attention_dim=32,
            time_proj_dim=8,
            global_states_input_dim=32,
            cross_attention_input_dim=16,
        ),
        scheduler=scheduler or cosine_scheduler(),
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder
