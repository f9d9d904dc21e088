"""Who plays when: a genre's form, its instrumentation, and the roles that enter and leave in each section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from noisician.corpus.compose.library import pick, sub_rng
from noisician.corpus.compose.spec import ROLES, Part, SectionSpec, mood_entry
from noisician.score.energy import PROCEDURAL_ENERGY
from noisician.styles import table

LABELS = {
    "intro": "I",
    "verse": "A",
    "pre_chorus": "P",
    "chorus": "B",
    "drop": "B",
    "bridge": "C",
    "build": "U",
    "break": "K",
    "solo": "S",
    "outro": "O",
}
#: Chance that a role of the song's instrumentation plays in a section of a kind.
_PLAYS: dict[str, dict[str, float]] = {
    "intro": dict(lead=0.25, counter=0.05, chords=0.65, pad=0.8, arp=0.6, bass=0.4, drums=0.5),
    "verse": dict(lead=0.9, counter=0.25, chords=0.92, pad=0.6, arp=0.55, bass=0.97, drums=0.97),
    "pre_chorus": dict(lead=0.8, counter=0.2, chords=0.95, pad=0.85, arp=0.65, bass=0.9, drums=0.9),
    "chorus": dict(lead=0.97, counter=0.85, chords=0.97, pad=0.95, arp=0.85, bass=1.0, drums=1.0),
    "drop": dict(lead=0.85, counter=0.6, chords=0.9, pad=0.6, arp=0.75, bass=1.0, drums=1.0),
    "bridge": dict(lead=0.85, counter=0.6, chords=0.85, pad=0.9, arp=0.5, bass=0.85, drums=0.75),
    "build": dict(lead=0.35, counter=0.2, chords=0.85, pad=0.85, arp=0.85, bass=0.5, drums=1.0),
    "break": dict(lead=0.6, counter=0.3, chords=0.7, pad=0.95, arp=0.6, bass=0.4, drums=0.35),
    "solo": dict(lead=1.0, counter=0.2, chords=0.95, pad=0.6, arp=0.3, bass=1.0, drums=1.0),
    "outro": dict(lead=0.4, counter=0.2, chords=0.75, pad=0.85, arp=0.6, bass=0.55, drums=0.5),
}
_HARMONIC = ("chords", "pad", "arp")


def choose_mode(genre: Mapping[str, Any], mood: Mapping[str, Any], rng: np.random.Generator) -> str:
    """A mode of the genre, pulled where the mood pulls."""
    factors = mood["modes"]
    weights = {mode: weight * factors.get(mode, 1.0) for mode, weight in genre["modes"].items()}
    for mode, factor in factors.items():  # a mood may reach modes the genre seldom uses
        if mode not in weights and factor >= 2.0:
            weights[mode] = 0.02 * factor
    return pick(weights, rng)


def choose_tempo(genre: Mapping[str, Any], mood: Mapping[str, Any], rng: np.random.Generator) -> float:
    """Beats a minute, around the typical tempo as the mood bends it, inside the genre's range."""
    low, typical, high = genre["tempo_bpm"]
    return float(round(np.clip(rng.triangular(low, typical, high) * mood["tempo_factor"], low, high)))


def choose_instrumentation(genre: Mapping[str, Any], energy: float, rng: np.random.Generator) -> dict[str, str]:
    """Role → instrument for one song. Somebody always plays the harmony, and somebody a line or a beat."""
    roles = genre["roles"]
    instrumentation: dict[str, str] = {}
    for role in ROLES:
        presence = roles[role]["presence"]
        lifted = np.clip(presence + 0.25 * (energy - genre["energy"]) * (presence < 0.97), 0.0, 1.0)
        if rng.random() < lifted:
            instrumentation[role] = pick(roles[role]["instruments"], rng)
    if not any(role in instrumentation for role in _HARMONIC):
        role = max(_HARMONIC, key=lambda name: roles[name]["presence"])
        instrumentation[role] = pick(roles[role]["instruments"], rng)
    if not any(role in instrumentation for role in ("lead", "drums", "bass")):
        instrumentation["lead"] = pick(roles["lead"]["instruments"], rng)
    return {role: instrumentation[role] for role in ROLES if role in instrumentation}


def choose_textures(genre: Mapping[str, Any], rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(name for name, chance in genre["textures"].items() if rng.random() < chance)[:2]


def choose_parts(
    genre: Mapping[str, Any], kind: str, bars: int, instrumentation: Sequence[str], material: np.random.Generator
) -> tuple[Part, ...]:
    """Parts of one section; intros gather players, outros lose them.

    A role without which the genre is unthinkable hardly ever leaves out a verse.
    """
    chances = {role: _PLAYS[kind][role] for role in instrumentation}
    if kind in ("verse", "pre_chorus", "bridge"):
        for role in instrumentation:
            presence = genre["roles"][role]["presence"]
            if presence >= 0.9:
                chances[role] += (1 - chances[role]) * (0.9 if presence >= 0.95 else 0.5)
    playing = [role for role in instrumentation if material.random() < chances[role]]
    if not any(role in playing for role in (*_HARMONIC, "lead")):
        harmonic = [role for role in instrumentation if role in (*_HARMONIC, "lead")] or list(instrumentation)
        playing.append(max(harmonic, key=lambda role: chances[role]))
    parts = []
    for role in ROLES:
        if role not in playing:
            continue
        start, end = 0, bars
        if kind == "intro" and bars >= 4 and len(playing) > 1 and role in ("drums", "bass", "lead", "arp"):
            start = int(material.choice([0, bars // 2, bars // 2]))
        elif kind == "outro" and bars >= 4 and len(playing) > 1 and role in ("drums", "bass", "lead", "counter", "arp"):
            end = int(material.choice([bars, bars, bars // 2]))
        elif kind == "verse" and bars >= 16 and role in ("counter", "arp", "pad", "lead"):
            start = int(material.choice([0, 0, bars // 2]))
        parts.append(Part(role, start, end))
    if all(part.start_bar > 0 for part in parts):  # somebody has to begin
        parts[0] = Part(parts[0].role, 0, parts[0].end_bar)
    if all(part.end_bar < bars for part in parts):
        parts[-1] = Part(parts[-1].role, parts[-1].start_bar, bars)
    return tuple(parts)


def section_energy(genre: Mapping[str, Any], mood: Mapping[str, Any], kind: str) -> float:
    return float(np.clip(genre["energy"] + 0.8 * mood["energy"] + PROCEDURAL_ENERGY[kind], 0.02, 1.0))


def plan_sections(
    genre_id: str, mood_id: str | None, mode: str, time_signature: str, form: Sequence[tuple[str, int]], seed: int
) -> tuple[tuple[SectionSpec, ...], dict[str, str]]:
    """Specs of every section of a song, and its instrumentation."""
    genre, mood = table("genres")[genre_id], mood_entry(mood_id)
    instrumentation = choose_instrumentation(genre, genre["energy"] + mood["energy"], sub_rng(seed, "roster"))
    level = float(sub_rng(seed, "density").normal(0.5, 0.12))
    specs = []
    for place, (kind, bars) in enumerate(form):
        energy = section_energy(genre, mood, kind)
        density = float(np.clip(level + mood["density"] + 0.35 * (energy - genre["energy"]), 0.05, 0.98))
        seen = sum(earlier == kind for earlier, _ in form[:place])
        material = sub_rng(seed, "parts", kind, seen if seen == 0 and kind == "verse" else 1)
        specs.append(
            SectionSpec(
                genre=genre_id,
                mood=mood_id,
                mode=mode,
                kind=kind,
                bars=bars,
                label=LABELS[kind],
                energy=energy,
                density=density,
                parts=choose_parts(genre, kind, bars, list(instrumentation), material),
                time_signature=time_signature,
                song_seed=seed,
                last=place == len(form) - 1 and kind == "outro",
            )
        )
    return tuple(specs), instrumentation
