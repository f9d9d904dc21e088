"""How soon the studio sounds, how light its page is and how soon of use, and how fast it answers while it works.

    python benchmarks/studio.py [--length 15] [--repeats 3] [--requests 40] [--loads 5] [--browser /usr/bin/chromium]

Each start is ``noisician studio --no-browser`` in a new data folder on a free port. The 15 s track (two takes, as the
page asks for) is posted as soon as the service takes it; the first sound is the answer to a Range request for the
start of the first take, as the page's player sends it. Answers are timed one after another on one connection beside a
running job. The page is loaded in new browsers with an empty profile; it is of use when "Make music" can be pressed
and the takes of the library are listed and painted, from the start of the navigation by the page's own clock. Without
Playwright or a Chromium that part is left out.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from common import markdown_table, publish
from service_at_work import POLL_S, Client, Studio, studio, until

import noisician.service

PROMPT = "dreamy lofi hip hop beat with vinyl crackle and soft piano"
SEED = 7
TAKES = 2
LONG_S = 240.0
FIRST_BYTES = 65536
PAGE = ("index.html", "studio.js", "studio.css", "icon.svg")
STATIC = Path(noisician.service.__file__).parent / "static"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WATCH_PAGE = """
(() => {
  const watcher = new MutationObserver(() => {
    const buttons = [...document.querySelectorAll('button:enabled')]
    const usable = buttons.some((button) => button.textContent.includes('Make music'))
    if (!usable || !document.querySelector('[data-take]')) return
    watcher.disconnect()
    requestAnimationFrame(() => setTimeout(() => (window.usableAt = performance.now())))
  })
  watcher.observe(document, { subtree: true, childList: true, attributes: true })
})()
"""


def first_sound(running: Studio, length_s: float) -> dict[str, float]:
    """Posts the track and waits for its sound. Seconds since the process was created."""
    wish = {"prompt": PROMPT, "duration_s": length_s, "seed": SEED, "takes": TAKES}
    job = running.client.must(202, "POST", "/v1/music", wish).json
    posted_s = running.elapsed_s()

    def outputs() -> list[dict[str, Any]]:
        now = running.client.must(200, "GET", f"/v1/music/{job['id']}").json
        if now["status"] == "failed":
            sys.exit(f"the track failed: {now['error']['message']}")
        return now["outputs"]

    take = until("the first take", outputs)[0]
    finished_s = running.elapsed_s()
    path = f"/v1/takes/{take['id']}/content?format=flac&inline=true"
    sound = running.client.must(206, "GET", path, Range=f"bytes=0-{FIRST_BYTES - 1}")
    if not sound.body.startswith(b"fLaC"):
        sys.exit("the first bytes are no FLAC")
    return {
        "health_s": running.health_s,
        "posted_s": posted_s,
        "first_take_s": finished_s,
        "first_sound_s": running.elapsed_s(),
        "made_in_s": take["made_in_s"],
        "audio_s": take["duration_s"],
    }


def page_bytes(client: Client) -> dict[str, int]:
    """Bytes of each file of the page as it is sent to a browser that takes gzip."""
    return {
        name: len(client.must(200, "GET", f"/{name}", Accept_Encoding="gzip").body)
        for name in PAGE
        if (STATIC / name).exists()
    }


def page_loads(client: Client, browser: str | None, loads: int) -> list[dict[str, float]]:
    """Seconds to the first paint of the page and until it can be used, each time in a browser that never saw it.

    Empty without Playwright or a Chromium.
    """
    path = browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if path is None:
        return []
    until("the end of all work", lambda: client.must(200, "GET", "/health").json["running"] == 0)
    with sync_playwright() as playwright:
        return [_page_load(playwright, path, client.url) for _ in range(loads)]


def _page_load(playwright: Any, path: str, url: str) -> dict[str, float]:
    browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
    try:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(WATCH_PAGE)
        page.goto(url)
        usable_ms = until("the page", lambda: page.evaluate("window.usableAt"))
        painted_ms = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    finally:
        browser.close()
    return {"first_paint_s": painted_ms / 1000, "usable_s": usable_ms / 1000}


def answers(client: Client, requests: int) -> dict[str, list[float]]:
    """Seconds of each answer by request, all of them while a job runs."""
    asked: dict[str, tuple[int, str, str, Any]] = {
        "GET /v1/music": (200, "GET", "/v1/music", None),
        "GET /v1/takes": (200, "GET", "/v1/takes", None),
        "POST /v1/explain": (200, "POST", "/v1/explain", {"prompt": PROMPT}),
        "POST /v1/music": (202, "POST", "/v1/music", {"prompt": PROMPT, "duration_s": 10}),
    }
    long = client.must(202, "POST", "/v1/music", {"prompt": PROMPT, "duration_s": LONG_S, "takes": 8}).json["id"]

    def runs() -> bool:
        return client.must(200, "GET", f"/v1/music/{long}").json["status"] == "in_progress"

    until("the long job", runs)
    times: dict[str, list[float]] = {name: [] for name in asked}
    waiting = []
    for number in range(requests):
        for name, (status, method, path, body) in asked.items():
            # Every wish is another one, so that nothing is answered from memory.
            own = body and {**body, "prompt": f"{body['prompt']} number {number}"}
            answer = client.must(status, method, path, own)
            times[name].append(answer.wall_s)
            if status == 202:
                waiting.append(answer.json["id"])
        if not runs():
            sys.exit(f"the long job ended after {number} of {requests} rounds; ask for fewer")
        time.sleep(POLL_S)
    for job in [*waiting, long]:
        client.must(200, "POST", f"/v1/music/{job}/cancel")
    return times


def measure(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """(table, figures)."""
    length_s, repeats, requests = options.length, options.repeats, max(2, options.requests)
    starts, times, page, loads = [], {}, {}, []
    for number in range(repeats):
        with studio() as running:
            starts.append(first_sound(running, length_s))
            if number == repeats - 1:
                page = page_bytes(running.client)
                times = answers(running.client, requests)
                loads = page_loads(running.client, options.browser, options.loads)
    rows = [
        ("start to /health answering, median", _median(starts, "health_s"), "s", ""),
        (f"start to first sound of {length_s:g} s, median of {repeats}", _median(starts, "first_sound_s"), "s", "≤ 20"),
        (f"start to first sound of {length_s:g} s, slowest", max(run["first_sound_s"] for run in starts), "s", "≤ 20"),
        ("of that, making the first take, median", _median(starts, "made_in_s"), "s", ""),
        ("page as sent, gzip", sum(page.values()) / 1000, "kB", "≤ 400"),
    ]
    if loads:
        rows += [
            (f"navigation to first paint, median of {len(loads)}", _median(loads, "first_paint_s"), "s", ""),
            (f"navigation to a page of use, median of {len(loads)}", _median(loads, "usable_s"), "s", "≤ 1"),
        ]
    for name, seconds in times.items():
        rows.append((f"{name} beside a running job, median", 1000 * median(seconds), "ms", "≤ 50"))
        rows.append((f"{name} beside a running job, 95th percentile", 1000 * _percentile_95(seconds), "ms", "≤ 50"))
    table = markdown_table(("figure", "value", "unit", "target"), rows)
    measured = {"starts": starts, "page_bytes": page, "page_loads": loads, "answers_s": times}
    return table, {"prompt": PROMPT, "seed": SEED, **measured}


def _median(runs: list[dict[str, float]], name: str) -> float:
    return median(run[name] for run in runs)


def _percentile_95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description="First sound, weight of the page and answer times of the studio.")
    parser.add_argument("--length", type=float, default=15.0, help="seconds of the first track")
    parser.add_argument("--repeats", type=int, default=3, help="starts that are timed")
    parser.add_argument("--requests", type=int, default=40, help="requests of each kind beside the running job")
    parser.add_argument("--loads", type=int, default=5, help="browsers started to load the page")
    parser.add_argument("--browser", help="a Chromium; the first one on the path unless given")
    publish("studio", *measure(parser.parse_args()))


if __name__ == "__main__":
    main()
