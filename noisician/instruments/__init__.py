"""The user's own instruments, made of recordings without training.

Sound files, a folder of them, a SoundFont or an SFZ file become takes (:mod:`.sources`), takes become what the renderer
is shown (:mod:`.learn`), and that is kept where :mod:`noisician.styles.own` finds it (:mod:`.store`).
"""

from __future__ import annotations

from noisician.instruments.store import KINDS, Added, add, listed, named, remove

__all__ = ["KINDS", "Added", "add", "listed", "named", "remove"]
