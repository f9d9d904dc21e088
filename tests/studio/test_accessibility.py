"""The studio for everybody: axe-core on every page and dialog, the keyboard, still pictures, narrow screens."""

# ruff: noqa: F811
from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studio_page import Service, browser, page, service, wait_until  # noqa: F401
from studio_pieces import SONG, details, play, row

_axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs pip install axe-playwright-python")

pytestmark = pytest.mark.slow  # a browser, and music from the real model
WIDTHS_PX = (380, 800, 1440)
HEIGHT_PX = 900
SCHEMES = ("light", "dark")
SERIOUS = ("serious", "critical")
NARROW_BELOW_PX = 760
#: Of the second scheme only what a scheme changes is looked at: its colours.
ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
RULES_OF_COLOUR = ALL_RULES | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="module")
def takes(service: Service) -> list[dict[str, Any]]:
    """A song and two takes beside each other."""
    song = service.make(**SONG)["outputs"]
    return song + service.make("a harp and a church organ, slow", duration_s=3, takes=2, seed=1)["outputs"]


@pytest.fixture(scope="module")
def pictures() -> Path | None:
    """Where the screenshots go: the folder of NOISICIAN_SCREENSHOTS; without it none are taken."""
    named = os.environ.get("NOISICIAN_SCREENSHOTS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def start_page(page: Any, takes: list[dict[str, Any]]) -> None:
    """The page of somebody who never made anything."""
    nothing = json.dumps({"object": "list", "data": [], "after": None})
    page.route(re.compile(r"/v1/(takes|music)\?"), lambda route: route.fulfill(body=nothing))
    page.reload()
    page.get_by_role("heading", name="What would you like to hear?").wait_for()


def library(page: Any, takes: list[dict[str, Any]]) -> None:
    show(page, "Library")
    row(page, takes[0]).wait_for()
    page.get_by_role("button", name="as understood").first.click()


def advanced(page: Any, takes: list[dict[str, Any]]) -> None:
    row(page, takes[0]).wait_for(state="attached")
    show(page, "Create")
    page.get_by_role("button", name="Advanced", exact=True).click()
    page.get_by_role("button", name="Sing", exact=True).click()
    page.get_by_role("textbox", name="Lyrics").fill("[verse]\nA line that is sung")
    page.get_by_role("textbox", name="Describe the music").fill("slow jazz in D minor at 70 bpm, zorgly")
    page.get_by_text("Not understood:").wait_for()


def chip(page: Any, takes: list[dict[str, Any]]) -> None:
    row(page, takes[0]).wait_for(state="attached")
    show(page, "Create")
    page.get_by_role("button", name=re.compile("^Tempo: ")).click()
    page.get_by_role("dialog", name="Tempo editor").wait_for()


def menu(page: Any, takes: list[dict[str, Any]]) -> None:
    show(page, "Library")
    row(page, takes[0]).get_by_role("button", name=re.compile("^More for ")).click()
    page.get_by_role("menuitem", name="Rename").wait_for()


def models(page: Any, takes: list[dict[str, Any]]) -> None:
    row(page, takes[0]).wait_for(state="attached")
    show(page, "Create")
    page.get_by_role("button", name=re.compile("^Model: ")).click()
    page.get_by_role("dialog", name="Model").get_by_text("Apache-2.0").first.wait_for()


def shortcuts(page: Any, takes: list[dict[str, Any]]) -> None:
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("dialog", name="Shortcuts").wait_for()


def export(page: Any, takes: list[dict[str, Any]]) -> None:
    mixer(page, takes)
    page.get_by_role("button", name="Export", exact=True).first.click()
    page.get_by_role("dialog", name="Export").wait_for()


def key(page: Any, takes: list[dict[str, Any]]) -> None:
    """The page of a service that wants its key."""
    page.watched.expected.append("status of 401")
    body = {"message": "this service needs its key", "type": "authentication", "param": None, "code": "key_required"}
    page.route(re.compile("/v1/models$"), lambda route: route.fulfill(status=401, body=json.dumps({"error": body})))
    page.reload()
    page.get_by_role("dialog", name="This studio has a key").wait_for()


def mixer(page: Any, takes: list[dict[str, Any]]) -> None:
    show(page, "Library")
    play(page, takes[1])
    page.keyboard.press("Space")
    page.get_by_role("group", name="Compare takes").first.wait_for()
    details(page)
    desk = page.get_by_role("region", name="Mixer")
    desk.get_by_role("button", name=re.compile("^Solo ")).first.click()
    desk.get_by_role("button", name=re.compile("^Mute ")).last.click()
    page.get_by_role("application", name="Notes of every player").wait_for()


def editor(page: Any, takes: list[dict[str, Any]]) -> None:
    """Something selected, and what can be done with it; one version more than was made."""
    show(page, "Library")
    row(page, takes[1]).get_by_role("button", name=re.compile("^Open ")).click()
    page.get_by_role("application", name="Notes of every player").focus()
    for key in ("ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Regenerate", exact=True).click()
    page.get_by_role("dialog", name="Regenerate").wait_for()


def section(page: Any, takes: list[dict[str, Any]]) -> None:
    editor(page, takes)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^More for section 1")).click()
    page.get_by_role("menuitem", name="Kind and length…").click()
    page.get_by_role("combobox", name="Kind").wait_for()


def blind(page: Any, takes: list[dict[str, Any]]) -> None:
    mixer(page, takes)
    page.get_by_role("button", name="Compare blind").click()
    page.get_by_role("button", name="Listen to B").wait_for()


def karaoke(page: Any, takes: list[dict[str, Any]]) -> None:
    show(page, "Library")
    play(page, takes[0])
    page.keyboard.press("Space")
    details(page)
    page.get_by_role("tab", name="Karaoke").click()
    page.get_by_role("region", name="Karaoke").get_by_text("All lyrics").click()
    page.get_by_role("button", name="Sing with me").wait_for()


def spectrogram(page: Any, takes: list[dict[str, Any]]) -> None:
    show(page, "Library")
    row(page, takes[0]).get_by_role("button", name=re.compile("^Open ")).click()
    page.get_by_role("button", name="Spectrogram").click()
    picture = page.get_by_role("img", name=re.compile("^Spectrogram: ")).locator("img")
    wait_until(lambda: picture.evaluate("(image) => image.complete && image.naturalWidth") > 100)
    page.get_by_role("region", name="Karaoke").or_(page.get_by_role("region", name="Mixer")).wait_for()


def show(page: Any, tab: str) -> None:
    """Narrow screens have one side of the page at a time."""
    button = page.get_by_role("group", name="View").get_by_role("button", name=tab, exact=True)
    if page.viewport_size["width"] < NARROW_BELOW_PX:
        button.click()


VIEWS: tuple[Callable[[Any, list[dict[str, Any]]], None], ...] = (
    start_page, library, advanced, chip, menu, models, shortcuts, export, key, mixer, editor, section, blind,
    karaoke, spectrogram,
)  # fmt: skip


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_axe_finds_nothing_serious(
    page: Any, takes: list[dict[str, Any]], pictures: Path | None, view: Callable[..., None]
) -> None:
    page.set_viewport_size({"width": WIDTHS_PX[0], "height": HEIGHT_PX})
    view(page, takes)
    found: list[str] = []
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": HEIGHT_PX})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            still(page)
            if pictures is not None:
                page.screenshot(path=pictures / f"{view.__name__}-{width}-{scheme}.png", caret="initial")
            found += violations(page, f"{width} px, {scheme}", ALL_RULES if scheme == SCHEMES[0] else RULES_OF_COLOUR)
        found += [f"{width} px: {wide}" for wide in too_wide(page)]
    assert found == []


def still(page: Any) -> None:
    """Waits for transitions and for what is drawn in the next frames."""
    page.evaluate(
        """async () => {
          for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
          const moving = document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1)
          await Promise.allSettled(moving.map((one) => one.finished))
        }"""
    )


def violations(page: Any, where: str, rules: dict[str, Any]) -> list[str]:
    """What axe-core calls serious or critical; the rest is printed."""
    told = []
    for violation in _axe.Axe().run(page, options=rules).response["violations"]:
        line = f"{where}: {violation['id']} ({violation['impact']}): " + "; ".join(
            f"{' '.join(map(str, node['target']))} {node['failureSummary'].splitlines()[-1].strip()}"
            for node in violation["nodes"][:4]
        )
        if violation["impact"] in SERIOUS:
            told.append(line)
        else:
            print(line)
    return told


# Controls that stand out of the window, and boxes that scroll aside; rows of chips and the waveform may.
_TOO_WIDE = """
() => {
  const labelOf = (element) => element.getAttribute('aria-label') ?? element.textContent.trim().slice(0, 30)
  const named = (element) => `${element.tagName.toLowerCase()}.${element.className} ${labelOf(element)}`
  const scrolls = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
  const mayScroll = (element) => element.closest('[role=group][aria-label="Start from a genre"], .wave') !== null
  const found = []
  for (const element of document.querySelectorAll('body, body *')) {
    if (mayScroll(element) || !element.checkVisibility()) continue
    const { right, left, width } = element.getBoundingClientRect()
    if (element.matches('button, a, input, select, textarea') && width > 0 && (right > innerWidth + 1 || left < -1))
      found.push(`${named(element)} stands out`)
    if (scrolls(element) && element.scrollWidth > element.clientWidth + 1) found.push(`${named(element)} scrolls aside`)
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls aside')
  return found
}
"""


def too_wide(page: Any) -> list[str]:
    return page.evaluate(_TOO_WIDE)


# How what has the focus differs from itself without it; the field around it may be what shows it.
_FOCUSED = """
() => {
  const focused = document.activeElement
  if (focused === document.body || focused === null) return null
  const shows = (element) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element)
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && !/, 0\\)$/.test(outlineColor)
  }
  const label = focused.getAttribute('aria-label') ?? focused.labels?.[0]?.textContent ?? focused.textContent
  const around = [focused, focused.parentElement, focused.parentElement?.parentElement].filter(Boolean)
  return { name: focused.matches('textarea') ? focused.id : label.trim(), shown: around.some(shows) }
}
"""


REACHED: dict[Callable[..., None], tuple[str, ...]] = {
    start_page: ("prompt", "Another example", "Make music", "Keyboard shortcuts"),
    library: ("Play ", "Open", "Star ", "More for ", "Search the library", "Only starred"),
    advanced: ("Tempo: ", "lyrics", "Insert verse", "Voice: ", "More takes", "Title", "Make music", "Model: "),
    mixer: (
        "Play",
        "Position",
        "Solo ",
        "Mute ",
        "Level of ",
        "Pan of ",
        "More for ",
        "Take A",
        "Zoom in",
        "Waveform",
        "Verse",
        "More for section 1",
        "Chords of bar",
        "Notes of every player",
        "Reset",
        "Version 1",
        "Volume",
    ),
    export: ("WAV", "Loudness", "Download WAV", "Close"),
    models: ("embedded", "Licence of stable-audio-open-1.0", "Close"),
}


@pytest.mark.parametrize(("view", "expected"), REACHED.items(), ids=[view.__name__ for view in REACHED])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    page: Any, takes: list[dict[str, Any]], view: Callable[..., None], expected: tuple[str, ...]
) -> None:
    view(page, takes)
    shown: dict[str, bool] = {}
    for _ in range(140):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is not None:
            shown[focused["name"]] = focused["shown"]
    assert [name for name, is_seen in shown.items() if not is_seen] == []
    assert [name for name in expected if not any(reached.startswith(name) for reached in shown)] == []


# The longest movement of anything on the page, in seconds; one without an end counts as long.
_LONGEST_MOVEMENT = """
() => {
  const seconds = (text) => Math.max(...text.split(',').map(parseFloat))
  const longest = [...document.querySelectorAll('*')].map((element) => {
    const style = getComputedStyle(element)
    const rounds = style.animationName === 'none' ? 0 : seconds(style.animationIterationCount.replace('infinite', '99'))
    return Math.max(seconds(style.transitionDuration), seconds(style.animationDuration) * rounds)
  })
  return Math.max(...longest)
}
"""


def test_who_wants_no_motion_sees_none(page: Any, takes: list[dict[str, Any]]) -> None:
    mixer(page, takes)
    assert page.evaluate(_LONGEST_MOVEMENT) > 0.1
    assert page.locator(".meter").count() == len(takes[1]["stems"])
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(_LONGEST_MOVEMENT) <= 0.001
    assert page.locator(".meter").count() == 0
    page.get_by_role("button", name="Export", exact=True).first.click()
    assert page.evaluate(_LONGEST_MOVEMENT) <= 0.001
