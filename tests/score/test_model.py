from __future__ import annotations

from noisician.score import Note, Score, Section, Track


def test_files_call_the_timbre_tags_what_they_always_did() -> None:
    track = Track("lead", "flute", (Note(60, 0.0, 1.0, 80),), ("bright",))
    score = Score(120.0, "C", "major", "4/4", 1, (Section("verse", "A", 0, 1, 0.5),), (track,))
    written = score.to_dict()
    assert written["tracks"][0]["articulations"] == ("bright",) and "timbre_tags" not in written["tracks"][0]
    assert Score.from_dict(written) == score
