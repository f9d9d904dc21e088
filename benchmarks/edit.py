"""How soon an edit of a finished piece is heard, and that it leaves everything else alone.

    python benchmarks/edit.py [--length 60] [--repeats 3]

The piece has six players and its windows, pieces and chunks lie in a cache, as after it was made in the same process.
An edit is timed until the first second that it changes has been handed over, and until its whole track is there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
from common import markdown_table, publish

from noisician.cache import MemoryCache
from noisician.edits import edits_from
from noisician.models.embedded import EmbeddedModel
from noisician.models.protocol import Progress, Run
from noisician.models.support import checked
from noisician.music import Music
from noisician.piece import Piece, piece_of
from noisician.recipe import Recipe
from noisician.request import Request

REQUEST = Request(prompt="pop rock with piano, electric guitar and strings", seed=5, genres=("pop",))
CACHE_BYTES = 1 << 30
MIDDLE = 0.4


def edits_of(piece: Piece, turn: int) -> Mapping[str, dict[str, Any]]:
    """What is timed, by name; each turn asks for something that no cache has."""
    first = max(1, round(MIDDLE * piece.plan.bars))
    bass = piece.notes["bass"]
    note = bass[int(MIDDLE * len(bass)) + turn]
    return {
        "one player, four bars regenerated": {
            "op": "regenerate", "players": ["bass"], "bars": [[first, first + 3]], "seed": 100 + turn,
        },
        "one note moved": {"op": "notes", "player": "bass", "change": [{"id": note.id, "pitch": note.pitch + 2}]},
        "gain of one player": {"op": "mix", "player": "bass", "gain_db": -1.0 - turn},
    }  # fmt: skip


def timed_edit(model: EmbeddedModel, recipe: Recipe, edit: dict[str, Any]) -> tuple[float, float, float]:
    """Seconds until the first that changes can be played and until all can; processor seconds of the whole."""
    first: list[float] = []

    def hear(progress: Progress) -> None:
        if progress.excerpt is not None:
            first.append(time.perf_counter() - begun)

    processor_s, begun = time.process_time(), time.perf_counter()
    model.edit(recipe, edits_from([edit]), Run(hear, excerpt=True))
    return first[0], time.perf_counter() - begun, time.process_time() - processor_s


def untouched(before: Music, after: Music, player: str) -> tuple[bool, float]:
    """Whether all other stems kept their bits, and how many seconds of the track changed."""
    same = all(np.array_equal(stem, after.stems[name]) for name, stem in before.stems.items() if player not in name)
    changed = np.flatnonzero((before.audio != after.audio).any(axis=1))
    return same, float(changed[-1] - changed[0] + 1) / before.sample_rate_hz if len(changed) else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Edits of a finished piece.")
    parser.add_argument("--length", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    model = EmbeddedModel(cache=MemoryCache(CACHE_BYTES))
    request = REQUEST.model_copy(update={"duration_s": options.length})
    made = model.generate(checked(request, model.capabilities), Run(keep_stems=True))
    recipe = made.recipe
    piece = piece_of(recipe)
    assert piece is not None
    model.replay(recipe)
    timed: dict[str, list[tuple[float, float, float]]] = {}
    for turn in range(options.repeats):
        for name, edit in edits_of(piece, turn).items():
            timed.setdefault(name, []).append(timed_edit(model, recipe, edit))
    processor_s, begun = time.process_time(), time.perf_counter()
    model.replay(recipe)
    unchanged_s = time.perf_counter() - begun, time.process_time() - processor_s
    after = model.edit(
        recipe, edits_from([edits_of(piece, 0)["one player, four bars regenerated"]]), Run(keep_stems=True)
    )
    same, changed_s = untouched(made, after, "bass")
    rows: list[list[object]] = []
    for name, times in timed.items():
        first_s, whole_s, processor_s = zip(*times, strict=True)
        rows.append([name, median(first_s), max(first_s), median(whole_s), max(whole_s), median(processor_s)])
    rows += [
        ["nothing changed", "", "", unchanged_s[0], "", unchanged_s[1]],
        ["other stems bit-identical", str(same), "", "", "", ""],
        ["seconds of the track that changed", changed_s, "", "", "", ""],
    ]
    figures = {"players": len(piece.plan.players), "bars": piece.plan.bars, "timed_s": timed, "changed_s": changed_s}
    header = ("edit", "first heard, median s", "slowest s", "whole track, median s", "slowest s", "processor s")
    publish("edit", markdown_table(header, rows), {**figures, "unchanged_s": unchanged_s})


if __name__ == "__main__":
    main()
