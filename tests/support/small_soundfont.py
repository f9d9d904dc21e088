"""SoundFonts of a few samples, written by the specification."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def listed(kind: bytes, *chunks: bytes) -> bytes:
    return chunk(b"LIST", kind + b"".join(chunks))


def soundfont(
    samples: Sequence[np.ndarray],
    zones: Sequence[Sequence[tuple[int, int]]],
    presets: Sequence[tuple[str, int, int]] = (("One", 0, 0),),
    roots: Sequence[int] = (),
    rate_hz: int = 44100,
    loop: tuple[int, int] = (8, 16),
) -> bytes:
    """A file in which every preset (name, bank, program) plays one instrument.

    ``samples`` are float arrays, ``zones`` lists of (generator, amount); ``loop`` is where each sample repeats.
    """
    pool, headers, at = b"", b"", 0
    for number, sound in enumerate(samples):
        data = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes() + bytes(2 * 46)
        root = roots[number] if roots else 60
        headers += struct.pack(
            "<20s5IBbHH", b"sample", at, at + len(sound), at + loop[0], at + loop[1], rate_hz, root, 0, 0, 1
        )
        pool, at = pool + data, at + len(sound) + 46
    headers += struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    phdr = b"".join(
        struct.pack("<20sHHH12x", name.encode(), program, bank, place)
        for place, (name, bank, program) in enumerate(presets)
    )
    phdr += struct.pack("<20sHHH12x", b"EOP", 0, 0, len(presets))
    pbag = b"".join(struct.pack("<HH", place, 0) for place in range(len(presets) + 1))
    pgen = struct.pack("<HH", 41, 0) * len(presets) + bytes(4)
    starts = np.cumsum([0, *map(len, zones)])
    ibag = b"".join(struct.pack("<HH", int(start), 0) for start in starts)
    igen = b"".join(struct.pack("<HH", kind, amount & 0xFFFF) for zone in zones for kind, amount in zone) + bytes(4)
    inst = struct.pack("<20sH", b"instrument", 0) + struct.pack("<20sH", b"EOI", len(zones))
    body = (
        listed(b"INFO", chunk(b"ifil", struct.pack("<HH", 2, 1)))
        + listed(b"sdta", chunk(b"smpl", pool))
        + listed(
            b"pdta",
            *(chunk(name, data) for name, data in ((b"phdr", phdr), (b"pbag", pbag), (b"pmod", bytes(10)))),
            *(chunk(name, data) for name, data in ((b"pgen", pgen), (b"inst", inst), (b"ibag", ibag))),
            *(chunk(name, data) for name, data in ((b"imod", bytes(10)), (b"igen", igen), (b"shdr", headers))),
        )
    )
    return chunk(b"RIFF", b"sfbk" + body)
