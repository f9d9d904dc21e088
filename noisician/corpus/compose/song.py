"""Sections and whole songs from the players."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from noisician.corpus.compose import arrange
from noisician.corpus.compose.counter import write_counter
from noisician.corpus.compose.drums import write_drums
from noisician.corpus.compose.library import pick, sub_rng
from noisician.corpus.compose.melody import write_lead
from noisician.corpus.compose.rhythm_section import write_arp, write_bass, write_chords, write_pad
from noisician.corpus.compose.spec import ComposedSong, SectionSpec, Stage, mood_entry
from noisician.errors import CorpusError
from noisician.score.grid import DRUMS, HOLD, REST, ROLE_STREAMS, STREAMS, Grid
from noisician.score.model import LEARNT_METERS, Section
from noisician.score.progressions import Harmony, build, fit, home_chord, progression
from noisician.styles import table

#: Which part's chords a section is built on; two letters are a choice made once a song.
_HARMONY_PARTS = {"A": "A", "B": "B", "C": "C", "P": "P", "I": "AB", "U": "B", "K": "AB", "S": "AB", "O": "BA"}


def section_harmony(spec: SectionSpec) -> Harmony:
    """The chords of a section. The song's last bar rests on the tonic."""
    choices = _HARMONY_PARTS.get(spec.label, "A")
    part = choices[int(sub_rng(spec.song_seed, "harmony part", spec.label).integers(len(choices)))]
    bars = progression(spec.music, spec.mode, part, partial(sub_rng, spec.song_seed))
    fitted = fit(bars, spec.bars, from_end=spec.kind in ("intro", "outro"))
    if spec.last:
        fitted[-1] = (home_chord(bars, spec.mode, spec.music["colour"]),)
    return build(fitted, spec.mode, spec.meter)


def compose_section(spec: SectionSpec, rng: np.random.Generator) -> Grid:
    """Compose one section: tokens with C as tonic.

    The same spec always uses the same material; ``rng`` decides the small freedoms of this performance of it.
    """
    stage = Stage(spec, section_harmony(spec), rng)
    grid = Grid.empty(spec.bars, spec.time_signature)
    grid.stream("chord")[:] = stage.harmony.tokens()
    roles = spec.roles
    if "lead" in roles:
        grid.stream("lead")[:] = write_lead(stage)
    for role, write in (("chords", write_chords), ("pad", write_pad), ("arp", write_arp), ("bass", write_bass)):
        if role in roles:
            grid.stream(role)[:] = write(stage)
    if "drums" in roles:
        first = STREAMS.index(DRUMS[0])
        grid.tokens[:, first : first + len(DRUMS)] = write_drums(stage)
    _silence_inactive(grid, spec)
    if "counter" in roles:
        grid.stream("counter")[:] = write_counter(stage, grid.stream("lead"))
        _silence_inactive(grid, spec)
    return grid


def _silence_inactive(grid: Grid, spec: SectionSpec) -> None:
    """Clear the bars in which a role does not play, and holds that lost their onset."""
    mask = np.repeat(spec.active_mask(), spec.meter.steps_per_bar, axis=0)
    for column, (_, streams) in enumerate(ROLE_STREAMS.items()):
        for name in streams:
            stream = grid.stream(name)
            stream[~mask[:, column]] = REST
            if name not in DRUMS:
                drop_loose_holds(stream)


def drop_loose_holds(stream: np.ndarray) -> None:
    """Turn holds that follow a rest into rests, in place."""
    sounding = False
    for step, token in enumerate(stream):
        if token == HOLD and not sounding:
            stream[step] = REST
        sounding = stream[step] != REST


def compose_song(
    genre_id: str,
    mood_id: str | None,
    seed: int,
    *,
    mode: str | None = None,
    time_signature: str | None = None,
    form: Sequence[tuple[str, int]] | None = None,
    tempo_bpm: float | None = None,
) -> ComposedSong:
    """Compose a whole song; what is None the genre, mood and seed decide.

    ``form`` is a list of (section kind, bars). Raises CorpusError for an unknown genre, mood or section kind.
    """
    genres, moods = table("genres"), table("moods")
    if genre_id not in genres:
        raise CorpusError(f"genre {genre_id!r} is none of the {len(genres)} known genres")
    if mood_id is not None and mood_id not in moods:
        raise CorpusError(f"mood {mood_id!r} is none of the {len(moods)} known moods")
    genre, mood = genres[genre_id], mood_entry(mood_id)
    plan = tuple((kind, int(bars)) for kind, bars in (form or genre["form"]))
    unknown = [kind for kind, _ in plan if kind not in arrange.LABELS]
    if unknown:
        raise CorpusError(f"section kind {unknown[0]!r} is none of {', '.join(arrange.LABELS)}")
    seed = int(sub_rng(seed, genre_id).integers(2**32))  # one seed, another genre: another song
    mode = mode or arrange.choose_mode(genre, mood, sub_rng(seed, "mode"))
    time_signature = time_signature or pick(genre["time_signatures"], sub_rng(seed, "meter"))
    if time_signature not in LEARNT_METERS:
        raise CorpusError(f"time signature {time_signature!r} is none of {', '.join(LEARNT_METERS)}")
    specs, instrumentation = arrange.plan_sections(genre_id, mood_id, mode, time_signature, plan, seed)
    dice = sub_rng(seed, "performance")
    grids = [compose_section(spec, dice) for spec in specs]
    sections, start = [], 0
    for spec in specs:
        sections.append(Section(spec.kind, spec.label, start, spec.bars, spec.energy))
        start += spec.bars
    return ComposedSong(
        grid=Grid(np.concatenate([grid.tokens for grid in grids]), time_signature),
        genre=genre_id,
        mood=mood_id,
        mode=mode,
        time_signature=time_signature,
        tempo_bpm=tempo_bpm or arrange.choose_tempo(genre, mood, sub_rng(seed, "tempo")),
        sections=tuple(sections),
        active_roles=tuple(spec.roles for spec in specs),
        active=np.concatenate([spec.active_mask() for spec in specs]),
        density=float(np.mean([spec.density for spec in specs])),
        instruments=instrumentation,
        textures=arrange.choose_textures(genre, sub_rng(seed, "textures")),
        specs=specs,
    )
