"""Edits: frozen values that say what of a piece shall become how. Nothing here knows how it is done.

Bars are counted from 1 and both ends are meant, as musicians speak; players are named by id or by role ("bass"), nobody
means everybody. Seconds are widened to whole bars. An edit is JSON with its name under ``op``:

>>> edit = edit_from({"op": "regenerate", "players": ["bass"], "bars": [[5, 8]], "seed": 9})
>>> edit.words()
'regenerate bass, bars 5-8 (seed 9)'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from noisician.errors import RequestError
from noisician.request import SEEDS, TEMPO_RANGE_BPM
from noisician.request.fields import TimeSignature

if TYPE_CHECKING:
    from noisician.score import Note
    from noisician.score.changes import NoteChanges

#: First and last bar, counted from 1, both included.
Bars: TypeAlias = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
Seconds: TypeAlias = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]
Seed: TypeAlias = Annotated[int, Field(ge=0, lt=SEEDS)]
Keep: TypeAlias = Literal["nothing", "rhythm", "contour"]
Strength: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Velocity: TypeAlias = Annotated[int, Field(ge=1, le=127)]
Pitch: TypeAlias = Annotated[int, Field(ge=0, le=127)]
Players: TypeAlias = tuple[str, ...]

#: Edits at once; more than anybody makes by hand.
EDITS_LIMIT = 64
NOTES_LIMIT = 20_000
WORDS_LIMIT_CHARS = 500


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Region(_Value):
    """Players × bars. ``seconds`` are another way to name bars: each pair is widened to the bars it touches."""

    players: Players = Field(default=(), description="ids or roles; none means everybody")
    bars: tuple[Bars, ...] = Field(default=(), description="first and last bar, from 1; none means all of them")
    seconds: tuple[Seconds, ...] = Field(default=(), description="start and end, widened to whole bars")

    def where(self) -> str:
        """The region in words."""
        who = ", ".join(self.players) or "everybody"
        spans = [f"bars {first}-{last}" if last != first else f"bar {first}" for first, last in self.bars]
        spans += [f"{start:g}-{end:g} s" for start, end in self.seconds]
        return f"{who}, {', '.join(spans)}" if spans else who


class _Edit(_Value):
    """What all edits have, beside ``op``, which names the kind."""

    def words(self) -> str:
        """What is done, in one line."""
        raise NotImplementedError

    @property
    def paints(self) -> bool:
        """Whether anything has to be rendered for it."""
        return True


class _Regional(_Edit, Region):
    """An edit of one region."""


class Regenerate(_Regional):
    """Writes the bars of some players anew, hearing everything that stays.

    ``keep`` the rhythm, or the contour too (rhythm and the direction of each interval). ``text`` are wishes of its own
    ("busier, no cymbals"). ``also`` are further regions of the same edit.
    """

    op: Literal["regenerate"] = "regenerate"
    keep: Keep = "nothing"
    text: str = Field(default="", max_length=WORDS_LIMIT_CHARS, description='own words: "busier, no cymbals"')
    seed: Seed | None = Field(default=None, description="names the draw; none takes the next one")
    also: tuple[Region, ...] = ()

    @property
    def regions(self) -> tuple[Region, ...]:
        return (Region(players=self.players, bars=self.bars, seconds=self.seconds), *self.also)

    def words(self) -> str:
        where = "; ".join(region.where() for region in self.regions)
        kept = f", keeping the {self.keep}" if self.keep != "nothing" else ""
        wish = f", {self.text!r}" if self.text else ""
        return f"regenerate {where}{kept}{wish}{_seeded(self.seed)}"


class Vary(_Regional):
    """Writes a share of the beats anew: 0 changes nothing, 1 all of them."""

    op: Literal["vary"] = "vary"
    strength: Strength = 0.5
    seed: Seed | None = None

    def words(self) -> str:
        return f"vary {self.where()} by {self.strength:g}{_seeded(self.seed)}"


class Extend(_Edit):
    """More music before or after, by bars or by seconds; the form goes on."""

    op: Literal["extend"] = "extend"
    where: Literal["before", "after"] = "after"
    by_bars: Annotated[int, Field(ge=1, le=400)] | None = None
    by_seconds: Annotated[float, Field(gt=0, le=600)] | None = None
    seed: Seed | None = None

    def words(self) -> str:
        amount = f"{self.by_bars} bars" if self.by_seconds is None else f"{self.by_seconds:g} s"
        return f"extend by {amount} {self.where}{_seeded(self.seed)}"


class SetSections(_Edit):
    """Changes the form. ``section`` counts from 1.

    ``reorder`` takes ``order``, the present numbers in their new order (one left out is deleted, one named twice is
    duplicated); ``resize`` takes ``bars``; ``rename`` takes ``kind``; ``insert`` writes a new section of ``kind`` and
    ``bars`` before ``section`` (one beyond the last appends).
    """

    op: Literal["sections"] = "sections"
    action: Literal["reorder", "duplicate", "delete", "resize", "rename", "insert"]
    section: Annotated[int, Field(ge=1)] = 1
    order: tuple[Annotated[int, Field(ge=1)], ...] = ()
    bars: Annotated[int, Field(ge=1, le=400)] | None = None
    kind: str | None = None
    seed: Seed | None = None

    def words(self) -> str:
        if self.action == "reorder":
            return f"sections in the order {', '.join(map(str, self.order))}"
        rest = (
            f" to {self.bars} bars"
            if self.action == "resize"
            else f" as {self.kind}"
            if self.action == "rename"
            else ""
        )
        if self.action == "insert":
            return f"insert a {self.kind} of {self.bars} bars before section {self.section}{_seeded(self.seed)}"
        return f"{self.action} section {self.section}{rest}"


class AddPlayer(_Edit):
    """Somebody joins, hearing all others. Without ``role`` it is the instrument's own first free one."""

    op: Literal["add_player"] = "add_player"
    instrument: str
    role: str | None = None
    bars: tuple[Bars, ...] = ()
    seconds: tuple[Seconds, ...] = ()
    text: str = Field(default="", max_length=WORDS_LIMIT_CHARS)
    seed: Seed | None = None

    def words(self) -> str:
        where = Region(bars=self.bars, seconds=self.seconds).where().removeprefix("everybody")
        return f"add {self.instrument}{f' as {self.role}' if self.role else ''}{where}{_seeded(self.seed)}"


class RemovePlayer(_Edit):
    """Somebody leaves; everybody else plays on as before."""

    op: Literal["remove_player"] = "remove_player"
    player: str

    def words(self) -> str:
        return f"remove {self.player}"


class ReplaceInstrument(_Edit):
    """The same notes on another instrument."""

    op: Literal["replace_instrument"] = "replace_instrument"
    player: str
    instrument: str

    def words(self) -> str:
        return f"{self.player} plays {self.instrument}"


class Rest(_Regional):
    """Players fall silent in some bars."""

    op: Literal["rest"] = "rest"

    def words(self) -> str:
        return f"rest: {self.where()}"


class NewNote(_Value):
    """A note to be set: beats from the start of the piece, as they are to be heard."""

    pitch: Pitch
    start_beats: Annotated[float, Field(ge=0)]
    duration_beats: Annotated[float, Field(gt=0)]
    velocity: Velocity = 90
    id: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="that of a note that is back; none takes the next"
    )
    is_set: bool = Field(default=True, description="false leaves it to what is written anew around it")


class ChangedNote(_Value):
    """What becomes of a note that is there; what is None stays. It counts as set by hand unless ``is_set`` is false."""

    id: int
    pitch: Pitch | None = None
    start_beats: Annotated[float, Field(ge=0)] | None = None
    duration_beats: Annotated[float, Field(gt=0)] | None = None
    velocity: Velocity | None = None
    is_set: bool | None = None


class SetNotes(_Edit):
    """Adds, changes and deletes notes of one player. They count as set by hand from then on.

    :func:`notes_back` makes the edit that takes one back.
    """

    op: Literal["notes"] = "notes"
    player: str
    add: tuple[NewNote, ...] = Field(default=(), max_length=NOTES_LIMIT)
    change: tuple[ChangedNote, ...] = Field(default=(), max_length=NOTES_LIMIT)
    delete: tuple[int, ...] = Field(default=(), max_length=NOTES_LIMIT)

    def words(self) -> str:
        counts = (("add", self.add), ("change", self.change), ("delete", self.delete))
        return f"notes of {self.player}: {', '.join(f'{name} {len(notes)}' for name, notes in counts if notes)}"


class PlacedChord(_Value):
    """A chord from a beat of a bar on (both from 1), as written: ``Am7``, ``F#m``, ``Bb9``; ``N`` is none."""

    bar: Annotated[int, Field(ge=1)]
    beat: Annotated[int, Field(ge=1)] = 1
    chord: str


class SetChords(_Edit):
    """Sets chords; each lasts until the next one named, or to the end of its bar. ``follow`` names who follows them."""

    op: Literal["chords"] = "chords"
    chords: tuple[PlacedChord, ...] = Field(min_length=1, max_length=2000)
    follow: Players = Field(default=(), description="ids or roles; none means nobody")

    def words(self) -> str:
        placed = " ".join(f"{one.bar}{f'.{one.beat}' if one.beat > 1 else ''}:{one.chord}" for one in self.chords)
        return f"chords {placed}{f', {chr(44).join(self.follow)} following' if self.follow else ''}"


class SetTempo(_Edit):
    """The same notes at another tempo."""

    op: Literal["tempo"] = "tempo"
    tempo_bpm: Annotated[float, Field(ge=TEMPO_RANGE_BPM[0], le=TEMPO_RANGE_BPM[1])]

    def words(self) -> str:
        return f"tempo {self.tempo_bpm:g} BPM"


class SetMeter(_Edit):
    """The same bars in another metre.

    Between 3/4 and 6/8 every note keeps its time. Where the beat stays the same, a bar loses beats at its end (4/4 to
    3/4) or gains some (to 5/4), through which whatever lasts to the end of the bar is held. Beats of two and of three
    parts do not become each other.
    """

    op: Literal["meter"] = "meter"
    time_signature: TimeSignature

    def words(self) -> str:
        return f"metre {self.time_signature}"


class SetKey(_Edit):
    """The same notes in another key, moved to the nearest octave. Another mode moves the degrees that differ."""

    op: Literal["key"] = "key"
    key: str
    mode: str | None = None

    def words(self) -> str:
        return f"key {self.key}{f' {self.mode}' if self.mode else ''}"


class SetWords(_Edit):
    """Other words for the song; lines whose words are the same stay as they are."""

    op: Literal["words"] = "words"
    lyrics: str

    def words(self) -> str:
        return "other words"


class SetVoice(_Edit):
    """Somebody else sings the same notes."""

    op: Literal["voice"] = "voice"
    voice: str

    def words(self) -> str:
        return f"sung by {self.voice}"


class SetStrip(_Edit):
    """A player's place in the mix: what is None stays. Nothing is painted anew."""

    op: Literal["mix"] = "mix"
    player: str
    gain_db: float | None = Field(default=None, description="the fader: 0 is as it was decided")
    pan: float | None = Field(default=None, description="-1 left to 1 right")
    reverb: float | None = Field(default=None, description="send, linear")
    delay: float | None = Field(default=None, description="send, linear")
    muted: bool | None = None

    @property
    def paints(self) -> bool:
        return False

    def words(self) -> str:
        named = (
            ("gain", self.gain_db, " dB"),
            ("pan", self.pan, ""),
            ("reverb", self.reverb, ""),
            ("delay", self.delay, ""),
        )
        told = [f"{name} {value:g}{unit}" for name, value, unit in named if value is not None]
        told += [] if self.muted is None else ["muted" if self.muted else "not muted"]
        return f"mix {self.player}: {', '.join(told) or 'as it is'}"


class Remaster(_Edit):
    """Decides loudness and the master's other numbers anew; the players' levels stay."""

    op: Literal["remaster"] = "remaster"

    @property
    def paints(self) -> bool:
        return False

    def words(self) -> str:
        return "remaster"


class SetFades(_Edit):
    """How the track begins and ends."""

    op: Literal["fades"] = "fades"
    fade_in_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    fade_out_s: Annotated[float, Field(ge=0, le=60)] = 0.0

    @property
    def paints(self) -> bool:
        return False

    def words(self) -> str:
        return f"fade in {self.fade_in_s:g} s, out {self.fade_out_s:g} s"


class Copy(_Edit):
    """Copies bars of some players to other bars, in place of what stood there."""

    op: Literal["copy"] = "copy"
    players: Players = ()
    bars: Bars
    to_bar: Annotated[int, Field(ge=1)]

    def words(self) -> str:
        return f"copy {Region(players=self.players, bars=(self.bars,)).where()} to bar {self.to_bar}"


class Transpose(_Regional):
    """Moves notes by semitones, or by degrees of the scale."""

    op: Literal["transpose"] = "transpose"
    semitones: Annotated[int, Field(ge=-48, le=48)] | None = None
    degrees: Annotated[int, Field(ge=-28, le=28)] | None = None

    def words(self) -> str:
        amount = f"{self.semitones:+d} semitones" if self.semitones is not None else f"{self.degrees or 0:+d} degrees"
        return f"transpose {self.where()} by {amount}"


class SetTiming(_Regional):
    """Moves onsets and velocities; what is None stays.

    ``quantise`` 1 puts every onset on the straight sixteenth, 0 leaves it. ``swing`` and ``humanise`` are as the
    piece's own, 0 … 1, and put the onsets where they would be played with that much. ``velocity`` is added.
    """

    op: Literal["timing"] = "timing"
    quantise: Strength | None = None
    swing: Strength | None = None
    humanise: Strength | None = None
    velocity: Annotated[int, Field(ge=-126, le=126)] | None = None

    def words(self) -> str:
        named = (
            ("quantise", self.quantise),
            ("swing", self.swing),
            ("humanise", self.humanise),
            ("velocity", self.velocity),
        )
        return (
            f"timing of {self.where()}: {', '.join(f'{name} {value:g}' for name, value in named if value is not None)}"
        )


class UseFrom(_Regional):
    """Takes bars of some players from another version or take of the same piece."""

    op: Literal["use_from"] = "use_from"
    source: str = Field(description="a file, or the id of a take")

    def words(self) -> str:
        return f"{self.where()} from {self.source}"


class Loop(_Edit):
    """Makes some bars, or all, a seamless loop."""

    op: Literal["loop"] = "loop"
    bars: Bars | None = None

    def words(self) -> str:
        return "loop" if self.bars is None else f"loop bars {self.bars[0]}-{self.bars[1]}"


Edit: TypeAlias = (
    Regenerate
    | Vary
    | Extend
    | SetSections
    | AddPlayer
    | RemovePlayer
    | ReplaceInstrument
    | Rest
    | SetNotes
    | SetChords
    | SetTempo
    | SetMeter
    | SetKey
    | SetWords
    | SetVoice
    | SetStrip
    | Remaster
    | SetFades
    | Copy
    | Transpose
    | SetTiming
    | UseFrom
    | Loop
)
#: For JSON and its schema: the kind is told by ``op``.
AnyEdit: TypeAlias = Annotated[Edit, Field(discriminator="op")]
#: Every kind by its name.
KINDS: Mapping[str, type[_Edit]] = {kind.model_fields["op"].default: kind for kind in Edit.__args__}  # type: ignore[attr-defined]


class _Adapters:
    one: ClassVar[TypeAdapter[Edit]] = TypeAdapter(AnyEdit)


def edit_from(data: object) -> Edit:
    """An edit from JSON values. Raises RequestError in one line for anything else."""
    if isinstance(data, _Edit):
        return data  # type: ignore[return-value]
    if not isinstance(data, Mapping):
        raise RequestError(f"an edit is an object with 'op', not {type(data).__name__}; known: {', '.join(KINDS)}")
    if data.get("op") not in KINDS:
        raise RequestError(f"unknown edit {data.get('op')!r}; known: {', '.join(KINDS)}")
    try:
        return _Adapters.one.validate_python(data)
    except ValidationError as error:
        raise RequestError(f"edit {data['op']}: {_first_problem(error)}") from None


def edits_from(data: object) -> tuple[Edit, ...]:
    """Several edits, in order. Raises RequestError for none and for more than EDITS_LIMIT."""
    if not isinstance(data, Sequence) or isinstance(data, str | bytes):
        raise RequestError("edits are a list of objects, each with 'op'")
    if not data:
        raise RequestError("no edit: say what shall change")
    if len(data) > EDITS_LIMIT:
        raise RequestError(f"{len(data)} edits at once; at most {EDITS_LIMIT}")
    return tuple(edit_from(one) for one in data)


def set_notes(changes: NoteChanges) -> SetNotes:
    """The edit that makes a player's notes what they became elsewhere; fields that did not change stay None."""
    fields = ("pitch", "start_beats", "duration_beats", "velocity")

    def values(note: Note) -> dict[str, float]:
        return {name: getattr(note, name) for name in fields}

    return SetNotes(
        player=changes.player,
        add=tuple(NewNote.model_validate(values(note)) for note in changes.added),
        change=tuple(
            ChangedNote.model_validate(
                {"id": was.id, **{name: value for name, value in values(now).items() if value != getattr(was, name)}}
            )
            for was, now in changes.changed
        ),
        delete=changes.deleted,
    )


def notes_back(player: str, now: Iterable[Note], before: Iterable[Note]) -> SetNotes:
    """The edit that makes a player's notes again what they were, with their ids and whether they count as set.

    Undoes whatever changed nothing but notes: the piece after it is the piece from before.
    """
    fields = ("pitch", "start_beats", "duration_beats", "velocity", "is_set")
    there, wanted = ({note.id: note for note in notes} for notes in (now, before))

    def told(note: Note) -> dict[str, object]:
        return {"id": note.id, **{name: getattr(note, name) for name in fields}}

    differing = [id_ for id_ in there.keys() & wanted.keys() if there[id_] != wanted[id_]]
    return SetNotes(
        player=player,
        add=tuple(NewNote.model_validate(told(wanted[id_])) for id_ in sorted(wanted.keys() - there.keys())),
        change=tuple(ChangedNote.model_validate(told(wanted[id_])) for id_ in sorted(differing)),
        delete=tuple(sorted(there.keys() - wanted.keys())),
    )


def in_words(edits: Iterable[Edit]) -> str:
    """What is done, in one line."""
    return "; ".join(edit.words() for edit in edits)


def _seeded(seed: int | None) -> str:
    return "" if seed is None else f" (seed {seed})"


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    # The first part of the place is the kind's own name, which the message has already.
    place = ".".join(str(part) for part in first["loc"][1:])
    given = "" if first["type"] in ("missing", "extra_forbidden") else f" {repr(first.get('input'))[:60]}"
    return f"{place}{given}: {' '.join(first['msg'].split())}"
