"""From what somebody calls a checkpoint to what is known of it: a name of the catalogue, a hub id, or a folder."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from noisician.errors import NoisicianError, RequestError, WeightsError
from noisician.models.checkpoints import safety, store
from noisician.models.checkpoints.catalogue import UNKNOWN_LICENCE, CheckpointInfo, by_hub_id, catalogue
from noisician.request import EMBEDDED, Feature

#: diffusers' pipeline class → the module of families/ that runs it.
FAMILIES = {
    "StableAudioPipeline": "stable_audio",
    "StableAudio3Pipeline": "stable_audio3",
    "StableAudio3AudioToAudioPipeline": "stable_audio3",
    "StableAudio3InpaintPipeline": "stable_audio3",
    "AceStepPipeline": "ace_step",
    "StableDiffusionPipeline": "riffusion",
    "StableDiffusionImg2ImgPipeline": "riffusion",
    "StableDiffusionInpaintPipeline": "riffusion",
    "DanceDiffusionPipeline": "dance_diffusion",
}


def locate(name: str) -> tuple[CheckpointInfo, Path | None]:
    """What is known of a checkpoint without loading it, and its folder if it is on this machine.

    Raises RequestError for a name nobody knows and WeightsError for a folder that is no checkpoint.
    """
    known = catalogue().get(name) or by_hub_id(name)
    if known is not None:
        return known, store.find(known)
    if not name.strip():
        raise RequestError("the model's name is empty; noisician models lists those that are known")
    path = _path(name)
    if path.is_dir() or _looks_like_path(name):
        return _of_folder(path), path
    own = store.kept(name)
    if own is not None:
        return _of_folder(own, name), own
    if store.HUB_ID.fullmatch(name):
        folder = store.find(_of_hub(name))
        if folder is not None:
            return _of_folder(folder, name, name), folder
        raise WeightsError(
            f"{name} is neither a folder nor known, and as a hub repository not on this machine: "
            f"noisician models pull {name}{_close(name)}"
        )
    raise RequestError(f"model {name!r} is not known{_close(name) or '; noisician models lists those that are'}")


def pullable(name: str) -> CheckpointInfo:
    """A known checkpoint, or whatever repository of the hub has that id. Raises RequestError for another name."""
    known = catalogue().get(name) or by_hub_id(name)
    if known is not None:
        return known
    if name == EMBEDDED:
        raise RequestError("embedded comes with noisician; there is nothing to pull or remove")
    if store.kept(name) is not None:
        return _of_own(name)
    if _path(name).is_dir() or _looks_like_path(name):
        raise RequestError(f"{name} is a path; only what noisician itself keeps is pulled and removed by name")
    if not store.HUB_ID.fullmatch(name):
        raise RequestError(f"model {name!r} is not known{_close(name) or '; a hub id is written org/name'}")
    return _of_hub(name)


def installed_weights(name: str) -> dict[str, str]:
    """Name → fingerprint of a checkpoint on this machine, nothing where it is not here or not whole."""
    try:
        info, folder = locate(name)
        return {} if folder is None else {info.name: safety.fingerprint(safety.inspect(folder))}
    except NoisicianError:
        return {}


def _of_hub(hub_id: str) -> CheckpointInfo:
    """A repository that nobody here knows anything of."""
    return CheckpointInfo(hub_id, "", hub_id, UNKNOWN_LICENCE, None, restricted=False, gated=False, size_gb=None)


def _of_own(name: str) -> CheckpointInfo:
    """A checkpoint that somebody put into the models folder."""
    note = "it is in {folder} already"
    return CheckpointInfo(name, "", None, UNKNOWN_LICENCE, None, restricted=False, gated=False, size_gb=None, note=note)


def _of_folder(folder: Path, name: str | None = None, hub_id: str | None = None) -> CheckpointInfo:
    pipeline = str(safety.read_index(folder)["_class_name"])
    family = family_of(pipeline, folder)
    features: frozenset[Feature] = frozenset().union(
        *(info.features for info in catalogue().values() if info.family == family)
    )
    return CheckpointInfo(
        name=name or folder.resolve().name,
        family=family,
        hub_id=hub_id,
        licence=UNKNOWN_LICENCE,
        licence_url=None,
        restricted=False,
        gated=False,
        size_gb=None,
        features=features,
    )


def family_of(pipeline: str, folder: Path) -> str:
    """The module of families/ that runs a pipeline. Raises WeightsError for one that nothing here runs."""
    if pipeline not in FAMILIES:
        raise WeightsError(f"{folder}: holds a {pipeline}; noisician runs {', '.join(FAMILIES)}")
    return FAMILIES[pipeline]


def _path(name: str) -> Path:
    """The folder somebody means; ``~`` alone or with a user's name is a home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # there is no such user
        return Path(name)


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or os.path.lexists(name)


def _close(name: str) -> str:
    """``; did you mean …`` with the closest names, or nothing."""
    short = {known.rpartition("/")[2]: known for known in catalogue()}
    names = {known: known for known in (EMBEDDED, *catalogue())} | short
    wanted = name.lower()
    close = [known for known in names if wanted in known] or difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    found = list(dict.fromkeys(names[known] for known in close))[:3]
    return f"; did you mean {' or '.join(found)}?" if found else ""
