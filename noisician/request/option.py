"""What there is to know of one option of a request, and its part in the schema of the HTTP API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler

#: What a model can do.
Feature = Literal[
    "text",
    "lyrics",
    "voice",
    "negative_prompt",
    "init_audio",
    "repaint",
    "reference_audio",
    "morph_prompt",
    "morph_audio",
    "tempo",
    "key",
    "time_signature",
    "loop",
    "stems",
    "score",
    "preset",
    "device",
]
#: The parts of the command line's help.
Panel = Literal["Music", "Model", "Songs", "Checkpoints"]
#: How a value is written on the command line: as it is; a word in any case; 30, 2:30 or 2m; names with commas; a text
#: or the path of one; stretches of time; the path of a sound file, of a MIDI file, of a picture; a name or a path; a
#: switch; one with an opposite.
Writing = Literal[
    "plain", "word", "seconds", "names", "text", "spans", "sound", "notes", "picture", "place", "switch", "either"
]


@dataclass(frozen=True, kw_only=True)
class Option:
    """What there is to know of one field of :class:`~noisician.request.Request` besides its type and default.

    * ``about`` says in a clause what it means, wherever it is explained.
    * ``flag`` names it on the command line and in messages, ``panel`` and ``writing`` say how it stands there.
    * ``noun`` is what messages call its value, ``also`` what people call the option by mistake.
    * ``limits`` are the lowest and the highest value in ``unit``, both included; ``limit_chars`` is the longest text;
      ``remedy`` is the likely cause, or what helps, where a value is beyond them.
    * ``needs`` are features of which a model must have one to follow it; models that read words take what they have no
      field of their own for as words.
    """

    about: str
    flag: str
    panel: Panel
    writing: Writing = "plain"
    noun: str = ""
    also: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    unit: str = ""
    limit_chars: int | None = None
    remedy: str = "shorten it"
    needs: tuple[Feature, ...] = ()

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema of the type, with what is told here about its values. Pydantic calls it; it checks nothing."""
        schema = dict(handler(core_schema))
        bounds: dict[str, Any] = {}
        if self.limits is not None:
            bounds = {"minimum": self.limits[0], "maximum": self.limits[1]}
        if self.limit_chars is not None:
            bounds = {"maxLength": self.limit_chars}
        choices = [{**choice, **({} if choice.get("type") == "null" else bounds)} for choice in schema.get("anyOf", ())]
        return {**schema, **({"anyOf": choices} if choices else bounds), "description": self.about}
