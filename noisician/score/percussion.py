"""The percussion map of General MIDI, by piece."""

from __future__ import annotations

from collections.abc import Mapping

#: Keys of General MIDI's percussion map for each recorded piece.
PIECE_KEYS: Mapping[str, tuple[int, ...]] = {
    "kick": (36, 35), "snare": (38, 40), "rim": (37,), "clap": (39,), "hat_closed": (42,), "hat_foot": (44,),
    "hat_open": (46,), "tom_low": (41, 43), "tom_mid": (45, 47), "tom_high": (48, 50), "crash": (49, 57),
    "ride": (51, 59), "ride_bell": (53,), "tambourine": (54,), "cowbell": (56,), "bongo_high": (60,),
    "bongo_low": (61,), "conga_muted": (62,), "conga_high": (63,), "conga_low": (64,), "agogo_high": (67,),
    "agogo_low": (68,), "cabasa": (69,), "shaker": (70,), "guiro": (73,), "claves": (75,), "wood_block": (76, 77),
    "triangle_muted": (80,), "triangle_open": (81,),
}  # fmt: skip
