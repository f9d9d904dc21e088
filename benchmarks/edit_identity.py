"""That edits leave alone what they do not name: random edits of short pieces of many genres, compared bit for bit.

    python benchmarks/edit_identity.py [--genres 20] [--edits 10] [--length 12] [--seed 1]

Each edit is drawn for a piece as it was made, applied with the real weights and held against it: the dry stems of
players whom it does not name, those of the others outside the windows that differ, and the track outside the edit's
reach. Then it is taken back: by the edit that is its inverse, where there is one, and else by opening its parent.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import markdown_table, publish

from noisician.cache import ArrayCache, MemoryCache
from noisician.edits import edits_from
from noisician.errors import RequestError
from noisician.mel import FRAME_RATE_HZ, SAMPLE_RATE_HZ
from noisician.mix import StemAudio, Timing
from noisician.mix.reach import reach
from noisician.models.embedded import EmbeddedModel
from noisician.models.embedded.apply import Edited
from noisician.models.embedded.outlook import HEARD_AFTER_FRAMES, HEARD_BEFORE_FRAMES, outlook_of
from noisician.models.embedded.play import Networks, frames_of, part_of, played_samples, rendered_stems
from noisician.models.protocol import Stages
from noisician.models.support import checked
from noisician.music import Music
from noisician.piece import Piece, piece_of
from noisician.recipe import Recipe
from noisician.renderer import Preview
from noisician.request import Request
from noisician.styles import table

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from random_edits import KINDS, Drawn, drawn_edit

CACHE_BYTES = 1 << 29
#: An edit that cannot be done is drawn again, at most this often.
DRAWS_LIMIT = 30
REACH_LIMIT_S = 3.0


@dataclass
class Desk:
    """A model that keeps the dry stems of what it played last, by player id."""

    dry: dict[str, np.ndarray] = field(default_factory=dict)

    def model(self) -> EmbeddedModel:
        return EmbeddedModel(player_stems=self._stems, cache=MemoryCache(CACHE_BYTES))

    def _stems(
        self, piece: Piece, networks: Networks, stages: Stages, preview: Preview, cache: ArrayCache
    ) -> Iterator[StemAudio]:
        self.dry = {}
        made = rendered_stems(piece, networks, stages, preview, cache)
        for player, stem in zip(piece.plan.players, made, strict=True):
            self.dry[player.id] = stem.samples.T  # samples first, of kits with their side
            yield stem


@dataclass(frozen=True)
class Made:
    """A piece as it was made: its music, its dry stems, and another version that lends bars."""

    music: Music
    piece: Piece
    dry: Mapping[str, np.ndarray]
    lender: Recipe


def opened(recipe: Recipe) -> Piece:
    piece = piece_of(recipe)
    if piece is None:
        raise SystemExit("the recipe holds no piece")
    return piece


def made(desk: Desk, model: EmbeddedModel, genre: str, seed: int, length_s: float) -> Made:
    request = Request(genres=(genre,), duration_s=length_s, seed=seed)
    music = model.generate(checked(request, model.capabilities))
    dry, piece = desk.dry, opened(music.recipe)
    columns = () if piece.grid is None else piece.grid.columns
    line = next(player.id for player in piece.plan.players if player.id in columns)
    lender = model.edit(
        music.recipe, edits_from([{"op": "regenerate", "players": [line], "bars": [[1, 1]], "seed": 77}])
    )
    return Made(music, piece, dry, lender.recipe)


def outside(spans: Sequence[tuple[int, int]], samples: int) -> np.ndarray:
    """bool ``[samples]``: what lies in none of the spans (first sample, last + 1)."""
    free = np.ones(samples, bool)
    for first, last in spans:
        free[max(0, first) : max(0, last)] = False
    return free


def windows_of(model: EmbeddedModel, before: Piece, after: Piece, player: str) -> list[tuple[int, int]]:
    """The samples that a player's changed windows reach, ringing and the vocoder's surroundings included."""
    changed = model.networks.renderer.changed_windows(
        (part_of(before, before.plan.player(player)), frames_of(played_samples(before)), before.render),
        (part_of(after, after.plan.player(player)), frames_of(played_samples(after)), after.render),
    )
    hop = SAMPLE_RATE_HZ / FRAME_RATE_HZ
    return [
        (round((first - HEARD_BEFORE_FRAMES) * hop), round((last + HEARD_AFTER_FRAMES) * hop))
        for first, last, _ in changed
    ]


def dry_findings(
    model: EmbeddedModel, there: Made, after: Piece, dry: Mapping[str, np.ndarray], drawn: Drawn
) -> dict[str, bool]:
    """Whether players kept their bits: those who are not named everywhere, the others outside their windows."""
    same, within = True, True
    for id_, old in there.dry.items():
        if id_ not in dry:
            continue
        new = dry[id_]
        if id_ not in drawn.touched:
            same &= np.array_equal(old, new)
        elif len(old) == len(new):
            free = outside(windows_of(model, there.piece, after, id_), len(old))
            within &= np.array_equal(old[free], new[free])
    return {"untouched players": same, "touched players outside their windows": within}


def track_finding(there: Made, music: Music, heard_s: Sequence[tuple[float, float]]) -> dict[str, bool]:
    """Whether the track is the same outside what is said to be heard."""
    old, new = there.music.audio, music.audio
    spans = [(int(start * SAMPLE_RATE_HZ), int(np.ceil(end * SAMPLE_RATE_HZ))) for start, end in heard_s]
    if len(old) != len(new):
        return {}
    free = outside(spans, len(old))
    return {"track outside the reach": np.array_equal(old[free], new[free])}


def rounded(piece: Piece) -> Piece:
    """The piece without the last bits of its duration: that of a tempo is a quotient, and comes back nearly."""
    return replace(piece, plan=replace(piece.plan, duration_s=round(piece.plan.duration_s, 9)))


def back_findings(model: EmbeddedModel, there: Made, music: Music, drawn: Drawn) -> dict[str, bool]:
    """Whether taking the edit back gives the piece and the samples of before."""
    if drawn.inverse is None:
        back = model.replay(there.music.recipe)
        return {"parent: same samples": np.array_equal(back.audio, there.music.audio)}
    back = model.edit(music.recipe, edits_from([drawn.inverse]))
    piece = opened(back.recipe)
    return {
        "inverse: same piece": rounded(piece) == rounded(there.piece),
        "inverse: same samples": np.array_equal(back.audio, there.music.audio),
    }


def findings_of(desk: Desk, model: EmbeddedModel, there: Made, drawn: Drawn) -> tuple[dict[str, bool], float]:
    """What one edit shows, and how many seconds it is heard beyond its windows at most (0 where nothing is local)."""
    edits, others = edits_from([drawn.edit]), lambda source: there.lender
    music = model.edit(there.music.recipe, edits, others=others)
    dry, after = desk.dry, opened(music.recipe)
    outlook = outlook_of(there.piece, Edited(after), model.networks.renderer, (), ())
    found = dry_findings(model, there, after, dry, drawn) | track_finding(there, music, outlook.heard_s)
    return found | back_findings(model, there, music, drawn), reach_s(there.piece, drawn)


def reach_s(piece: Piece, drawn: Drawn) -> float:
    """How many seconds before or after a change of a touched player's stem the track may change at most."""
    assert piece.mix is not None
    there = {strip.key for strip in piece.mix.strips}
    return max((max(reach(piece.mix, Timing.of(piece.score), key)) for key in drawn.touched & there), default=0.0)


def of_genre(genre: str, count: int, seed: int, length_s: float) -> Iterator[tuple[str, Drawn, dict[str, bool], float]]:
    desk, rng = Desk(), np.random.default_rng([seed, *genre.encode()])
    model = desk.model()
    there = made(desk, model, genre, seed, length_s)
    done, kinds = 0, list(KINDS)
    for turn in range(count * DRAWS_LIMIT):
        if done == count:
            return
        kind = kinds[(int(rng.integers(len(kinds))) + turn) % len(kinds)]
        drawn = drawn_edit(kind, there.piece, rng)
        if drawn is None:
            continue
        try:
            found, reach_s = findings_of(desk, model, there, drawn)
        except RequestError:  # an edit that cannot be done here
            continue
        done += 1
        yield kind, drawn, found, reach_s


def main() -> None:
    parser = argparse.ArgumentParser(description="What edits leave alone.")
    parser.add_argument("--genres", type=int, default=20)
    parser.add_argument("--edits", type=int, default=10)
    parser.add_argument("--length", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = list(table("genres"))
    chosen = [names[place * len(names) // options.genres] for place in range(options.genres)]
    asked, held, kinds, reaches = Counter[str](), Counter[str](), Counter[str](), []
    failures: list[dict[str, Any]] = []
    for genre in chosen:
        for kind, drawn, found, reach_s in of_genre(genre, options.edits, options.seed, options.length):
            kinds[kind] += 1
            reaches.append(reach_s)
            for name, holds in found.items():
                asked[name] += 1
                held[name] += holds
                if not holds:
                    failures.append({"genre": genre, "edit": dict(drawn.edit), "what": name})
                    print(f"{genre}: {name}: {drawn.edit}", file=sys.stderr, flush=True)
        print(f"{genre}: {sum(kinds.values())} edits", file=sys.stderr, flush=True)
    rows = [[name, held[name], asked[name]] for name in asked]
    rows += [
        [f"reach of the mix at most {REACH_LIMIT_S:g} s", sum(one <= REACH_LIMIT_S for one in reaches), len(reaches)]
    ]
    figures = {"genres": chosen, "edits": dict(kinds), "held": dict(held), "asked": dict(asked), "failures": failures}
    publish("edit_identity", markdown_table(("what", "holds", "of"), rows), figures)


if __name__ == "__main__":
    main()
