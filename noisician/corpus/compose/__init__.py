"""A procedural composer: genres and moods in, token grids out. Its music is what the composer model learns."""

from noisician.corpus.compose.song import compose_section, compose_song, section_harmony
from noisician.corpus.compose.spec import ROLES, ComposedSong, Part, SectionSpec, active_mask

__all__ = [
    "ROLES",
    "ComposedSong",
    "Part",
    "SectionSpec",
    "active_mask",
    "compose_section",
    "compose_song",
    "section_harmony",
]
