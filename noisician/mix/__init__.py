"""Mixing and mastering: mono stems to a finished stereo track.

>>> plan = plan_mix([("drums", "standard_kit"), ("bass", "electric_bass")], genres=[("house", 1.0)])
>>> mixdown = mix_stems(stems, plan, seed=7, timing=Timing.of(score))  # doctest: +SKIP
"""

from __future__ import annotations

from noisician.mix.levelling import level
from noisician.mix.mastering import Finish, master
from noisician.mix.mixdown import Mixdown, StemAudio, Timing, mix_stems
from noisician.mix.plan import VOICE, MixPlan, StemPlan, plan_mix
from noisician.mix.settings import MixSettings, mix_settings

__all__ = [
    "VOICE",
    "Finish",
    "MixPlan",
    "MixSettings",
    "Mixdown",
    "StemAudio",
    "StemPlan",
    "Timing",
    "level",
    "master",
    "mix_settings",
    "mix_stems",
    "plan_mix",
]
