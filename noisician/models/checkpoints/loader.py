"""Loading checkpoints, and holding the last one: they are large, so there is one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from noisician.errors import NoisicianError, WeightsError
from noisician.models.checkpoints import placement as places
from noisician.models.checkpoints import safety
from noisician.models.checkpoints.catalogue import CheckpointInfo
from noisician.models.checkpoints.family import Family
from noisician.models.checkpoints.model import CheckpointModel, Loaded, Wish
from noisician.models.checkpoints.pipelines import require_diffusers
from noisician.models.checkpoints.resolve import family_of, locate


class Loader:
    """Not for use by two threads at once."""

    def __init__(self) -> None:
        #: The checkpoint in memory, by folder and placement: none or one.
        self._held: dict[tuple[Path, places.Placement], Loaded] = {}

    def resolve(self, name: str) -> CheckpointModel:
        """The checkpoint called ``name``, not yet loaded.

        Raises as :func:`~noisician.models.checkpoints.resolve.locate`. A known checkpoint that is not on this machine
        is an error when it is asked for music.
        """
        info, folder = locate(name)
        return CheckpointModel(info, folder, self.load)

    def load(self, info: CheckpointInfo, folder: Path, wish: Wish) -> Loaded:
        """Loads a checkpoint, or hands over the one in memory; the one before is let go.

        Raises WeightsError for a folder that is not sound or a package that is missing, RequestError for a placement
        that cannot be had.
        """
        contents = safety.inspect(folder)
        require_diffusers()
        placement = places.choose(wish.device, wish.dtype, contents.floats)
        key = (folder.resolve(), placement)
        fingerprint = safety.fingerprint(contents)
        held = self._held.get(key)
        if held is not None and held.fingerprint == fingerprint:
            return held
        del held
        self.forget()
        with _one_line_errors(folder), places.memory_advice(placement, contents.floats):
            module = import_module(f"noisician.models.checkpoints.families.{family_of(contents.pipeline, folder)}")
            family: Family = module.load(folder, placement, info)
        self._held[key] = Loaded(family, placement, fingerprint, contents.floats)
        return self._held[key]

    def forget(self) -> None:
        """Lets go of the checkpoint in memory."""
        if self._held:
            self._held.clear()
            places.release()


@contextmanager
def _one_line_errors(folder: Path) -> Iterator[None]:
    """Whatever a library says about weights it cannot use, in one line."""
    try:
        yield
    except (NoisicianError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as failed:
        reason = " ".join(str(failed).split())[:200] or type(failed).__name__
        raise WeightsError(f"{folder}: cannot be loaded ({reason}); damaged, or made for another version") from failed
