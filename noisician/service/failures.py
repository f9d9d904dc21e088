"""Why a job failed, in one line for people and one word for programs."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping

from noisician.errors import FileError, NoisicianError, RequestError, WeightsError
from noisician.service.records import Failure

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
#: How libraries outside Python say that memory ran out.
_NO_MEMORY = ("bad_alloc", "bad allocation", "failed to allocate memory")
_LIMIT_CHARS = 600
_CODES: Mapping[type[NoisicianError], str] = {
    RequestError: "invalid_request",
    FileError: "file",
    WeightsError: "weights",
}


class DiskFull(NoisicianError):
    """The data folder has no room for a take."""


def failure_of(error: Exception, shown: Mapping[str, tuple[str, str]] | None = None) -> Failure:
    """What to tell of ``error``.

    ``shown`` maps a path that may occur in its message to what its owner calls it and the field of the request that
    names it: nobody outside learns where files lie.
    """
    if isinstance(error, DiskFull) or _is_full(error):
        text = str(error) if isinstance(error, DiskFull) else "no space left on the disk of the data folder"
        return Failure(f"{text}; free some disk space and make it again", "disk_full")
    if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _NO_MEMORY):
        return Failure("not enough memory for this piece; make it shorter or close other programs", "out_of_memory")
    if isinstance(error, NoisicianError):
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "internal")
        return _without_paths(Failure(_one_line(str(error)), code), shown or {})
    said = _one_line(str(error))
    text = f"an error inside noisician: {type(error).__name__}{f' ({said})' if said else ''}; its log has more"
    return _without_paths(Failure(text, "internal"), shown or {})


def _is_full(error: BaseException) -> bool:
    """Whether a full disk is behind it; files are written with one-line errors of their own, raised in its place."""
    return any(isinstance(cause, OSError) and cause.errno in _FULL for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _without_paths(failure: Failure, shown: Mapping[str, tuple[str, str]]) -> Failure:
    message, param = failure.message, failure.param
    for path in sorted(shown, key=len, reverse=True):
        if path in message:
            name, field = shown[path]
            message, param = message.replace(path, name), param or field or None
    return Failure(message, failure.code, param)


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LIMIT_CHARS else flat[: _LIMIT_CHARS - 1] + "…"
