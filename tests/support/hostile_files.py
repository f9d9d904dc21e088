"""Files of notes, tunes and chords that are corrupt, cut, huge or made to harm, each the same for its number."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import mido
import numpy as np

KINDS = ("mid", "musicxml", "mxl", "abc", "cho")
_BYTES = b"\x00\xff\x80\x7f<>&\"'|:[](){}0123456789/-,~%\r\n \xef\xbb\xbf"


@dataclass(frozen=True)
class Hostile:
    """A file's name and content."""

    name: str
    content: bytes


def hostile(number: int) -> Hostile:
    """The file of a number: of each kind in turn, one in four built to harm, the rest damaged."""
    rng = np.random.default_rng(number)
    kind = KINDS[number % len(KINDS)]
    if (number // len(KINDS)) % 4 == 0:
        bombs = _BOMBS[kind]
        content = bombs[(number // (4 * len(KINDS))) % len(bombs)](rng)
    else:
        content = _damaged(_whole(kind, rng), rng)
    return Hostile(f"{number:04d}.{kind}", content)


def taken(path: Path) -> None:
    """What a file meets on its way into a piece. Raises NoisicianError in one line."""
    from noisician.errors import RequestError
    from noisician.models.inputs import notes_told, read_notes
    from noisician.models.support import with_chords
    from noisician.piece import Setting, piece_of_score
    from noisician.prompt import Controls
    from noisician.prompt.options import check_limits
    from noisician.renderer import RenderSettings
    from noisician.request import DURATION_RANGE_S, Request

    if path.suffix == ".cho":
        request = Request(chords=path.read_bytes().decode("utf-8", "replace"))
        check_limits(request)
        with_chords(Controls(), request)
        return
    notes_told(str(path))
    score = read_notes(str(path))
    if score.duration_s > DURATION_RANGE_S[1]:  # as models/embedded/given.py refuses it
        raise RequestError(f"{path.name} lasts {score.duration_s:.0f} s")
    piece_of_score(score, Setting(score.duration_s, {"pop": 1.0}, {}), 0, RenderSettings())


# --- whole files ------------------------------------------------------------------------------------------------------


def _whole(kind: str, rng: np.random.Generator) -> bytes:
    if kind == "mid":
        return _midi(rng)
    if kind == "abc":
        return _abc(rng).encode()
    if kind == "cho":
        return _cho(rng).encode()
    xml = _xml(rng).encode()
    return xml if kind == "musicxml" else _zipped({"META-INF/container.xml": b"<container/>", "score.xml": xml})


def _midi(rng: np.random.Generator) -> bytes:
    midi = mido.MidiFile(type=int(rng.integers(0, 3)), ticks_per_beat=int(rng.choice([24, 96, 480, 960])))
    for channel in range(1 if midi.type == 0 else int(rng.integers(1, 4))):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name="a", time=0)])
        track.append(mido.MetaMessage("set_tempo", tempo=int(rng.integers(200_000, 900_000))))
        track.append(mido.MetaMessage("time_signature", numerator=int(rng.integers(1, 8)), denominator=4))
        for _ in range(int(rng.integers(1, 30))):
            pitch = int(rng.integers(30, 90))
            track.append(mido.MetaMessage("lyrics", text="la ", time=0))
            track.append(
                mido.Message("note_on", channel=channel, note=pitch, velocity=80, time=int(rng.integers(0, 200)))
            )
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=int(rng.integers(1, 400))))
        midi.tracks.append(track)
    file = BytesIO()
    midi.save(file=file)
    return file.getvalue()


def _xml(rng: np.random.Generator) -> str:
    notes = "".join(
        f"<note><pitch><step>{'CDEFGAB'[rng.integers(7)]}</step><octave>{rng.integers(2, 6)}</octave></pitch>"
        f"<duration>{rng.integers(1, 5)}</duration><tie type='stop'/><lyric><text>la</text></lyric></note>"
        for _ in range(8)
    )
    harmony = "<harmony><root><root-step>C</root-step></root><kind>major</kind><degree><degree-value>9</degree-value>"
    harmony += "<degree-alter>0</degree-alter><degree-type>add</degree-type></degree></harmony>"
    head = "<attributes><divisions>2</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    bars = "".join(
        f"<measure>{head if not bar else ''}<direction><sound tempo='{rng.integers(40, 200)}'/></direction>{harmony}"
        f"{notes}<barline><repeat direction='backward'/></barline></measure>"
        for bar in range(3)
    )
    return (
        '<?xml version="1.0"?><score-partwise><part-list><score-part id="P1"><part-name>a</part-name></score-part>'
        f"</part-list><part id='P1'>{bars}</part></score-partwise>"
    )


def _abc(rng: np.random.Generator) -> str:
    items = [
        "C2",
        "^f/",
        "(3abc",
        "[CEG]2",
        "z4",
        "d>e",
        "|",
        ":|",
        "|:",
        "|1",
        ":|2",
        '"Am7"a',
        "&",
        "[V:2]",
        "-",
        "{g}",
    ]
    music = " ".join(items[place] for place in rng.integers(0, len(items), 60))
    return f"X:1\nT:a\nM:4/4\nL:1/8\nQ:1/4=120\nK:D\n{music}\nw: la la-la _ * |\n"


def _cho(rng: np.random.Generator) -> str:
    rows = ["{title: a}", "{key: C}", "{start_of_grid}", "| C . . . | F~G . Am7 . |", "{end_of_grid}", "[Am]la [F13]la",
            "{start_of_chorus}", "[C/E]oh", "{capo: 2}", "|: % | G7alt :|"]  # fmt: skip
    return "\n".join(rows[place] for place in rng.integers(0, len(rows), 20))


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    how = rng.integers(0, 5)
    if how == 0:
        return bytes(data[: rng.integers(0, len(data))])
    for _ in range(int(rng.integers(1, 30))):
        at = int(rng.integers(0, max(1, len(data))))
        if how == 1 and data:
            data[at % len(data)] = int(rng.integers(0, 256))
        elif how == 2:
            data[at:at] = bytes(_BYTES[place] for place in rng.integers(0, len(_BYTES), 5))
        elif how == 3:
            data[at : at + int(rng.integers(1, 20))] = b""
        else:
            data[at:at] = data[at : at + int(rng.integers(1, 200))]
    return bytes(data)


# --- built to harm ----------------------------------------------------------------------------------------------------


def _zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _score(body: str, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?>{head}<score-partwise><part-list><score-part id="P"><part-name>a</part-name>'
        f"</score-part></part-list><part id='P'>{body}</part></score-partwise>"
    ).encode()


def _note(duration: str = "4", more: str = "") -> str:
    return f"<note><pitch><step>C</step><octave>4</octave></pitch><duration>{duration}</duration>{more}</note>"


def _chunk(content: bytes) -> bytes:
    return b"MTrk" + len(content).to_bytes(4, "big") + content


def _file(*tracks: bytes, kind: int = 1, division: int = 96) -> bytes:
    head = kind.to_bytes(2, "big") + len(tracks).to_bytes(2, "big") + division.to_bytes(2, "big")
    return b"MThd\x00\x00\x00\x06" + head + b"".join(map(_chunk, tracks))


_END = b"\x00\xff\x2f\x00"
_LAUGHS = "<!DOCTYPE a [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {name} '{f'&{chr(ord(name) - 1)};' * 10}'>" for name in "bcdefghij"
)  # fmt: skip
_BAR = f"<measure>{_note()}</measure>"
_BACK = "<barline><repeat direction='backward' times='{}'/></barline>"

Build = Callable[[np.random.Generator], bytes]
_XML: tuple[Build, ...] = (
    lambda rng: _score(f"<measure>{_note()}</measure>", _LAUGHS + "]>").replace(b"<part-name>a", b"<part-name>&j;"),
    lambda rng: _score(_BAR, "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>").replace(b">a<", b">&x;<"),
    lambda rng: _score(_BAR, _LAUGHS + "]>").decode().encode("utf-16"),
    lambda rng: _score("<a>" * 100_000 + "</a>" * 100_000),
    lambda rng: _score("<measure>" + "<note/>" * 1_100_000 + "</measure>"),
    lambda rng: _score("".join(f"<measure>{_note()}{_BACK.format(10**9)}</measure>" for _ in range(50))),
    lambda rng: _score(f"<measure>{_note() * 20_000}{_BACK.format(3000)}</measure>"),
    lambda rng: _score(f"<measure>{_note('9' * 5000)}</measure>"),
    lambda rng: _score(f"<measure>{_note('-99')}<backup><duration>{'9' * 30}</duration></backup>{_note()}</measure>"),
    lambda rng: _score("<measure><attributes><divisions>0</divisions><time><beats>-4</beats><beat-type>0</beat-type>"
                       f"</time></attributes><sound tempo='nan'/><sound tempo='1e999'/>{_note()}</measure>"),
    lambda rng: _score("<measure>" + _note("1", "<tie type='stop'/>") * 60_000 + "</measure>"),
    lambda rng: _score(f"<measure><harmony><root><root-step>C</root-step><root-alter>{'9' * 99}</root-alter></root>"
                       f"<kind>{'m' * 9999}</kind></harmony>{_note()}</measure>"),
    lambda rng: b"<score-partwise " + b"a='b' " * 50_000 + b"/>",
    lambda rng: b"<" * 500_000,
)  # fmt: skip
_BOMBS: dict[str, tuple[Build, ...]] = {
    "musicxml": _XML,
    "mxl": (
        lambda rng: _zipped({"score.xml": b" " * (40 << 20)}),
        lambda rng: _zipped({"score.xml": _XML[4](rng)}),
        lambda rng: _zipped({f"{number}.xml": b"" for number in range(20_000)}),
        lambda rng: _zipped({"../../etc/score.xml": _XML[0](rng)}),
        lambda rng: _zipped({"nothing.txt": b""}),
        lambda rng: _zipped({"score.xml": _score(_BAR)})[:-30],
        lambda rng: b"PK\x05\x06" + b"\xff" * 18,
        lambda rng: _zipped({"score.xml": _score(_BAR)}).replace(b"\x08\x00", b"\x63\x00"),
    ),
    "mid": (
        lambda rng: _file(b"\x00\x90\x3c\x40" + b"\x00\x3c\x40" * 3_000_000 + _END),
        lambda rng: _file(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x3c\x00" + _END),
        lambda rng: _file(*[b"\x00\x90\x3c\x40\x60\x3c\x00" + _END] * 30_000),
        lambda rng: _file(b"\x00\xff\x51\x03\x00\x00\x00\x00\x90\x3c\x40\x60\x3c\x00" + _END),
        lambda rng: _file(b"\x00\xff\x01\xff\xff\xff\x7f" + b"a" * 100),
        lambda rng: _file(b"\x00\xff\x58\x04\x00\x00\x00\x00\x00\x90\x3c\x40\x60\x3c\x00" + _END),
        lambda rng: _file(b"\x00\x90\x3c\x40\x60\x3c\x00" + _END, division=0),
        lambda rng: _file(b"\x00\x90\x3c\x40\x60\x3c\x00" + _END, division=0xE728),
        lambda rng: _file(b"\x00\x90\x3c\x40\x60\x3c\x00" + _END, kind=9),
        lambda rng: _file(*[b"\x87\x40\x90\x3c\x40\x60\x3c\x00" + _END] * 400, kind=2),
        lambda rng: b"MThd\xff\xff\xff\xff" + b"\x00" * 100,
        lambda rng: _file(b"\x00\xff\x01\x81\x00noisician:" + b'{"tempo_bpm":1e9,"a":' + b"[" * 99 + _END),
        lambda rng: b"MThd" + bytes(rng.integers(0, 256, 100_000, dtype=np.uint8)),
        lambda rng: b"MThd" + b"\x00" * (17 << 20),
    ),
    "abc": (
        lambda rng: b"X:1\nK:C\n" + b"C" * 1_500_000,
        lambda rng: b"X:1\nK:C\n|:" + b"CDEF" * 20_000 + b":|" * 9,
        lambda rng: b"X:1\nK:C\nZ999999|C",
        lambda rng: b"X:1\nK:C\n" + b"".join(b"C%d/%d " % (n, n + 7) for n in range(1, 40_000)),
        lambda rng: b"X:1\nK:C\n" + b"CDEF|\n" * 1000 + b"w: " + b"la-" * 100_000,
        lambda rng: b"X:1\nK:C\n" + b"CDEF|\nw: a b c d\n" * 3000,
        lambda rng: b"X:1\nK:C\n" + b"(9:99:99" * 50_000 + b"C",
        lambda rng: b"X:1\nM:0/0\nL:0/0\nQ:0=0\nK:C\nC",
        lambda rng: b"X:1\nK:C\n" + b"".join(b"[V:%d]C|" % n for n in range(5000)),
        lambda rng: b"X:1\nK:C\n" + b"[" * 200_000 + b"C" * 1000,
        lambda rng: b"X:1\nK:C\n" + b'"' * 300_001 + b"C",
        lambda rng: b"X:1\nK:C\n" + b"C>" * 100_000,
        lambda rng: b"X:1\nK:C\n" + b"C" * (3 << 20),
        lambda rng: b"X:1\nK:" + b"^" * 100_000 + b"\nC",
    ),
    "cho": (
        lambda rng: b"{key: C}\n" + b"[Am]" * 200_000,
        lambda rng: b"{sog}\n" + b"| C . . . " * 50_000 + b"|\n{eog}",
        lambda rng: b"{sog}\n| " + b"C~" * 100_000 + b" . . . |\n{eog}",
        lambda rng: b"{sog}\n|: C :| x999999\n{eog}",
        lambda rng: b"{title: " + b"{" * 100_000 + b"}",
        lambda rng: b"{key: C}\n[" + b"#" * 100_000 + b"]",
        lambda rng: b"{key: C}\n[C(" + b"b9," * 20_000 + b")]la",
        lambda rng: b"{start_of_" + b"a" * 100_000 + b"}\n[C]a",
        lambda rng: b"{key: C}\n[C" + b"m" * 50_000 + b"]",
        lambda rng: b"{capo: 99999999999999999999}\n[C]a",
    ),
}
