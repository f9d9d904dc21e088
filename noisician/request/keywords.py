"""The library's keyword arguments. Written by ``tools/derive.py`` from ``fields.py``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TypedDict


class RequestOptions(TypedDict, total=False):
    """The keyword arguments of :func:`noisician.make` and its kin: the fields of :class:`Request` besides the prompt.

    Left out or None means "choose for me". An option wins over the prompt's words.
    """

    duration_s: float | None
    bars: int | None
    tempo_bpm: float | None
    key: str | None
    mode: str | None
    time_signature: str | None
    chords: str | None
    melody: str | PathLike[str] | None
    notes: str | None
    picture: str | None
    notes_as: str | None
    genres: str | Sequence[str] | None
    moods: str | Sequence[str] | None
    instruments: str | Sequence[str] | None
    without: str | Sequence[str] | None
    seed: int | None
    steps: int | None
    guidance_scale: float | None
    carry_instruments: bool | None
    loop: bool | None
    model: str | PathLike[str] | None
    lyrics: str | None
    vocals: bool | None
    voice: str | None
    language: str | None
    preset: str | None
    device: str | None
    dtype: str | None
    negative_prompt: str | None
    init_audio: str | PathLike[str] | None
    strength: float | None
    repaint: Sequence[tuple[float, float]] | None
    reference_audio: str | PathLike[str] | None
    morph_prompt: str | None
    morph_audio: str | PathLike[str] | None
    morph: float | None
    guide: bool | None
