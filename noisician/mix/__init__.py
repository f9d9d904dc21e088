"""Mixing and mastering: mono stems to a finished stereo track.

>>> plan = plan_mix([("drums", "standard_kit"), ("bass", "electric_bass")], genres=[("house", 1.0)])
>>> mixdown = mix_stems(stems, plan, seed=7, timing=Timing.of(score), engine=ENGINE)  # doctest: +SKIP
>>> softer = mixdown.mix.adjusted("2", fader_db=-3.0)  # doctest: +SKIP
>>> track = Mixer.of(softer, dry_stems, Timing.of(score)).track()  # doctest: +SKIP
"""

from __future__ import annotations

from noisician.mix.deciding import new_strip
from noisician.mix.levelling import level
from noisician.mix.mastering import Finish, master
from noisician.mix.mixdown import Mixdown, StemAudio, decide_mix, mix_stems
from noisician.mix.mixer import Mixer
from noisician.mix.numbers import ENGINE, WHOLE_ENGINE, MasterNumbers, Mix, Strip
from noisician.mix.plan import MixPlan, StemPlan, plan_mix
from noisician.mix.reach import changed_span, reach
from noisician.mix.settings import MixSettings, mix_settings
from noisician.mix.sources import ALL_CORES, Threads
from noisician.mix.timing import Timing

__all__ = [
    "ALL_CORES",
    "ENGINE",
    "WHOLE_ENGINE",
    "Finish",
    "MasterNumbers",
    "Mix",
    "MixPlan",
    "MixSettings",
    "Mixdown",
    "Mixer",
    "StemAudio",
    "StemPlan",
    "Strip",
    "Threads",
    "Timing",
    "changed_span",
    "decide_mix",
    "level",
    "master",
    "mix_settings",
    "mix_stems",
    "new_strip",
    "plan_mix",
    "reach",
]
