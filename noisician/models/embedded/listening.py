"""What recordings and pictures say of a piece before it is planned."""

from __future__ import annotations

from collections.abc import Callable

from noisician.analysis.recording import Hearing
from noisician.models.embedded.heard import strength_of, with_heard
from noisician.models.inputs import heard_input
from noisician.models.protocol import AudioInputs
from noisician.prompt import Controls
from noisician.request import Request

#: Of the stage in which a piece is written, so much is listening.
_SHARE = 0.5


def listened(
    request: Request, controls: Controls, inputs: AudioInputs, on_share: Callable[[float], None] = lambda share: None
) -> tuple[Controls, Hearing | None]:
    """The controls with what is heard, and what the music starts from, None where nothing of it stays.

    Raises FileError where there is nothing to hear; ``on_share`` may raise to stop.
    """
    heard = None
    if inputs.init_audio is not None and strength_of(request) < 1:
        heard = heard_input(inputs.init_audio, lambda share: on_share(_SHARE * share))
        controls = with_heard(controls, heard, strength_of(request))
    return controls, heard
