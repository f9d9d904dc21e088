"""The flags of ``noisician edit`` and the edits they stand for, as JSON values of ``noisician.edits``.

A command line has no order between its flags, so edits have one: what names bars or sections of the file comes before
what moves them, who leaves or changes comes before what is written anew around them, and the mix comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from noisician.cli.options import listed, seconds, spans, text_or_file
from noisician.errors import RequestError

#: An edit as JSON values.
Operation = dict[str, Any]

_EVERYBODY = ("all", "everybody")
_BARS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_COPY = re.compile(r"(?:(.+?)\s*:)?\s*(\d+(?:\s*-\s*\d+)?)\s*>\s*(\d+)")
_CHORD = re.compile(r"(\d+)(?:\.(\d+))?:(\S+)")
_DEGREES = re.compile(r"([+-]?\d+)\s*(?:d|degrees?)")
_INSERTED = re.compile(r"(\w+):(\d+)@(\d+)")


def _flag(name: str, about: str, panel: str) -> Any:
    return typer.Option(name, help=about, rich_help_panel=panel, show_default=False)


@dataclass(frozen=True)
class WhereFlags:
    """Which bars, and how what is written there is drawn."""

    bars: Annotated[
        list[str] | None,
        _flag("--bars", "Bars from 1, both ends meant: 5-8, or several with commas. All if left out.", "Where"),
    ] = None
    span: Annotated[
        list[str] | None,
        _flag("--seconds", "START-END in place of bars, repeatable; widened to whole bars.", "Where"),
    ] = None
    seed: Annotated[
        int | None, _flag("--seed", "Names the draw of all that is written; the next one if left out.", "Where")
    ] = None


@dataclass(frozen=True)
class WritingFlags:
    """What the composer does."""

    regenerate: Annotated[
        str | None, _flag("--regenerate", "Players (ids or roles with commas, or all) to write anew.", "Write anew")
    ] = None
    keep: Annotated[
        str | None, _flag("--keep", "What --regenerate leaves: nothing, rhythm or contour.", "Write anew")
    ] = None
    text: Annotated[str | None, _flag("--text", 'Wishes for what is written: "busier, no cymbals".', "Write anew")] = (
        None
    )
    vary: Annotated[str | None, _flag("--vary", "Players of whom a share is written anew.", "Write anew")] = None
    strength: Annotated[
        float | None, _flag("--strength", "That share: 0 changes nothing, 1 all; 0.5 if left out.", "Write anew")
    ] = None
    add: Annotated[
        list[str] | None, _flag("--add", "Somebody joins, hearing all others: flute, or flute:counter.", "Players")
    ] = None
    remove: Annotated[list[str] | None, _flag("--remove", "Players who leave.", "Players")] = None
    replace: Annotated[
        list[str] | None, _flag("--replace", "The same notes on another instrument: lead=violin.", "Players")
    ] = None
    use: Annotated[str | None, _flag("--use", "Players to be taken from another version of this piece.", "Players")] = (
        None
    )
    source: Annotated[Path | None, _flag("--from", "The file of that version.", "Players")] = None
    words: Annotated[
        str | None, _flag("--words", "Other words for the song: the text, or a file of it.", "Players")
    ] = None
    voice: Annotated[str | None, _flag("--voice", "Who sings.", "Players")] = None


@dataclass(frozen=True)
class NoteFlags:
    """What happens to notes that are there."""

    notes: Annotated[
        Path | None,
        _flag("--notes", "A MIDI file of this piece, changed elsewhere: only what differs is taken.", "Notes"),
    ] = None
    rest: Annotated[str | None, _flag("--rest", "Players who fall silent.", "Notes")] = None
    copy: Annotated[
        list[str] | None, _flag("--copy", "Bars to other bars: bass:1-4>9; without a player, everybody's.", "Notes")
    ] = None
    transpose: Annotated[
        list[str] | None, _flag("--transpose", "By semitones, lead=+12, or degrees of the scale, lead=-2d.", "Notes")
    ] = None
    quantise: Annotated[
        list[str] | None, _flag("--quantise", "Towards straight sixteenths, 0 to 1: drums=1, or 1 for all.", "Notes")
    ] = None
    swing: Annotated[list[str] | None, _flag("--swing", "0 straight to 1 triplets: 0.5, or drums=0.5.", "Notes")] = None
    humanise: Annotated[
        list[str] | None, _flag("--humanise", "How loosely it is played, 0 to 1, likewise.", "Notes")
    ] = None
    velocity: Annotated[
        list[str] | None, _flag("--velocity", "Added to how hard notes are struck: lead=+10.", "Notes")
    ] = None
    chords: Annotated[
        str | None, _flag("--chords", 'BAR:CHORD or BAR.BEAT:CHORD: "5:Am7 6:F 7.3:G".', "Harmony and form")
    ] = None
    follow: Annotated[
        str | None, _flag("--follow", "Players who follow the new chords; others stay.", "Harmony and form")
    ] = None
    key: Annotated[str | None, _flag("--key", 'The same notes in another key: "D minor".', "Harmony and form")] = None
    meter: Annotated[
        str | None, _flag("--meter", "The same bars in another metre, of the same beat: 3/4, 5/4.", "Harmony and form")
    ] = None
    tempo: Annotated[float | None, _flag("--tempo", "The same notes at another tempo, in BPM.", "Harmony and form")] = (
        None
    )


@dataclass(frozen=True)
class FormFlags:
    """What moves bars. Sections count from 1, as they are in the file."""

    sections: Annotated[
        str | None,
        _flag("--sections", 'A new order: "1 2 2 3"; left out is deleted, twice doubled.', "Harmony and form"),
    ] = None
    delete_section: Annotated[list[int] | None, _flag("--delete-section", "By its number.", "Harmony and form")] = None
    duplicate_section: Annotated[
        list[int] | None, _flag("--duplicate-section", "By its number.", "Harmony and form")
    ] = None
    insert_section: Annotated[
        list[str] | None,
        _flag("--insert-section", "KIND:BARS@BEFORE: chorus:8@3; one beyond the last appends.", "Harmony and form"),
    ] = None
    resize_section: Annotated[list[str] | None, _flag("--resize-section", "NUMBER=BARS: 2=8.", "Harmony and form")] = (
        None
    )
    rename_section: Annotated[
        list[str] | None, _flag("--rename-section", "NUMBER=KIND: 2=bridge.", "Harmony and form")
    ] = None
    extend: Annotated[
        str | None, _flag("--extend", "More music: bars, 8, or seconds, 10s or 0:10.", "Harmony and form")
    ] = None
    before: Annotated[bool, _flag("--before", "In front instead of at the end.", "Harmony and form")] = False
    loop: Annotated[str | None, _flag("--loop", "These bars, 5-8 or all, as a seamless loop.", "Harmony and form")] = (
        None
    )


@dataclass(frozen=True)
class MixFlags:
    """Nothing is painted anew for these."""

    gain: Annotated[list[str] | None, _flag("--gain", "Fader in dB, 0 as it was decided: drums=-3.", "Mix")] = None
    pan: Annotated[list[str] | None, _flag("--pan", "-1 left to 1 right: lead=-0.4.", "Mix")] = None
    reverb: Annotated[list[str] | None, _flag("--reverb", "Send, linear, 0 to 2: lead=0.3.", "Mix")] = None
    delay: Annotated[list[str] | None, _flag("--delay", "Send, likewise.", "Mix")] = None
    mute: Annotated[list[str] | None, _flag("--mute", "Players.", "Mix")] = None
    unmute: Annotated[list[str] | None, _flag("--unmute", "Players.", "Mix")] = None
    fade_in: Annotated[str | None, _flag("--fade-in", "Seconds; 0 if only --fade-out is given.", "Mix")] = None
    fade_out: Annotated[str | None, _flag("--fade-out", "Seconds; 0 if only --fade-in is given.", "Mix")] = None
    remaster: Annotated[bool, _flag("--remaster", "Decide loudness and the master anew.", "Mix")] = False


@dataclass(frozen=True)
class EditFlags:
    """All of them."""

    where: WhereFlags = WhereFlags()
    writing: WritingFlags = WritingFlags()
    note: NoteFlags = NoteFlags()
    form: FormFlags = FormFlags()
    mix: MixFlags = MixFlags()


def operations(flags: EditFlags, notes: Iterable[Operation] = ()) -> list[Operation]:
    """What the flags ask for, in the order in which it is done; ``notes`` are the changes of the MIDI file.

    Raises RequestError for what nobody can read and for flags that say nothing without another.
    """
    where, form = _where(flags.where), flags.form
    found = [
        *notes,
        *_used(flags.writing, where),
        *_players(flags.writing),
        *_harmony(flags.note),
        *_written(flags, where),
        *_joining(flags, where),
        *_moved(flags.note, where),
        *_sung(flags.writing),
        *([] if flags.note.meter is None else [{"op": "meter", "time_signature": flags.note.meter}]),
        *([] if flags.note.tempo is None else [{"op": "tempo", "tempo_bpm": flags.note.tempo}]),
        *_sections(form, flags.where.seed),
        *_extended(form, flags.where.seed),
        *([] if form.loop is None else [_looped(form.loop)]),
        *_strips(flags.mix),
        *_fades(flags.mix),
        *([{"op": "remaster"}] if flags.mix.remaster else []),
    ]
    _check_companions(flags)
    return found


#: Flags that say nothing alone, and those of which one must stand beside them.
_COMPANIONS = {
    "bars": ("regenerate", "vary", "add", "use", "rest", "transpose", "quantise", "swing", "humanise", "velocity"),
    "span": ("regenerate", "vary", "add", "use", "rest", "transpose", "quantise", "swing", "humanise", "velocity"),
    "seed": ("regenerate", "vary", "add", "extend", "insert_section", "resize_section"),
    "keep": ("regenerate",),
    "text": ("regenerate", "add"),
    "strength": ("vary",),
    "follow": ("chords",),
    "before": ("extend",),
    "use": ("source",),
    "source": ("use",),
}
_NAMES = {"span": "seconds", "source": "from"}


def _check_companions(flags: EditFlags) -> None:
    given = {
        field.name
        for group in (flags.where, flags.writing, flags.note, flags.form, flags.mix)
        for field in fields(group)
        if getattr(group, field.name) not in (None, False, [])
    }
    for name, others in _COMPANIONS.items():
        if name in given and not given & set(others):
            able = " or ".join(f"--{(_NAMES.get(other) or other).replace('_', '-')}" for other in others)
            raise RequestError(f"--{_NAMES.get(name) or name} says nothing without {able}")


def _where(flags: WhereFlags) -> Operation:
    """``bars`` and ``seconds`` of a region, as far as they were given."""
    if flags.bars and flags.span:
        raise RequestError("--bars and --seconds are two names for one place: leave one of them out")
    if flags.bars:
        return {"bars": [_bar_range(part) for part in listed(flags.bars)]}
    if flags.span:
        return {"seconds": [list(pair) for pair in spans(flags.span, "--seconds")]}
    return {}


def _bar_range(text: str) -> list[int]:
    match = _BARS.fullmatch(text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last:
        raise RequestError(f"{text!r} names no bars; write FIRST-LAST from 1, as in 5-8")
    return [first, last]


def _who(text: str) -> list[str]:
    names = listed([text])
    if not names:
        raise RequestError("no player named; write ids or roles with commas, or all")
    return [] if len(names) == 1 and names[0].lower() in _EVERYBODY else list(names)


def _assigned(values: Sequence[str] | None, flag: str) -> Iterator[tuple[str, str]]:
    """``["drums=-3, lead=2"]`` → pairs. A value without a player has the empty one."""
    for part in listed(values or ()):
        name, equals, value = part.rpartition("=")
        if not value.strip() or (equals and not name.strip()):
            raise RequestError(f"{flag} {part!r}: write PLAYER=VALUE")
        yield name.strip(), value.strip()


def _named(values: Sequence[str] | None, flag: str) -> Iterator[tuple[str, str]]:
    for name, value in _assigned(values, flag):
        if not name:
            raise RequestError(f"{flag} {value!r} names nobody; write PLAYER=VALUE, as in lead={value}")
        yield name, value


def _number(text: str, flag: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"{flag} {text!r} is no number") from None


def _whole(text: str, flag: str) -> int:
    number = _number(text, flag)
    if number != int(number if abs(number) < 1e9 else 0.5):
        raise RequestError(f"{flag} {text!r} is no whole number")
    return int(number)


def _seeded(operation: Operation, seed: int | None) -> Operation:
    return operation if seed is None else {**operation, "seed": seed}


def _used(flags: WritingFlags, where: Operation) -> list[Operation]:
    if flags.use is None or flags.source is None:
        return []
    return [{"op": "use_from", "players": _who(flags.use), "source": str(flags.source), **where}]


def _players(flags: WritingFlags) -> list[Operation]:
    left = [{"op": "remove_player", "player": name} for name in listed(flags.remove or ())]
    replaced = [
        {"op": "replace_instrument", "player": name, "instrument": instrument}
        for name, instrument in _named(flags.replace, "--replace")
    ]
    return [*left, *replaced]


def _harmony(flags: NoteFlags) -> list[Operation]:
    found: list[Operation] = []
    if flags.key is not None:
        found.append({"op": "key", **_key(flags.key)})
    if flags.chords is not None:
        follow = {} if flags.follow is None else {"follow": list(listed([flags.follow]))}
        found.append({"op": "chords", "chords": [_chord(one) for one in flags.chords.split()], **follow})
    return found


def _key(text: str) -> Operation:
    """The tonic and, where one is named, the mode, read as the key of a request is."""
    from noisician.prompt import understand
    from noisician.request import Request

    controls = understand(Request(key=text))
    named = any(reason.field == "mode" for reason in controls.reasons)
    return {"key": controls.key, **({"mode": controls.mode} if named else {})}


def _chord(text: str) -> Operation:
    match = _CHORD.fullmatch(text)
    if match is None:
        raise RequestError(f"--chords {text!r}: write BAR:CHORD or BAR.BEAT:CHORD, as in 5:Am7 or 7.3:G")
    return {"bar": int(match[1]), "beat": int(match[2] or 1), "chord": match[3]}


def _written(flags: EditFlags, where: Operation) -> list[Operation]:
    writing, found = flags.writing, []
    if writing.regenerate is not None:
        wishes = {name: getattr(writing, name) for name in ("keep", "text") if getattr(writing, name) is not None}
        region = {"players": _who(writing.regenerate), **where}
        found.append(_seeded({"op": "regenerate", **region, **wishes}, flags.where.seed))
    if writing.vary is not None:
        strength = {} if writing.strength is None else {"strength": writing.strength}
        found.append(_seeded({"op": "vary", "players": _who(writing.vary), **where, **strength}, flags.where.seed))
    return found


def _joining(flags: EditFlags, where: Operation) -> Iterator[Operation]:
    text = {} if flags.writing.text is None else {"text": flags.writing.text}
    for part in listed(flags.writing.add or ()):
        instrument, _, role = part.partition(":")
        named = {"instrument": instrument.strip(), **({"role": role.strip()} if role.strip() else {})}
        yield _seeded({"op": "add_player", **named, **where, **text}, flags.where.seed)


def _moved(flags: NoteFlags, where: Operation) -> Iterator[Operation]:
    for part in flags.copy or ():
        match = _COPY.fullmatch(part.strip())
        if match is None:
            raise RequestError(f"--copy {part!r}: write PLAYERS:FIRST-LAST>BAR, as in bass:1-4>9")
        players = {} if match[1] is None else {"players": _who(match[1])}
        yield {"op": "copy", **players, "bars": _bar_range(match[2]), "to_bar": int(match[3])}
    for name, value in _assigned(flags.transpose, "--transpose"):
        degrees = _DEGREES.fullmatch(value)
        amount = {"degrees": int(degrees[1])} if degrees else {"semitones": _whole(value, "--transpose")}
        yield {"op": "transpose", "players": _who(name or "all"), **where, **amount}
    timing: dict[str, Operation] = {}
    for field in ("quantise", "swing", "humanise", "velocity"):
        read = _whole if field == "velocity" else _number
        for name, value in _assigned(getattr(flags, field), f"--{field}"):
            timing.setdefault(name, {})[field] = read(value, f"--{field}")
    for name, amounts in timing.items():
        yield {"op": "timing", "players": _who(name or "all"), **where, **amounts}
    if flags.rest is not None:
        yield {"op": "rest", "players": _who(flags.rest), **where}


def _sung(flags: WritingFlags) -> list[Operation]:
    words = [] if flags.words is None else [{"op": "words", "lyrics": text_or_file(flags.words, "words")}]
    return [*words, *([] if flags.voice is None else [{"op": "voice", "voice": flags.voice}])]


def _sections(flags: FormFlags, seed: int | None) -> list[Operation]:
    """From the last section to the first, so that numbers mean those of the file."""
    placed: list[tuple[int, int, Operation]] = []
    for name, action in (("delete_section", "delete"), ("duplicate_section", "duplicate")):
        placed += [(number, 1, {"action": action}) for number in getattr(flags, name) or ()]
    for text in flags.insert_section or ():
        match = _INSERTED.fullmatch(text.strip())
        if match is None:
            raise RequestError(f"--insert-section {text!r}: write KIND:BARS@BEFORE, as in chorus:8@3")
        inserted = {"action": "insert", "kind": match[1], "bars": int(match[2])}
        placed.append((int(match[3]), 0, _seeded(inserted, seed)))
    for number, value in _named(flags.resize_section, "--resize-section"):
        bars = _whole(value, "--resize-section")
        resized = _seeded({"action": "resize", "bars": bars}, seed)
        placed.append((_whole(number, "--resize-section"), 3, resized))
    for number, kind in _named(flags.rename_section, "--rename-section"):
        placed.append((_whole(number, "--rename-section"), 2, {"action": "rename", "kind": kind}))
    if flags.sections is not None and placed:
        raise RequestError("--sections says the whole form; leave the other changes of sections out")
    if flags.sections is not None:
        order = [_whole(number, "--sections") for number in re.split(r"[\s,]+", flags.sections.strip())]
        return [{"op": "sections", "action": "reorder", "order": order}]
    placed.sort(key=lambda one: one[:2], reverse=True)
    return [{"op": "sections", "section": number, **change} for number, _, change in placed]


def _extended(flags: FormFlags, seed: int | None) -> list[Operation]:
    if flags.extend is None:
        return []
    text = flags.extend.strip().lower()
    amount = {"by_bars": int(text)} if text.isdecimal() else {"by_seconds": seconds(text)}
    return [_seeded({"op": "extend", "where": "before" if flags.before else "after", **amount}, seed)]


def _looped(text: str) -> Operation:
    return {"op": "loop"} if text.strip().lower() in _EVERYBODY else {"op": "loop", "bars": _bar_range(text)}


def _strips(flags: MixFlags) -> list[Operation]:
    strips: dict[str, Operation] = {}
    for field, name in (("gain_db", "gain"), ("pan", "pan"), ("reverb", "reverb"), ("delay", "delay")):
        for player, value in _named(getattr(flags, name), f"--{name}"):
            strips.setdefault(player, {})[field] = _number(value, f"--{name}")
    for muted, names in ((True, flags.mute), (False, flags.unmute)):
        for player in listed(names or ()):
            if strips.setdefault(player, {}).setdefault("muted", muted) is not muted:
                raise RequestError(f"--mute and --unmute both name {player}: leave one of them out")
    return [{"op": "mix", "player": player, **numbers} for player, numbers in strips.items()]


def _fades(flags: MixFlags) -> list[Operation]:
    given = {"fade_in_s": flags.fade_in, "fade_out_s": flags.fade_out}
    fades = {name: seconds(value) for name, value in given.items() if value is not None}
    return [{"op": "fades", **fades}] if fades else []
