from __future__ import annotations

import pytest

from noisician.models.embedded.outline import outline_of
from noisician.prompt import understand
from noisician.request import Request


@pytest.mark.parametrize("words", ["", ", gradually getting faster", ", with a ritardando at the end"])
def test_sections_follow_each_other_to_the_end_at_any_tempo(words: str) -> None:
    request = Request(prompt=f"folk waltz{words}", bars=24)
    outline = outline_of(request, understand(request), seed=3)
    sections = outline.sections
    assert [one.start_s for one in sections[1:]] == [one.end_s for one in sections[:-1]]
    assert sections[-1].end_s <= outline.duration_s
    assert sections[-1].end_s == pytest.approx(outline.duration_s, abs=6)
    bar_s = [(one.end_s - one.start_s) / one.bars for one in sections[:-1]]
    assert (max(bar_s) - min(bar_s) > 0.01) == ("faster" in words)
