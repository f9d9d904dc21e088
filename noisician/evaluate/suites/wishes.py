"""Special wishes: whether what somebody asks of a form is done, and can be heard in the score.

Composes the forty prompts of ``wishes.toml``, some seeds each, and renders nothing. A wish is done where every seed
does it; one that is not done has to be told, among what was not understood or what nothing plays yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisician.composer import Composer
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row
from noisician.evaluate.wishes import wishes
from noisician.models.embedded.write import compose_piece, plan_of, render_settings
from noisician.prompt import understand
from noisician.request import Request

SEEDS = 2
DONE_TARGET = 36
_HOW = "Prompts of one special wish each, {seeds} seeds, checked by code on the score alone: every seed has to do it."


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a wish and seed."""
    composer, every = Composer(), wishes()
    seeds = range(settings.seed, settings.seed + min(settings.seeds, SEEDS))
    for number, wish in enumerate(every):
        length_s = None if wish.check == "bars" else wish.length_s
        request = Request(prompt=wish.prompt, duration_s=length_s)
        controls = understand(request)
        told = bool(controls.not_understood) or any(reason.source == "unplayed" for reason in controls.reasons)
        for seed in seeds:
            plan = plan_of(request, controls, seed)
            piece = compose_piece(plan, seed, render_settings(request), composer)
            row = {"wish": wish.prompt, "check": wish.check, "seed": seed, "done": wish.is_met(piece), "told": told}
            yield (number + (seed - settings.seed + 1) / len(seeds)) / len(every), row


def figures(rows: Sequence[Row]) -> list[Figure]:
    """How many wishes are done by every seed, and how many of the others are neither done nor told."""
    names = list(dict.fromkeys(row["wish"] for row in rows))
    own = {name: [row for row in rows if row["wish"] == name] for name in names}
    missed = [name for name in names if not all(row["done"] for row in own[name])]
    silent = [name for name in missed if not all(row["told"] for row in own[name])]
    seeds = len({row["seed"] for row in rows})
    return [
        Figure(
            "special wishes: done, of forty",
            len(names) - len(missed) if rows else None,
            "",
            f"{_HOW.format(seeds=seeds)} Not done: {'; '.join(missed) or 'none'}.",
            Target("at least", DONE_TARGET),
            len(names),
        ),
        Figure(
            "special wishes: neither done nor told",
            len(silent) if rows else None,
            "",
            f"Those that no seed may leave out without a word. {'; '.join(silent) or 'None'}.",
            Target("at most", 0),
            len(names),
        ),
    ]


SUITE = BenchSuite("wishes", rows, figures)
