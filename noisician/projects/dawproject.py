"""DAWproject 1.0 (github.com/bitwig/dawproject): a ZIP of ``project.xml``, ``metadata.xml`` and the sound.

Sound is locked to the beat by warps: one point at each change of tempo, so that nothing is stretched and everything
follows where the tempo is changed later.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise
from xml.etree import ElementTree

from noisician.projects.model import Label, Metre, Project, ProjectTrack
from noisician.request import TEMPO_RANGE_BPM

#: What a fader of this format goes up to.
_LOUDEST = 2.0
_SCHEMA_VERSION = "1.0"
_REFERENCE_COLOUR = "#808080"
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def project_xml(project: Project, files: Mapping[str, str], finished: str, version: str) -> bytes:
    """``project.xml``. ``files`` are the members of the stems by name, ``finished`` that of the finished track, which
    is there to compare and muted; ``version`` is that of the program."""
    return _Writer(project, files, finished, version).document()


def metadata_xml(project: Project) -> bytes:
    """``metadata.xml``."""
    root = ElementTree.Element("MetaData")
    ElementTree.SubElement(root, "Title").text = _text(project.title)
    ElementTree.SubElement(root, "Comment").text = _text(project.comment)
    return _serialised(root)


@dataclass
class _Writer:
    """Elements refer to each other by ids, which are given out as they are written."""

    project: Project
    files: Mapping[str, str]
    finished: str
    version: str
    _numbers: count = field(default_factory=count)

    def document(self) -> bytes:
        root = ElementTree.Element("Project", version=_SCHEMA_VERSION)
        ElementTree.SubElement(root, "Application", name="noisician", version=self.version)
        tempo, metre = self._transport(root)
        structure = ElementTree.SubElement(root, "Structure")
        master = self._id()
        sound = [(one, self._track(structure, one.name, "audio", one.colour, master)) for one in self._sounding()]
        reference = self._track(structure, "finished track", "audio", _REFERENCE_COLOUR, master, muted=True)
        notes = [
            (one, self._track(structure, f"{one.name} (notes)", "notes", one.colour, master))
            for one in self.project.tracks
            if one.notes
        ]
        words = [
            (labels, self._track(structure, name, "notes", _REFERENCE_COLOUR, master))
            for name, labels in (("chords", self.project.chords), ("lyrics", self.project.lyrics))
            if labels
        ]
        self._master(structure, master)
        arrangement = ElementTree.SubElement(root, "Arrangement", id=self._id())
        lanes = ElementTree.SubElement(arrangement, "Lanes", timeUnit="beats", id=self._id())
        for one, id_ in sound:
            assert one.stem is not None
            self._sound(lanes, id_, one.name, self.files[one.stem])
        self._sound(lanes, reference, "finished track", self.finished)
        for one, id_ in notes:
            self._notes(lanes, id_, one)
        for labels, id_ in words:
            self._labels(lanes, id_, labels)
        self._markers(arrangement)
        self._automation(arrangement, tempo, metre)
        ElementTree.SubElement(root, "Scenes")
        return _serialised(root)

    def _id(self) -> str:
        return f"id{next(self._numbers)}"

    def _sounding(self) -> Iterable[ProjectTrack]:
        return (one for one in self.project.tracks if one.stem is not None)

    def _transport(self, root: ElementTree.Element) -> tuple[str, str]:
        """The ids of tempo and metre."""
        transport = ElementTree.SubElement(root, "Transport")
        tempo, metre = self._id(), self._id()
        low, high = TEMPO_RANGE_BPM
        ElementTree.SubElement(
            transport, "Tempo", id=tempo, name="Tempo", unit="bpm", value=_number(self.project.first_tempo_bpm),
            min=_number(low / 4), max=_number(high * 4),
        )  # fmt: skip
        first = self.project.metres[0]
        ElementTree.SubElement(
            transport, "TimeSignature", id=metre, numerator=str(first.numerator), denominator=str(first.denominator)
        )
        return tempo, metre

    def _track(
        self, structure: ElementTree.Element, name: str, content: str, colour: str, master: str, muted: bool = False
    ) -> str:
        id_ = self._id()
        track = ElementTree.SubElement(
            structure, "Track", contentType=content, loaded="true", id=id_, name=_text(name), color=colour
        )
        self._channel(track, "regular", destination=master, muted=muted)
        return id_

    def _master(self, structure: ElementTree.Element, channel: str) -> None:
        track = ElementTree.SubElement(
            structure, "Track", contentType="audio notes", loaded="true", id=self._id(), name="Master",
            comment=_text(self.project.comment),
        )  # fmt: skip
        self._channel(track, "master", id_=channel)

    def _channel(
        self,
        track: ElementTree.Element,
        role: str,
        id_: str | None = None,
        destination: str | None = None,
        muted: bool = False,
    ) -> None:
        """Fader at 0 dB, panned to the middle. The order of what it holds is the schema's."""
        channel = ElementTree.SubElement(
            track, "Channel", audioChannels="2", role=role, solo="false", id=id_ or self._id()
        )
        if destination is not None:
            channel.set("destination", destination)
        ElementTree.SubElement(channel, "Mute", value=str(muted).lower(), id=self._id(), name="Mute")
        ElementTree.SubElement(
            channel, "Pan", unit="normalized", value="0.5", min="0", max="1", id=self._id(), name="Pan"
        )
        ElementTree.SubElement(
            channel, "Volume", unit="linear", value="1", min="0", max=_number(_LOUDEST), id=self._id(), name="Volume"
        )

    def _sound(self, lanes: ElementTree.Element, track: str, name: str, file: str) -> None:
        project = self.project
        clip = self._clip(lanes, track, 0.0, project.length, name)
        warps = ElementTree.SubElement(clip, "Warps", contentTimeUnit="seconds", timeUnit="beats", id=self._id())
        audio = ElementTree.SubElement(
            warps, "Audio", channels="2", duration=_number(project.duration_s), sampleRate=str(project.rate_hz),
            algorithm="stretch", id=self._id(),
        )  # fmt: skip
        ElementTree.SubElement(audio, "File", path=file)
        inside = (one.start_beats for one in project.tempo.changes if 0 < one.start_beats < project.length)
        for beats in (0.0, *inside):
            ElementTree.SubElement(
                warps, "Warp", time=_number(beats), contentTime=_number(project.tempo.seconds(beats))
            )
        ElementTree.SubElement(warps, "Warp", time=_number(project.length), contentTime=_number(project.duration_s))

    def _notes(self, lanes: ElementTree.Element, track: str, one: ProjectTrack) -> None:
        end = max(self.project.length, *(note.start + note.length for note in one.notes))
        clip = self._clip(lanes, track, 0.0, end, one.name)
        notes = ElementTree.SubElement(clip, "Notes", id=self._id())
        for note in one.notes:
            ElementTree.SubElement(
                notes, "Note", time=_number(note.start), duration=_number(note.length),
                channel="9" if one.is_drums else "0", key=str(note.pitch), vel=_number(note.velocity / 127),
            )  # fmt: skip

    def _labels(self, lanes: ElementTree.Element, track: str, labels: Iterable[Label]) -> None:
        """Words on the time line: empty clips that are called so."""
        placed = [*((one.start, one.text) for one in labels if one.start < self.project.length)]
        lane = ElementTree.SubElement(lanes, "Lanes", track=track, id=self._id())
        clips = ElementTree.SubElement(lane, "Clips", id=self._id())
        for (start, text), (end, _) in pairwise([*placed, (self.project.length, "")]):
            clip = ElementTree.SubElement(
                clips, "Clip", time=_number(start), duration=_number(max(end - start, 0.0)), playStart="0",
                name=_text(text),
            )  # fmt: skip
            ElementTree.SubElement(clip, "Notes", id=self._id())

    def _clip(
        self, lanes: ElementTree.Element, track: str, start: float, length: float, name: str
    ) -> ElementTree.Element:
        lane = ElementTree.SubElement(lanes, "Lanes", track=track, id=self._id())
        clips = ElementTree.SubElement(lane, "Clips", id=self._id())
        return ElementTree.SubElement(
            clips, "Clip", time=_number(start), duration=_number(length), playStart="0", contentTimeUnit="beats",
            name=_text(name),
        )  # fmt: skip

    def _markers(self, arrangement: ElementTree.Element) -> None:
        if not self.project.sections:
            return
        markers = ElementTree.SubElement(arrangement, "Markers", id=self._id())
        for one in self.project.sections:
            ElementTree.SubElement(markers, "Marker", time=_number(one.start), name=_text(one.text))

    def _automation(self, arrangement: ElementTree.Element, tempo: str, metre: str) -> None:
        curve = self.project.tempo
        points = ElementTree.SubElement(arrangement, "TempoAutomation", unit="bpm", timeUnit="beats", id=self._id())
        ElementTree.SubElement(points, "Target", parameter=tempo)
        for start, bpm in ((0.0, curve.tempo_bpm), *((one.start_beats, one.tempo_bpm) for one in curve.changes)):
            ElementTree.SubElement(points, "RealPoint", time=_number(start), value=_number(bpm), interpolation="hold")
        self._metres(arrangement, metre, self.project.metres)

    def _metres(self, arrangement: ElementTree.Element, metre: str, metres: Iterable[Metre]) -> None:
        points = ElementTree.SubElement(arrangement, "TimeSignatureAutomation", timeUnit="beats", id=self._id())
        ElementTree.SubElement(points, "Target", parameter=metre)
        for one in metres:
            ElementTree.SubElement(
                points, "TimeSignaturePoint", time=_number(one.start), numerator=str(one.numerator),
                denominator=str(one.denominator),
            )  # fmt: skip


def _number(value: float) -> str:
    """Without exponents, to a billionth: less than a thousandth of a sample in an hour."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _text(value: str) -> str:
    """Without the characters that XML 1.0 has no way to write."""
    return _UNWRITABLE.sub("", value)


def _serialised(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    out = io.BytesIO()
    ElementTree.ElementTree(root).write(out, encoding="UTF-8", xml_declaration=True)
    return out.getvalue()
