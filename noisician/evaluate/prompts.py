"""The fixed prompts of the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

from noisician.request import Request

PromptList = Literal["beat", "tonal"]
PROMPT_LISTS: tuple[PromptList, ...] = ("beat", "tonal")


@dataclass(frozen=True)
class Prompt:
    """One prompt; ``bpm``, ``key`` and ``mode`` are what its words demand, None where they leave it open."""

    list_name: PromptList
    number: int
    text: str
    genre: str
    bpm: float | None = None
    key: str | None = None
    mode: str | None = None

    def request(self, duration_s: float, seed: int) -> Request:
        """The prompt as a request; every prompt has a seed of its own, drawn from ``seed``."""
        own = (seed + 1009 * self.number + 7 * PROMPT_LISTS.index(self.list_name)) % 2**32
        return Request.model_validate({"prompt": self.text, "duration_s": duration_s, "seed": own})


@cache
def prompts(list_name: PromptList) -> tuple[Prompt, ...]:
    """The prompts of one list of ``prompts.toml``, in its order."""
    text = files("noisician.evaluate").joinpath("prompts.toml").read_text(encoding="utf-8")
    return tuple(Prompt(list_name, number, **entry) for number, entry in enumerate(tomllib.loads(text)[list_name]))
