"""Checkpoints on disk: finding them without a network, fetching them, removing them.

A checkpoint lies in noisician's own folder (``NOISICIAN_MODELS``, for those converted by hand) or in the hub's cache,
which other programs share; its layout (``models--org--name/snapshots/…``) is read directly, so that nothing has to be
installed for a list.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from noisician.errors import FileError, WeightsError
from noisician.folders import data_folder
from noisician.models.checkpoints import safety
from noisician.models.checkpoints.catalogue import CheckpointInfo
from noisician.models.checkpoints.pipelines import INSTALL

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*")
#: What may be called a folder of the models folder: one or two plain names, never a way out of it.
_KEPT = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
#: What a component's folder needs to load; never pickles, never code.
_PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
#: Half-precision and training copies of the same weights.
_COPIES = ("*.fp16*", "*.bf16*", "*non_ema*")


def models_folder() -> Path:
    """Where checkpoints converted by hand belong: ``NOISICIAN_MODELS``, else a folder in the user's data."""
    given = os.environ.get("NOISICIAN_MODELS")
    if given:
        return Path(given).expanduser()
    return data_folder() / "models"


def hub_cache() -> Path:
    """The hub's cache, as huggingface_hub places it."""
    cache = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if cache:
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface" / "hub"


def find(info: CheckpointInfo) -> Path | None:
    """The folder of a checkpoint on this machine, whole or not; None where there is none."""
    own = models_folder() / info.name
    if (own / safety.INDEX).is_file():
        return own
    return None if info.hub_id is None else _snapshot(info.hub_id)


def kept(name: str) -> Path | None:
    """The checkpoint that somebody put into the models folder under a name of their own."""
    folder = models_folder() / name
    return folder if _KEPT.fullmatch(name) and (folder / safety.INDEX).is_file() else None


def kept_names() -> list[str]:
    """The names of all checkpoints in the models folder."""
    own = models_folder()
    found = [
        path.parent.relative_to(own).as_posix()
        for depth in ("*", "*/*")
        for path in own.glob(f"{depth}/{safety.INDEX}")
    ]
    return sorted(name for name in found if _KEPT.fullmatch(name))


def state_of(folder: Path) -> str:
    """``yes`` for a sound checkpoint, ``incomplete`` for anything less."""
    try:
        safety.inspect(folder)
    except WeightsError:
        return "incomplete"
    return "yes"


def missing(info: CheckpointInfo) -> WeightsError:
    """What to say where :func:`find` found nothing."""
    if info.hub_id is None:
        return WeightsError(f"{info.name} is not on this machine, and {how_to_convert(info)}")
    return WeightsError(
        f"{info.name} is not on this machine: noisician models pull {info.name}; without a network, pull it on another"
        f" machine and copy its folder to {models_folder() / info.name}"
    )


def how_to_convert(info: CheckpointInfo) -> str:
    """How a checkpoint comes here that no repository has in diffusers' format."""
    return info.note.format(folder=models_folder() / info.name)


def pull(info: CheckpointInfo, on_file: Callable[[str], None] = lambda name: None) -> Path:
    """Downloads what a checkpoint needs, and no more, into the hub's cache. Returns its folder.

    Raises WeightsError: gated, offline, no such repository, only pickled weights, or nothing to download from.
    """
    check_pullable(info)
    hub = _hub()
    try:
        assert info.hub_id is not None
        index = Path(hub.hf_hub_download(info.hub_id, safety.INDEX))
        names = [file.rfilename for file in hub.model_info(info.hub_id).siblings or ()]
        parts = safety.parts(index.parent)
        check_listing(info, parts, names)
        on_file(f"{len(parts)} components of {info.hub_id}")
        allowed = [f"{part}/{pattern}" for part in parts for pattern in _PATTERNS] + [safety.INDEX]
        folder = Path(hub.snapshot_download(info.hub_id, allow_patterns=allowed, ignore_patterns=list(_COPIES)))
    except WeightsError:
        raise
    except Exception as failed:
        raise _explained(failed, info) from None
    safety.inspect(folder)
    return folder


def check_pullable(info: CheckpointInfo) -> None:
    """Raises WeightsError where there is no repository to pull from."""
    if info.hub_id is None:
        raise WeightsError(f"{info.name} cannot be pulled: {how_to_convert(info)}")


def check_listing(info: CheckpointInfo, parts: dict[str, bool], names: list[str]) -> None:
    """``parts`` name → has weights; ``names`` the repository's files. Raises WeightsError for pickles alone."""
    for part, weighty in parts.items():
        files = [name for name in names if name.startswith(f"{part}/")]
        if weighty and not any(name.endswith(".safetensors") for name in files):
            pickled = next((name for name in files if name.endswith(safety.PICKLES)), None)
            why = f"only pickled ones ({pickled}), which can run code" if pickled else "none"
            raise WeightsError(
                f"{info.hub_id} has no safetensors weights for {part}, {why}; convert it where you trust its source"
                f" (from_pretrained, then save_pretrained) and copy the folder to {models_folder() / info.name}"
            )


def remove(info: CheckpointInfo) -> Path:
    """Deletes a checkpoint from this machine; returns what was deleted. Raises WeightsError where there is none."""
    folder = find(info)
    if folder is None:
        raise missing_to_remove(info)
    own = models_folder() / info.name
    target = own if folder == own else hub_cache() / _repository_folder(info.hub_id or "")
    try:
        shutil.rmtree(target)
    except OSError as failed:
        raise FileError(f"{target}: cannot be removed ({(failed.strerror or str(failed)).lower()})") from None
    return target


def missing_to_remove(info: CheckpointInfo) -> WeightsError:
    """What to say where there is nothing to remove."""
    return WeightsError(f"{info.name} is not on this machine, so there is nothing to remove")


def size_on_disk(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _repository_folder(hub_id: str) -> str:
    return "models--" + hub_id.replace("/", "--")


def _snapshot(hub_id: str) -> Path | None:
    """The newest snapshot the cache's reference names, or the only one there is."""
    repository = hub_cache() / _repository_folder(hub_id)
    try:
        commit = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        named = repository / "snapshots" / commit
        if (named / safety.INDEX).is_file():
            return named
    except (OSError, ValueError):
        pass
    found = sorted(path.parent for path in repository.glob(f"snapshots/*/{safety.INDEX}"))
    return found[-1] if found else None


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise WeightsError(f"pulling needs huggingface_hub, which is not installed; {INSTALL}") from None
    return huggingface_hub


def _explained(failed: Exception, info: CheckpointInfo) -> Exception:
    """One line for what goes wrong between here and the hub; anything else as it was."""
    kinds = {kind.__name__ for kind in type(failed).__mro__}
    page = info.licence_url or f"https://huggingface.co/{info.hub_id}"
    if "GatedRepoError" in kinds or (info.gated and _status(failed) in (401, 403)):
        return WeightsError(f"{info.hub_id} is gated: accept its licence at {page}, then log in with: hf auth login")
    if "RepositoryNotFoundError" in kinds:
        return WeightsError(
            f"{info.hub_id} is no repository of the hub, or a private one; hf auth login if it is yours"
        )
    if "EntryNotFoundError" in kinds and "LocalEntryNotFoundError" not in kinds:
        return WeightsError(f"{info.hub_id} has no {safety.INDEX}: it is not in diffusers' format, convert it first")
    reason = " ".join(str(failed).split())[:120]
    if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled"}:
        reason = "no connection, or HF_HUB_OFFLINE is set"
    if isinstance(failed, OSError) and failed.errno in (28, 122):
        return WeightsError(f"no room for {info.name} in {hub_cache()} ({reason}); set HF_HOME to a larger disk")
    if isinstance(failed, OSError) or kinds & {"HTTPError", "HfHubHTTPError", "OfflineModeIsEnabled", "TransportError"}:
        return WeightsError(
            f"{info.hub_id} cannot be reached ({reason}); without a network, pull it on another machine and copy"
            f" its folder to {models_folder() / info.name}"
        )
    return failed


def _status(failed: Exception) -> int | None:
    return getattr(getattr(failed, "response", None), "status_code", None)
