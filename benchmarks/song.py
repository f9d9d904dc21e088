"""How fast a song with words is made, and the voice alone.

    python benchmarks/song.py [--repeats 3]

The song is made in one process after a first one has loaded the models; the voice alone sings the same lines on one
core. ``real-time factor`` is seconds of work a second of music.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median
from typing import Any

from common import markdown_table, publish

PROMPT = "80s power ballad, female voice"
LENGTH_S = 60.0
SEED = 3
LYRICS = """[Verse]
I was walking down the empty street tonight
Every window held a little golden light
And the rain was falling softly on the ground
But my heart was singing louder than the sound

[Chorus]
Hold me closer, never let me go
You're the only home I'll ever know
(ever know)
Through the fire and the falling snow
Hold me closer, never let me go
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    from noisician.models.embedded import EmbeddedModel
    from noisician.models.support import checked
    from noisician.request import Request

    model = EmbeddedModel()
    request = Request(prompt=PROMPT, lyrics=LYRICS, duration_s=LENGTH_S, seed=SEED)
    music = model.generate(checked(request, model.capabilities))
    factors = []
    for number in range(options.repeats):
        begun = time.perf_counter()
        again = request.model_copy(update={"seed": SEED + 1 + number})
        music = model.generate(checked(again, model.capabilities))
        factors.append((time.perf_counter() - begun) / music.duration_s)
    assert music.score is not None
    players = sum(track.instrument != "voice" for track in music.score.tracks)
    voice = voice_alone(model, music, options.repeats)
    figures = {
        "song_real_time_factor": median(factors),
        "song_length_s": music.duration_s,
        "song_players": players,
        "song_cores": len(os.sched_getaffinity(0)),
        "voice_times_real_time_one_core": voice,
    }
    rows = [[name, f"{value:.3g}"] for name, value in figures.items()]
    publish("song", markdown_table(["figure", "value"], rows), figures)


def voice_alone(model: Any, music: Any, repeats: int) -> float:
    """How many seconds of singing one core makes in a second."""
    from noisician.mel import SAMPLE_RATE_HZ
    from noisician.models.embedded.cast import Casting, cast
    from noisician.vocals.song import Song

    song = Song.from_dict(music.recipe.settings["song"])
    lead = cast(song, Casting(music.score, (("pop", 1.0),), (), music.seed, PROMPT))[0]
    speeds = []
    for _ in range(repeats):
        begun, sung_s = time.perf_counter(), 0.0
        for phrase in lead.phrases:
            _, audio = model._singer.phrase(phrase)
            sung_s += len(audio) / SAMPLE_RATE_HZ
        speeds.append(sung_s / (time.perf_counter() - begun))
    return median(speeds)


if __name__ == "__main__":
    main()
