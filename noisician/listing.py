"""What there is to choose from: the models and the styles, as plain values for whoever shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noisician.models.checkpoints import CheckpointInfo
    from noisician.models.protocol import Feature

STYLE_KINDS = ("genres", "moods", "instruments", "textures", "voices")
EMBEDDED = "embedded"


@dataclass(frozen=True)
class ListedModel:
    """One model as far as it is known without loading it.

    ``on_disk`` is "yes", "incomplete" or "no". ``size_gb`` counts 10⁹ bytes. ``restricted`` None: nobody stated a
    licence. ``family`` and ``hub_id`` are a checkpoint's. ``folder`` and ``how_to_get`` name places on this machine:
    they are for its owner alone.
    """

    name: str
    on_disk: str
    size_gb: float | None
    licence: str
    licence_url: str | None
    restricted: bool | None
    gated: bool
    features: tuple[Feature, ...]
    duration_range_s: tuple[float, float] | None
    sample_rate_hz: int | None
    family: str | None = None
    hub_id: str | None = None
    folder: Path | None = None
    how_to_get: str = ""

    @property
    def advice(self) -> str | None:
        """How its owner makes it usable, without a word about this machine; None for one that is."""
        if self.on_disk == "yes":
            return None
        if self.hub_id is None:
            return f"its owner converts it by hand; noisician models info {self.name} says how"
        return f"where the service runs: noisician models pull {self.name}"


def known_models() -> tuple[ListedModel, ...]:
    """The embedded model and the catalogue: what anybody may ask for by name."""
    from noisician.models.checkpoints import catalogue

    return (_embedded(), *(_checkpoint(entry) for entry in catalogue().values()))


def all_models() -> tuple[ListedModel, ...]:
    """The known models, and what else lies in the models folder."""
    return (*known_models(), *_kept())


def model_named(name: str) -> ListedModel:
    """One model by name, hub id or folder. Raises RequestError and WeightsError as ``checkpoints.locate``."""
    from noisician.models.checkpoints import locate

    return _embedded() if name == EMBEDDED else _checkpoint(*locate(name))


def style_rows(kind: str) -> list[dict[str, Any]]:
    """The entries of one of STYLE_KINDS in the order of their file, as JSON values: at least id and description."""
    from noisician.score.harmony import note_name
    from noisician.styles import instruments, table
    from noisician.vocals.voices import voices

    if kind == "genres":
        return [
            {
                "id": id_,
                "tempo_bpm": "{}–{}".format(entry["tempo_bpm"][0], entry["tempo_bpm"][2]),
                "description": entry["description"],
            }
            for id_, entry in table("genres").items()
        ]
    if kind == "moods":
        return [{"id": id_, "description": entry["description"]} for id_, entry in table("moods").items()]
    if kind == "voices":
        return [
            {
                "id": id_,
                "kind": voice.kind,
                "range": "{}–{}".format(*(note_name(pitch) for pitch in voice.range)),
                "description": voice.description,
            }
            for id_, voice in voices().items()
        ]
    return [
        {
            "id": id_,
            "family": instrument.family,
            "roles": " ".join(instrument.roles),
            "description": instrument.description,
        }
        for id_, instrument in instruments().items()
        if (instrument.family == "texture") == (kind == "textures")
    ]


def _kept() -> Iterator[ListedModel]:
    from noisician.errors import WeightsError
    from noisician.models.checkpoints import catalogue, locate, pullable, store

    for name in store.kept_names():
        if name in catalogue():
            continue
        try:
            yield _checkpoint(*locate(name))
        except WeightsError:  # nothing noisician can run, but there
            yield _checkpoint(pullable(name))


def _embedded() -> ListedModel:
    from noisician.api import capabilities_of
    from noisician.request import Request
    from noisician.weights import FOLDER

    able = capabilities_of(Request())
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    return ListedModel(
        name=able.name,
        on_disk="yes",
        size_gb=round(size / 1e9, 3),
        licence=able.licence,
        licence_url=None,
        restricted=False,
        gated=False,
        features=tuple(sorted(able.features)),
        duration_range_s=able.duration_range_s,
        sample_rate_hz=able.sample_rate_hz,
        folder=FOLDER,
    )


def _checkpoint(source: CheckpointInfo, folder: Path | None = None) -> ListedModel:
    from noisician.models.checkpoints import store
    from noisician.models.checkpoints.catalogue import UNKNOWN_LICENCE

    folder = folder or store.find(source)
    size_gb = source.size_gb
    if size_gb is None and folder is not None:
        size_gb = round(store.size_on_disk(folder) / 1e9, 3)
    return ListedModel(
        name=source.name,
        on_disk="no" if folder is None else store.state_of(folder),
        size_gb=size_gb,
        licence=source.licence,
        licence_url=source.licence_url,
        restricted=None if source.licence == UNKNOWN_LICENCE else source.restricted,
        gated=source.gated,
        features=tuple(sorted(source.features)),
        duration_range_s=source.duration_range_s,
        sample_rate_hz=source.sample_rate_hz,
        family=source.family,
        hub_id=source.hub_id,
        folder=folder,
        how_to_get="" if folder is not None else str(store.missing(source)),
    )
