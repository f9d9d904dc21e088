"""Arrays that wait on the disk until somebody reads them, so that how many there are costs no memory."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from typing import IO

import numpy as np

from noisician.errors import FileError


class SpooledArrays(Mapping[str, np.ndarray]):
    """Float32 arrays by name, in the order in which they came, in a temporary file that nobody else sees.

    Each look reads an array anew: what was read belongs to whoever asked, and changes nothing here. The file goes with
    the last of those who know this object.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._places: dict[str, tuple[int, tuple[int, ...]]] = {}
        self._end_byte = 0
        self._lock = threading.Lock()

    def add(self, name: str, array: np.ndarray) -> None:
        """Keeps an array, as float32. Raises FileError where there is no room for it."""
        samples = np.ascontiguousarray(array, np.float32)
        with self._lock:
            try:
                if self._file is None:
                    self._file = tempfile.TemporaryFile(prefix="noisician-")  # noqa: SIM115
                self._file.seek(self._end_byte)
                if samples.size:
                    self._file.write(samples.data.cast("B"))
                self._file.flush()
            except OSError as error:
                raise FileError(
                    f"{tempfile.gettempdir()}: no room for {samples.nbytes >> 20} MB of a stem"
                    f" ({error.strerror or error}); free some, set TMPDIR, or make the track without stems"
                ) from None
            self._places[name] = self._end_byte, samples.shape
            self._end_byte += samples.nbytes

    def __getitem__(self, name: str) -> np.ndarray:
        start_byte, shape = self._places[name]
        array = np.empty(shape, np.float32)
        if not array.size:
            return array
        with self._lock:
            assert self._file is not None
            self._file.seek(start_byte)
            self._file.readinto(array.data.cast("B"))  # pyright: ignore[reportAttributeAccessIssue]
        return array

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"<{len(self)} arrays: {', '.join(self)}>"

    def __deepcopy__(self, memo: object) -> SpooledArrays:
        """Nothing here changes once it is there, and a file cannot be copied."""
        return self
