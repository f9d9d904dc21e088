"""Does the same recipe give the same samples, whatever is made beside it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from noisician.composer import Composer, ComposerSettings, make_plan
from noisician.evaluate.prompts import Prompt, prompts
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row, percent
from noisician.mel import HOP
from noisician.models.embedded import EmbeddedModel
from noisician.models.embedded.play import part_of
from noisician.models.support import checked
from noisician.music import Music
from noisician.piece import piece_of
from noisician.prompt import understand
from noisician.recipe import Recipe
from noisician.renderer import Part, Renderer, RenderSettings
from noisician.vocoder import Vocoder
from noisician.vocoder.synthesis import PIECE_FRAMES as PIECE
from noisician.weights import open_network

#: Each prompt is rendered several times over, so a few of them must do.
MOST_PROMPTS = 3
THREADS_TOLERANCE = 1e-4
SAME_TWICE = "the same request twice"
FROM_RECIPE = "from the recipe's JSON, models loaded anew"
WINDOW_ALONE = "a window rendered alone or among others"
PIECE_ALONE = "a stem's beginning made alone or with the rest"
THREADS = "networks on one thread or two, samples"
COMPOSER_THREADS = "composer on one thread or two"


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a check and prompt: the largest difference in samples (mels: nats)."""
    chosen = prompts("beat")[: min(settings.prompts, MOST_PROMPTS)]
    model = EmbeddedModel()
    for number, prompt in enumerate(chosen):
        for check, difference in _checks(model, prompt, settings):
            yield (number + 1) / len(chosen), {"prompt": prompt.text, "check": check, "difference": difference}


def _checks(model: EmbeddedModel, prompt: Prompt, settings: EvaluateSettings) -> Iterator[tuple[str, float]]:
    asked = checked(prompt.request(settings.duration_s, settings.seed), model.capabilities)
    music = model.generate(asked)
    yield SAME_TWICE, difference(music.audio, model.generate(asked).audio)
    again = EmbeddedModel().replay(Recipe.from_json(music.recipe.to_json()))
    yield FROM_RECIPE, difference(music.audio, again.audio)
    yield COMPOSER_THREADS, difference(_composed(1, prompt, settings), _composed(2, prompt, settings))
    yield from _parts_checks(music)


def _parts_checks(music: Music) -> Iterator[tuple[str, float]]:
    """The renderer's and vocoder's promises on the parts of one track."""
    parts = parts_of(music)
    frames, settings = len(music.audio) // HOP, RenderSettings()
    renderer = Renderer()
    together = renderer.render(parts, frames, settings)
    busiest = max(range(len(parts)), key=lambda number: _pitched_notes(parts[number]))
    mel, part = together[busiest], parts[busiest]
    (alone,) = renderer.render([part], frames, settings)
    yield WINDOW_ALONE, difference(mel, alone)
    vocoder = Vocoder()
    whole = vocoder.synthesise(mel, part.notes, part.instrument, part.noise)
    # One piece and the context it sees, instead of everything.
    beginning = vocoder.synthesise(mel[: 2 * PIECE], part.notes, part.instrument, part.noise)
    yield PIECE_ALONE, difference(whole[: min(PIECE * HOP, len(beginning))], beginning[: PIECE * HOP])
    yield THREADS, difference(_on_threads(1, part, frames), _on_threads(2, part, frames))


def _on_threads(threads: int, part: Part, frames: int) -> np.ndarray:
    """A part's samples with ``threads`` threads inside each network."""
    renderer = Renderer(open_network("renderer", threads))
    (mel,) = renderer.render([part], frames, RenderSettings())
    return Vocoder(open_network("vocoder", threads)).synthesise(mel, part.notes, part.instrument, part.noise)


def _composed(threads: int, prompt: Prompt, settings: EvaluateSettings) -> np.ndarray:
    """The tokens of a prompt's grid with ``threads`` threads inside the composer's network."""
    request = prompt.request(settings.duration_s, settings.seed)
    seed = request.seed or 0
    composer = Composer(open_network("composer", threads))
    return composer.compose(make_plan(understand(request), seed), seed, ComposerSettings()).tokens


def _pitched_notes(part: Part) -> int:
    return len(part.notes) if part.instrument.excitation == "harmonic" else 0


def parts_of(music: Music) -> list[Part]:
    """The parts as the renderer was given them."""
    piece = piece_of(music.recipe)
    if piece is None:
        raise ValueError("parts need a score")
    return [part_of(piece, hands) for hands in piece.plan.performers]


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Largest absolute difference; infinite where the shapes differ."""
    if first.shape != second.shape:
        return float("inf")
    return float(np.abs(first.astype(np.float64) - second.astype(np.float64)).max(initial=0.0))


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Share of bit-identical repetitions for each check; across thread counts the largest difference."""
    made = []
    for check in (SAME_TWICE, FROM_RECIPE, WINDOW_ALONE, PIECE_ALONE, COMPOSER_THREADS):
        chosen = [row for row in rows if row["check"] == check]
        worst = max((row["difference"] for row in chosen), default=None)
        how = f"Share of tracks that are equal bit for bit; largest difference {worst}."
        share = percent(row["difference"] == 0 for row in chosen)
        made.append(Figure(f"bit-identical: {check}", share, "%", how, Target("at least", 100), len(chosen)))
    threads = [row["difference"] for row in rows if row["check"] == THREADS]
    how = "Largest difference of one stem's samples (full scale 1) between networks on one thread and on two."
    target = Target("at most", THREADS_TOLERANCE)
    made.append(Figure(f"difference: {THREADS}", max(threads, default=None), "", how, target, len(threads)))
    return made


SUITE = BenchSuite("determinism", rows, figures)
