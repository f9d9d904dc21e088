"""An ACE-Step 1.5 checkpoint of random weights in the true format, small enough to make in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SAMPLE_RATE_HZ = 8000
LATENT_DIM = 4
WIDTH = 32
END_OF_TEXT = "<|endoftext|>"
#: The tokeniser learns its vocabulary from these.
WORDS = """# Instruction Fill the audio semantic mask based on the given conditions: # Caption # Metas - bpm: 120
- timesignature: 4 - keyscale: C major minor - duration: 10 seconds Repaint the mask area based on the given conditions:
Generate audio semantic tokens based on the given conditions: # Languages en unknown # Lyric [verse] [chorus]
[Instrumental] N/A warm soul band slow sad piano night light love rain"""

_LAYERS: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "sliding_window": 8,
}


def build(folder: Path, *, turbo: bool = True, codes: bool = True) -> Path:
    """Writes the checkpoint (0.9 MB) into ``folder``; without ``codes`` it has no audio tokenizer, as some have none.

    25 latents a second as in the released checkpoints, at a sixth of their sample rate.
    """
    import torch
    from diffusers import (
        AceStepPipeline,
        AceStepTransformer1DModel,
        AutoencoderOobleck,
        FlowMatchEulerDiscreteScheduler,
    )
    from diffusers.pipelines.ace_step import (
        AceStepAudioTokenDetokenizer,
        AceStepAudioTokenizer,
        AceStepConditionEncoder,
    )
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = _tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text_encoder = Qwen3Model(Qwen3Config(vocab_size=len(tokenizer), num_hidden_layers=1, **_LAYERS))
        vae = AutoencoderOobleck(
            encoder_hidden_size=8,
            downsampling_ratios=[4, 8, 10],
            channel_multiples=[1, 1, 1],
            decoder_channels=8,
            decoder_input_channels=LATENT_DIM,
            sampling_rate=SAMPLE_RATE_HZ,
        )
        transformer = AceStepTransformer1DModel(
            num_hidden_layers=2,
            in_channels=3 * LATENT_DIM,
            audio_acoustic_hidden_dim=LATENT_DIM,
            is_turbo=turbo,
            model_version="turbo" if turbo else "base",
            **_LAYERS,
        )
        condition_encoder = AceStepConditionEncoder(
            text_hidden_dim=WIDTH,
            timbre_hidden_dim=LATENT_DIM,
            num_lyric_encoder_hidden_layers=1,
            num_timbre_encoder_hidden_layers=1,
            **_LAYERS,
        )
        condition_encoder.silence_latent.normal_(std=0.1)
        levels = {"audio_acoustic_hidden_dim": LATENT_DIM, "num_attention_pooler_hidden_layers": 1, **_LAYERS}
        pipeline = AceStepPipeline(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            transformer=transformer,
            condition_encoder=condition_encoder,
            scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
            audio_tokenizer=AceStepAudioTokenizer(fsq_dim=WIDTH, **levels) if codes else None,
            audio_token_detokenizer=AceStepAudioTokenDetokenizer(**levels) if codes else None,
        )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _tokenizer() -> Any:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator([WORDS], vocab_size=500, special_tokens=[END_OF_TEXT], show_progress=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer, pad_token=END_OF_TEXT, eos_token=END_OF_TEXT, unk_token=END_OF_TEXT
    )
