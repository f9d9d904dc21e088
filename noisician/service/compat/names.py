"""What other music APIs call a field of a request: who sends such a name is told ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: ACE-Step's REST calls, Stability's and Stable Audio's, diffusers' pipelines, ElevenLabs'.
OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "caption": "prompt",
        "audio_duration": "duration_s",
        "audio_end_in_s": "duration_s",
        "music_length_ms": "duration_s",
        "key_scale": "key",
        "keyscale": "key",
        "timesignature": "time_signature",
        "inference_steps": "steps",
        "num_inference_steps": "steps",
        "cfg_scale": "guidance_scale",
        "batch_size": "takes",
        "num_waveforms_per_prompt": "takes",
        "use_random_seed": "seed",
        "instrumental": "vocals",
        "force_instrumental": "vocals",
        "vocal_language": "language",
        "src_audio": "init_audio",
        "init_noise_level": "strength",
        "audio_cover_strength": "strength",
        "repainting_start": "repaint",
        "repainting_end": "repaint",
    }
)
