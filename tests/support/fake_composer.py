"""A stand-in for the composer's network, and plans to compose."""

from __future__ import annotations

import numpy as np

from noisician.composer import Plan
from noisician.composer.conditions import GRID_ROLES, MASK_TOKENS, STEP_FEATURES, STYLE_FEATURES, WINDOW_BARS, Style
from noisician.score.grid import FIRST_ONSET, STREAMS, VOCABULARY
from noisician.score.length import TAIL_S
from noisician.score.model import METERS, Section

SIZES = [VOCABULARY[stream] for stream in STREAMS]
PLACES = np.random.default_rng(0).standard_normal((16, sum(SIZES))).astype(np.float32)


class FakeNetwork:
    """Logits from each step's own conditions and tokens; checks what it is fed."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        self.calls += 1
        tokens = inputs["tokens"]
        batch, steps, streams = tokens.shape
        assert tokens.dtype == inputs["place"].dtype == inputs["kind"].dtype == np.int64
        assert streams == len(STREAMS)
        assert steps <= 16 * WINDOW_BARS
        assert (tokens <= MASK_TOKENS).all()
        assert inputs["features"].shape == (batch, steps, STEP_FEATURES)
        assert inputs["style"].shape == (batch, STYLE_FEATURES)
        turn = (tokens.sum(axis=2) % 7)[..., None] / 7
        return [(2 * PLACES[inputs["place"]] * (0.5 + turn) * (0.5 + inputs["known"])).astype(np.float32)]


class HearingNetwork(FakeNetwork):
    """Whose opinion of every step depends on all it sees; half of what it writes are rests and holds."""

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        (logits,) = super().__call__(**inputs)
        heard = np.random.default_rng(int(inputs["tokens"].sum()) + inputs["tokens"].size)
        quiet = np.zeros(logits.shape[-1])
        for start in np.cumsum([0, *SIZES])[1:-1]:
            quiet[start : start + FIRST_ONSET] = 5
        return [(logits + quiet + heard.standard_normal(logits.shape[-1])).astype(np.float32)]


def plan_of(
    form: tuple[tuple[str, int], ...] = (("verse", 3), ("chorus", 2)),
    roles: tuple[str, ...] = GRID_ROLES,
    signature: str = "4/4",
    silent: tuple[tuple[int, str], ...] = (),
) -> Plan:
    """A plan of these sections; ``silent`` (section, role) pairs rest."""
    starts = np.cumsum([0, *(bars for _, bars in form)]).tolist()
    sections = tuple(
        Section(kind, kind, start, bars, 0.5) for (kind, bars), start in zip(form, starts[:-1], strict=True)
    )
    players = tuple(tuple(role for role in roles if (place, role) not in silent) for place in range(len(form)))
    return Plan(
        tempo_bpm=120.0,
        key="C",
        mode="major",
        time_signature=signature,
        bars=starts[-1],
        duration_s=starts[-1] * METERS[signature].beats_per_bar * 0.5 + TAIL_S,
        sections=sections,
        players=players,
        instrumentation=tuple((role, "grand_piano") for role in roles),
        timbre_tags={},
        style=Style({"pop": 1.0}, {}, "major", signature),
        production=(),
        velocity_shift=0,
        swing=0.0,
        swing_unit="sixteenth",
        loop=False,
    )
