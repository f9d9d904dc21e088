"""Is a prompt understood as somebody judged it? Nothing is made: words become controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisician.evaluate.judged import Judged, Verdict, heard, judge, judged_prompts, tally, vanished
from noisician.evaluate.report import Figure, Target
from noisician.evaluate.settings import EvaluateSettings
from noisician.evaluate.suites.suite import BenchSuite, Row

_HOW = "Fields of judged prompts whose value agrees with what is understood (noisician.evaluate.judged)."


def rows(settings: EvaluateSettings) -> Iterator[tuple[float, Row]]:
    """One row a prompt: its verdicts, and the content words that vanished."""
    cases = judged_prompts(settings.judged)
    for number, case in enumerate(cases, 1):
        yield number / len(cases), row_of(case)


def row_of(case: Judged) -> Row:
    controls = heard(case.prompt)
    return {
        "prompt": case.prompt,
        "note": case.note,
        "verdicts": [
            {"field": one.field, "wanted": one.wanted, "understood": one.understood, "right": one.right}
            for one in judge(case, controls)
        ],
        "vanished": vanished(case.prompt, controls),
    }


def verdicts_of(rows: Sequence[Row]) -> list[Verdict]:
    return [Verdict(**verdict) for row in rows for verdict in row["verdicts"]]


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Percent right: all fields, then each; and how many words vanished."""
    counts = tally(verdicts_of(rows))
    right, total = (sum(count[place] for count in counts.values()) for place in (0, 1))
    lost = sum(len(row["vanished"]) for row in rows)
    return [
        _share("prompts understood", right, total, Target("at least", 95)),
        *(_share(f"prompts understood: {name}", *count) for name, count in sorted(counts.items())),
        Figure(
            "content words of prompts that vanish",
            float(lost) if rows else None,
            "words",
            "Words that end neither in a reason nor in what was not understood.",
            Target("at most", 0),
            len(rows),
        ),
    ]


def _share(name: str, right: int, total: int, target: Target | None = None) -> Figure:
    return Figure(name, 100 * right / total if total else None, "%", f"{right} of {total}. {_HOW}", target, total)


def wrong_lines(rows: Sequence[Row]) -> list[str]:
    """Every field that is wrong and every word that vanished, a line each, for people."""
    lines = [
        f"{verdict['field']}: wanted {verdict['wanted']}, understood {verdict['understood']!r}: {row['prompt']}"
        for row in rows
        for verdict in row["verdicts"]
        if not verdict["right"]
    ]
    return lines + [f"vanished: {', '.join(row['vanished'])}: {row['prompt']}" for row in rows if row["vanished"]]


SUITE = BenchSuite("prompts", rows, figures)
