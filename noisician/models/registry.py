"""Which models there are and which one a request is for: known by name, made when first asked for, held here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from noisician.cache import NO_CACHE, ArrayCache
from noisician.request import EMBEDDED, Feature, Request

if TYPE_CHECKING:
    from noisician.models.checkpoints import CheckpointInfo, Loader
    from noisician.models.protocol import Capabilities, MusicModel


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


class Registry:
    """The models of one process, each made when it is first asked for. ``embedded`` makes the one that ships.

    At most one checkpoint is in memory. Models are not for two threads at once: who makes music holds
    ``one_at_a_time`` meanwhile. All else may be asked at any time. ``cache``, set before that, is what the embedded
    model is made with.
    """

    def __init__(self, embedded: Callable[[], MusicModel] | None = None) -> None:
        self._make_embedded = embedded or self._shipped
        self.cache: ArrayCache = NO_CACHE
        self.one_at_a_time = threading.Lock()

    @cached_property
    def embedded(self) -> MusicModel:
        return self._make_embedded()

    def _shipped(self) -> MusicModel:
        from noisician.models.embedded import EmbeddedModel

        return EmbeddedModel(cache=self.cache)

    @cached_property
    def checkpoints(self) -> Loader:
        """What loads open checkpoints and holds the last one."""
        from noisician.models.checkpoints import Loader

        return Loader()

    def model_of(self, request: Request) -> MusicModel:
        """The model a request names, or two in a row where one is to guide the other.

        Raises RequestError for a name nobody knows and WeightsError for a folder that is no checkpoint.
        """
        model = self.embedded if request.model == EMBEDDED else self.checkpoints.resolve(request.model)
        if not request.guide:
            return model
        from noisician.models.guided import GuidedModel

        return GuidedModel(self.embedded, model)

    def capabilities_of(self, request: Request) -> Capabilities:
        """What the model of a request can do, before it is loaded. Raises as :meth:`model_of`."""
        return self.model_of(request).capabilities

    def models_with(self, feature: Feature) -> tuple[str, ...]:
        """The names of the models that have a feature."""
        from noisician.models.checkpoints import with_feature

        own = feature in self.embedded.capabilities.features
        return ((EMBEDDED,) if own else ()) + with_feature(feature)

    def known(self) -> tuple[ListedModel, ...]:
        """The embedded model and the catalogue: what anybody may ask for by name."""
        from noisician.models.checkpoints import catalogue

        own = _listed_embedded(self.embedded.capabilities)
        return (own, *(_listed_checkpoint(entry) for entry in catalogue().values()))

    def all(self) -> tuple[ListedModel, ...]:
        """The known models, and what else lies in the models folder."""
        return (*self.known(), *_listed_kept())

    def named(self, name: str) -> ListedModel:
        """One model by name, hub id or folder. Raises RequestError and WeightsError as ``checkpoints.locate``."""
        from noisician.models.checkpoints import locate

        return _listed_embedded(self.embedded.capabilities) if name == EMBEDDED else _listed_checkpoint(*locate(name))


#: The one behind the functions of ``import noisician``, the commands and the service.
DEFAULT = Registry()


def _listed_kept() -> Iterator[ListedModel]:
    from noisician.errors import WeightsError
    from noisician.models.checkpoints import catalogue, locate, pullable, store

    for name in store.kept_names():
        if name in catalogue():
            continue
        try:
            yield _listed_checkpoint(*locate(name))
        except WeightsError:  # nothing noisician can run, but there
            yield _listed_checkpoint(pullable(name))


def _listed_embedded(able: Capabilities) -> ListedModel:
    from noisician.weights import FOLDER

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


def _listed_checkpoint(source: CheckpointInfo, folder: Path | None = None) -> ListedModel:
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
