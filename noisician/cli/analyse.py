"""``noisician analyse``: what is heard in a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from noisician.cli.options import command
from noisician.cli.progress import shown, watch
from noisician.cli.streams import print_json

if TYPE_CHECKING:
    from noisician.analysis.recording import Hearing

_BARS_A_LINE = 4


@dataclass(frozen=True)
class AnalyseOptions:
    file: Annotated[Path, typer.Argument(help="A recording: WAV, FLAC, OGG, MP3; 2 seconds to 15 minutes.")]
    midi: Annotated[Path | None, typer.Option("--midi", help="Write the notes that are heard.")] = None
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Write its spectrogram as PNG, bars and sections marked.")
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Replace what exists.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON, the notes included.")] = False


def add_to(app: typer.Typer) -> None:
    command(app, "analyse", AnalyseOptions)(analyse)


def analyse(options: AnalyseOptions) -> None:
    """Hear a recording: tempo, metre, key, chords, sections, players, loudness.

    noisician analyse demo.wav --midi demo.mid
    """
    from noisician import api
    from noisician.cli.show import print_table
    from noisician.export import check_target

    for path in (options.midi, options.picture):
        if path is not None:
            check_target(path, options.force)
    with watch(quiet=options.quiet) as show:
        heard = api.analyse(options.file, on_progress=shown(show))
    if options.midi is not None:
        from noisician.score.midi import write_midi

        write_midi(heard.score, options.midi, overwrite=options.force)
    if options.picture is not None:
        _draw(options.file, options.picture, heard, options.force)
    if options.as_json:
        print_json(heard.to_dict())
        return
    print_table(("heard", str(options.file)), heard_rows(heard))
    print_table(("section", "from", "to", "bars", "energy"), section_rows(heard))
    print_table(("bars", "chords"), chord_rows(heard.chords_by_bar()))


def _draw(file: Path, target: Path, heard: Hearing, force: bool) -> None:
    from noisician.audio import read_audio
    from noisician.export.spectrogram import marked_picture, write_png

    samples, rate_hz = read_audio(file)
    starts = heard.bar_starts_s
    borders = [starts[section.start_bar] for section in heard.score.sections]
    write_png(marked_picture(samples, rate_hz, starts, borders), target, overwrite=force)


def heard_rows(heard: Hearing) -> list[tuple[str, str]]:
    """What holds for the whole recording."""
    from noisician.request.keys import written_key

    score, sound = heard.score, heard.sound
    steady = "" if heard.is_steady else ", not steady"
    players = [f"{track.role} ({track.instrument}?) {len(track.notes)} notes" for track in score.tracks]
    return [
        ("tempo", f"{score.tempo_bpm:g} BPM{steady}" if heard.has_pulse else "no pulse"),
        ("metre", score.time_signature),
        ("key", f"{written_key(score.key, score.mode)} {score.mode}"),
        ("length", f"{heard.duration_s:.1f} s, {score.bars} bars, the first at {heard.bar_starts_s[0] + 0.0:.2f} s"),
        ("loudness", f"{sound.loudness_lufs:.1f} LUFS, peak {sound.peak_dbtp:.1f} dBTP, range {sound.range_lu:.1f} LU"),
        ("width", f"{100 * sound.width:.0f} % of the energy at the sides"),
        ("spectrum", f"centre {sound.brightness_hz:.0f} Hz"),
        ("players", "; ".join(players) or "nobody"),
    ]


def section_rows(heard: Hearing) -> list[tuple[str, ...]]:
    starts = heard.bar_starts_s
    return [
        (
            f"{section.kind} {section.label}",
            f"{max(0.0, starts[section.start_bar]):.1f} s",
            f"{starts[section.start_bar + section.bars]:.1f} s",
            str(section.bars),
            f"{section.energy:.2f}",
        )
        for section in heard.score.sections
    ]


def chord_rows(bars: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """The chart, a few bars a line."""
    told = [" ".join(bar) or "N.C." for bar in bars]
    return [
        (str(first + 1), f"| {' | '.join(told[first : first + _BARS_A_LINE])} |")
        for first in range(0, len(told), _BARS_A_LINE)
    ]
