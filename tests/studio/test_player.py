"""The player in a browser: what is heard, sample by sample, and what is seen of it."""

# ruff: noqa: F811

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import httpx
import mido
import numpy as np
import pytest
import soundfile
from studio_page import Service, browser, loudest_heard, page, service, wait_until  # noqa: F401
from studio_pieces import (
    BAND,
    LOOP,
    RATE_HZ,
    SONG,
    Recorder,
    at,
    details,
    drop,
    loaded,
    note_name,
    play,
    position_s,
    row,
    same,
    samples_of,
    words,
)

from noisician.api import read_recipe
from noisician.loudness import integrated_loudness_lufs

pytestmark = pytest.mark.slow  # a browser, and music from the real model
PATIENCE_MS = 60_000
BAR_S = 1.6  # four beats at 150 bpm
# The page's sound begins this late on the audio clock, and comes in over 5 ms.
START = 882
FADED_IN = START + 441


@pytest.fixture(scope="module")
def band(service: Service) -> list[dict[str, Any]]:
    """Two takes of one job."""
    return service.make(takes=2, **BAND)["outputs"]


@pytest.fixture(scope="module")
def song(service: Service) -> dict[str, Any]:
    return service.make(**SONG)["outputs"][0]


def matched_gain(takes: list[dict[str, Any]], index: int = 0) -> float:
    """What compared takes are played at: each as loud as the quietest of them."""
    loudness_lufs = [take["loudness_lufs"] for take in takes]
    return 10 ** ((min(loudness_lufs) - loudness_lufs[index]) / 20)


@pytest.fixture
def ears(page: Any) -> Recorder:
    page.set_default_timeout(PATIENCE_MS)
    return Recorder(page)


def test_play_pause_and_seek(page: Any, band: list[dict[str, Any]]) -> None:
    play(page, band[0])
    page.keyboard.press("l")  # so that it goes on for as long as this takes
    bar = page.get_by_role("region", name="Player")
    wait_until(lambda: loudest_heard(page) > 0.05)
    wait_until(lambda: position_s(page) > 0.2)
    page.keyboard.press("Space")
    bar.get_by_role("button", name="Play", exact=True).wait_for()
    wait_until(lambda: loudest_heard(page) == 0)
    page.keyboard.press("l")
    stopped_s = position_s(page)
    assert 0 < stopped_s < band[0]["duration_s"]
    slider = bar.get_by_role("slider", name="Position")
    for keys, expected_s in (
        (("Home",), 0.0),
        (("Shift+ArrowRight",), BAR_S),
        (("ArrowRight", "ArrowRight"), BAR_S + 0.8),
        (("Shift+ArrowLeft",), BAR_S),
    ):
        for key in keys:
            page.keyboard.press(key)
        assert position_s(page) == pytest.approx(expected_s, abs=0.051)
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert position_s(page) == pytest.approx(band[0]["duration_s"] / 2, abs=0.1)
    slider.focus()
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "4 seconds of 4 seconds"
    # At its end it starts anew, and stops by itself.
    bar.get_by_role("button", name="Play", exact=True).click()
    wait_until(lambda: loudest_heard(page) > 0.05)
    bar.get_by_role("button", name="Play", exact=True).wait_for()
    assert position_s(page) == pytest.approx(band[0]["duration_s"], abs=0.1)


def test_what_is_heard_is_the_file(
    page: Any,
    ears: Recorder,
    service: Service,
    band: list[dict[str, Any]],
) -> None:
    track = samples_of(service.url, band[0]) * matched_gain(band)
    play(page, band[0])
    sought_s = ears.run_to(1.0)
    assert position_s(page) == pytest.approx(sought_s - START / RATE_HZ, abs=0.11)
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")  # to the second bar, one seek fading into the next
    paused_s = ears.run_to(2.0)
    page.keyboard.press("Space")
    page.get_by_role("region", name="Player").get_by_role("button", name="Play", exact=True).wait_for()
    volume = page.get_by_role("slider", name="Volume")
    volume.focus()
    for _ in range(25):
        volume.press("ArrowLeft")
    assert volume.get_attribute("aria-valuetext") == "50 %"
    page.keyboard.press("Escape")
    play_again_s = ears.run_to(2.5)
    page.get_by_role("region", name="Player").get_by_role("button", name="Play", exact=True).click()
    loaded(page)
    heard = ears.samples()

    same(heard[FADED_IN : round(sought_s * RATE_HZ)], track[FADED_IN - START : round(sought_s * RATE_HZ) - START])
    begun = round(sought_s * RATE_HZ) + 882
    settled = slice(begun + 1000, round(paused_s * RATE_HZ))
    second_bar = round(BAR_S * RATE_HZ)
    same(heard[settled], track[second_bar + 1000 :][: settled.stop - settled.start])
    assert np.abs(at(heard, paused_s + 0.03, play_again_s - paused_s - 0.03)).max() == 0
    # Half way of the knob is a quarter of the level, from where it was paused to the end, then silence.
    resumed = round(play_again_s * RATE_HZ) + 882
    stopped_at = second_bar + round(paused_s * RATE_HZ) - begun
    rest = track[stopped_at + 1000 :]
    found = heard[resumed + 1000 : resumed + 1000 + len(rest)]
    same(found[:-2000], rest[:-2000] / 4)
    assert np.abs(heard[resumed + 1000 + len(rest) :]).max() == 0


def bent(samples: np.ndarray, knee: float = 0.8) -> np.ndarray:
    """Stems as the mixer plays them: before mastering, so peaks above 0.8 are bent towards full scale."""
    size = np.abs(samples)
    above = knee + (1 - knee) * np.tanh((size - knee) / (1 - knee))
    return np.sign(samples) * np.where(size <= knee, size, above)


def gain_to(heard: np.ndarray, expected: np.ndarray) -> float:
    """The factor between two equal sounds. Raises AssertionError where they are not equal at any level."""
    gain = float((heard * expected).sum() / (expected**2).sum())
    left = np.square(heard - gain * expected).sum() / np.square(heard).sum()
    assert left < 1e-4, f"another sound: {10 * np.log10(left):.1f} dB of it are not in what was expected"
    return gain


class Desk:
    """The mixer by its accessible names."""

    def __init__(self, page: Any, take: dict[str, Any]) -> None:
        self.region = page.get_by_role("region", name="Mixer")
        strips = self.region.get_by_role("listitem")
        strips.first.wait_for()
        assert strips.count() == len(take["stems"])
        labels = [text.strip() for text in strips.locator("strong").all_text_contents()]
        self.labels = dict(zip(take["stems"], labels, strict=True))

    def solo(self, stem: str) -> Any:
        return self.region.get_by_role("button", name=f"Solo {self.labels[stem]}", exact=True)

    def mute(self, stem: str) -> Any:
        return self.region.get_by_role("button", name=f"Mute {self.labels[stem]}", exact=True)

    def fader(self, stem: str) -> Any:
        return self.region.get_by_role("slider", name=f"Level of {self.labels[stem]}", exact=True)


def test_the_mixer_plays_the_stems_in_step(
    page: Any,
    ears: Recorder,
    service: Service,
    band: list[dict[str, Any]],
) -> None:
    take = band[0]
    stems = {name: samples_of(service.url, take, name) for name in take["stems"]}
    first, *others = take["stems"]
    drums = next(name for name in others if name.startswith("drums"))
    play(page, take)
    details(page)
    desk = Desk(page, take)
    reset = desk.region.get_by_role("button", name="Reset")
    assert reset.is_disabled()
    heard_from = [0.0]

    def listen() -> None:
        heard_from.append(ears.run_to(heard_from[-1] + 0.55))

    desk.region.get_by_role("button", name="Stems", exact=True).click()
    loaded(page)
    listen()  # all
    desk.solo(drums).click()
    listen()  # the drums alone
    desk.mute(drums).focus()
    page.keyboard.press("Enter")
    listen()  # a muted solo: nothing
    reset.click()
    assert reset.is_disabled()
    desk.mute(first).click()
    listen()  # all but the first
    desk.mute(first).click()
    desk.fader(drums).focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert desk.fader(drums).get_attribute("aria-valuetext") == "−6.0 dB"
    listen()  # the drums at half their level
    desk.fader(drums).dblclick()
    assert desk.fader(drums).get_attribute("aria-valuetext") == "0 dB"
    box = desk.fader(drums).bounding_box()
    page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)
    assert desk.fader(drums).get_attribute("aria-valuetext") == "−∞ dB"
    listen()  # the drums at the bottom
    heard = ears.samples()

    mix = np.sum(list(stems.values()), axis=0)
    track = samples_of(service.url, take)
    level = matched_gain(band) * float(np.sqrt(np.mean(track[::16] ** 2) / np.mean(mix[::16] ** 2)))
    half = 10 ** (-6 / 20)
    parts = [mix, stems[drums], None, mix - stems[first], mix + (half - 1) * stems[drums], mix - stems[drums]]
    for start_s, part in zip(heard_from, parts, strict=False):
        found = at(heard, start_s + 0.06, 0.45)
        if part is None:
            assert np.abs(found).max() < 1e-6
        else:
            assert gain_to(found, bent(level * at(part, start_s + 0.04, 0.45))) == pytest.approx(1, rel=0.02)


def test_a_loop_of_bars_has_no_gap(page: Any, ears: Recorder, service: Service, band: list[dict[str, Any]]) -> None:
    take = band[0]
    play(page, take)
    details(page)
    wave = page.get_by_role("img", name="Waveform").bounding_box()
    second_px, y = wave["width"] / take["duration_s"], wave["y"] + wave["height"] / 2
    page.mouse.move(wave["x"] + 1.75 * second_px, y)
    page.mouse.down()
    page.mouse.move(wave["x"] + 2.2 * second_px, y, steps=3)
    page.mouse.move(wave["x"] + 3.0 * second_px, y, steps=3)
    page.mouse.up()
    page.get_by_role("button", name="Clear the loop").wait_for()
    loop = page.get_by_role("region", name="Player").get_by_role("button", name="Loop", exact=True)
    assert loop.get_attribute("aria-pressed") == "true"
    turned_s = ears.run_to(2 * BAR_S + 3.5 * BAR_S)
    assert BAR_S <= position_s(page) <= 2 * BAR_S
    page.keyboard.press("l")
    assert loop.get_attribute("aria-pressed") == "false"
    heard = ears.samples()

    track = samples_of(service.url, take) * matched_gain(band)
    first, end = round(BAR_S * RATE_HZ), round(2 * BAR_S * RATE_HZ)
    same(heard[FADED_IN : START + end], track[FADED_IN - START : end])
    for turn in range(3):
        begun = START + end + turn * (end - first)
        stop = min(begun + end - first, round(turned_s * RATE_HZ))
        same(heard[begun:stop], track[first : first + stop - begun])
    # Let go of, it runs on to the end of the piece.
    turns = (round(turned_s * RATE_HZ) - START - end) // (end - first)
    last = heard[START + end + turns * (end - first) :][: len(track) - first]
    same(last, track[first:][: len(last)])
    assert np.abs(heard[START + end + turns * (end - first) + len(track) - first :]).max() == 0


def test_loops_by_sections_and_by_keys(page: Any, ears: Recorder, band: list[dict[str, Any]]) -> None:
    play(page, band[0])
    ears.run_to(0.1)
    page.keyboard.press("Space")
    details(page)
    section = page.get_by_role("list", name="Sections").get_by_role("button", name="Chorus", exact=True)
    assert section.get_attribute("title") == "Chorus: bars 1 to 3. Double-click loops it."
    section.dblclick()
    loop = page.get_by_role("region", name="Player").get_by_role("button", name="Loop", exact=True)
    assert loop.get_attribute("aria-pressed") == "true"
    region = page.locator(".seek .region")

    def share() -> list[float]:
        """Where the loop begins on the slider, and how long it is, in percent."""
        return region.evaluate("({ style }) => [parseFloat(style.left), parseFloat(style.width)]")

    assert share() == pytest.approx([0, 100], abs=0.01)
    page.get_by_role("button", name="Clear the loop").click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("[")
    assert share() == pytest.approx([100 / 3, 200 / 3], abs=0.01)
    page.keyboard.press("]")
    assert share() == pytest.approx([0, 100 / 3], abs=0.01)


def louder(page: Any, take: dict[str, Any], loudness_lufs: float) -> None:
    """Makes the service's answers say that a take is as loud as this."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if not isinstance(value, dict):
            return value
        own = {"loudness_lufs": loudness_lufs} if value.get("id") == take["id"] else {}
        return {name: changed(one) for name, one in value.items()} | own

    def answer(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=changed(response.json()))

    page.route(re.compile(r"/v1/(takes|music)(/\w+)?(\?.*)?$"), answer)
    page.goto("/")


def test_comparing_keeps_place_and_loudness(
    page: Any, ears: Recorder, service: Service, band: list[dict[str, Any]]
) -> None:
    one, other = (samples_of(service.url, take) for take in band)
    louder(page, band[1], band[0]["loudness_lufs"] + 6)  # so that the first is played as it is
    play(page, band[0])
    group = page.get_by_role("region", name="Player").get_by_role("group", name="Compare takes")
    buttons = [group.get_by_role("button", name=re.compile(f"^Take {letter}")) for letter in "AB"]
    buttons[1].wait_for()
    switched_s = ears.run_to(1.0)
    page.keyboard.press("b")
    loaded(page)
    assert [button.get_attribute("aria-pressed") for button in buttons] == ["false", "true"]
    back_s = ears.run_to(2.0)
    assert position_s(page) == pytest.approx(back_s, abs=0.11)
    page.keyboard.press("1")
    loaded(page)
    assert [button.get_attribute("aria-pressed") for button in buttons] == ["true", "false"]
    heard = ears.samples()

    same(at(heard, 0.1, 0.85), at(one, 0.08, 0.85))
    same(at(heard, switched_s + 0.05, 0.9), at(other, switched_s + 0.03, 0.9) * 10 ** (-6 / 20))
    same(at(heard, back_s + 0.05, 2.0), at(one, back_s + 0.03, 2.0))


def test_a_blind_comparison_tells_nothing_before_it_is_revealed(page: Any, band: list[dict[str, Any]]) -> None:
    play(page, band[0])
    details(page)
    group = page.get_by_role("group", name="Compare takes").first
    group.get_by_role("button", name="Compare blind").click()
    assert page.get_by_role("heading", name="Blind comparison").is_visible()
    assert page.get_by_role("region", name="Time line").count() == 0
    seen = page.get_by_role("region", name="Player").inner_html()
    assert not any(told in seen for told in (band[0]["title"], "seed", "bpm"))
    group.get_by_role("button", name="Take B").click()
    group.get_by_role("button", name="Reveal").click()
    assert page.get_by_role("heading", name=band[0]["title"]).first.is_visible()


# For every column of a lane: the rows that have a colour, as note heads have and lines and the pale waveform not.
_COLOURED = """
(canvas) => {
  const ratio = canvas.width / canvas.clientWidth
  const { width, height } = canvas
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
  return Array.from({ length: canvas.clientWidth }, (_, x) => {
    const rows = []
    for (let y = 0; y < height; y++) {
      const [red, green, blue, alpha] = data.subarray(4 * (y * width + Math.round(x * ratio)))
      if (alpha > 80 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40) rows.push(y / ratio)
    }
    return rows
  })
}
"""


def test_the_lanes_show_the_notes_of_the_score(page: Any, service: Service, band: list[dict[str, Any]]) -> None:
    take = band[0]
    score = httpx.get(f"{service.url}/v1/takes/{take['id']}/score").json()
    row(page, take).get_by_role("button", name=re.compile("^Open ")).click()
    lanes = page.get_by_role("application", name="Notes of every player")
    lanes.wait_for()
    told = lanes.evaluate("(element) => document.getElementById(element.getAttribute('aria-describedby')).textContent")
    assert f"3 bars in 4/4 at 150 bpm, {score['key']} {score['mode']}." in told
    for track in score["tracks"]:
        count, pitches = len(track["notes"]), [note["pitch"] for note in track["notes"]]
        text = f"{words(track['instrument'])} ({words(track['role'])}): {count} note{'s' if count != 1 else ''}"
        if track["role"] not in ("drums", "texture", "fx"):
            text += f", {note_name(min(pitches))} to {note_name(max(pitches))}"
        assert f"{text}, from bar" in told

    canvases = lanes.locator("canvas")
    assert canvases.count() == len(score["tracks"])
    # Each is read once, for browsers complain of more; by the tenth frame it is drawn.
    page.evaluate("async () => { for (let n = 0; n < 10; n++) await new Promise(requestAnimationFrame) }")
    drawn = [canvas.evaluate(_COLOURED) for canvas in canvases.all()]
    for columns, track in zip(drawn, score["tracks"], strict=True):
        scale = len(columns) / take["duration_s"]
        sounds = np.zeros(len(columns), bool)
        for note in track["notes"]:
            middle = round(scale * (note["start_s"] + note["end_s"]) / 2)
            assert middle >= len(columns) or columns[middle], f"no note of {track['role']} at {middle / scale:.2f} s"
            sounds[max(0, round(scale * note["start_s"]) - 4) : round(scale * note["end_s"]) + 4] = True
        assert not any(columns[x] for x in np.flatnonzero(~sounds))
    pitched = next(index for index, track in enumerate(score["tracks"]) if track["role"] == "bass")
    columns, note = drawn[pitched], score["tracks"][pitched]["notes"][0]
    x = round(len(columns) / take["duration_s"] * (note["start_s"] + note["end_s"]) / 2)
    canvases.nth(pitched).hover(position={"x": x, "y": columns[x][len(columns[x]) // 2]})
    assert page.locator(".tip").text_content().strip() == note_name(note["pitch"])


def test_waveform_spectrogram_sections_and_bars(page: Any, band: list[dict[str, Any]]) -> None:
    row(page, band[0]).get_by_role("button", name=re.compile("^Open ")).click()
    time_line = page.get_by_role("region", name="Time line")
    inked = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    wave = page.get_by_role("img", name="Waveform")
    wait_until(lambda: wave.evaluate(f"(box) => {_SHADOWED}.some({inked})"))
    assert time_line.get_by_role("button", name="Chorus", exact=True).is_visible()
    assert time_line.locator("canvas[aria-hidden=true]").first.evaluate(inked)
    time_line.get_by_role("button", name="Spectrogram").click()
    picture = page.get_by_role("img", name=re.compile("^Spectrogram: ")).locator("img")
    wait_until(lambda: picture.evaluate("(image) => image.complete && image.naturalWidth") > 100)
    assert picture.is_visible()
    assert page.get_by_text("10k", exact=True).is_visible()
    zoom = time_line.get_by_role("group", name="Zoom")
    zoom.get_by_role("button", name="Zoom in").click()
    assert zoom.get_by_role("button", name="Zoom out").is_enabled()
    page.reload()  # the take is open again
    assert time_line.get_by_role("button", name="Spectrogram").get_attribute("aria-pressed") == "true"


# The canvases of wavesurfer, which draws in a shadow root.
_SHADOWED = "[...box.querySelector('.host > div > div').shadowRoot.querySelectorAll('canvas')]"


def test_karaoke_follows_the_singer_and_can_do_without(
    page: Any, ears: Recorder, service: Service, song: dict[str, Any]
) -> None:
    line = httpx.get(f"{service.url}/v1/takes/{song['id']}/lyrics").json()["lines"][0]
    play(page, song)
    details(page)
    page.get_by_role("tab", name="Karaoke").click()
    karaoke = page.get_by_role("region", name="Karaoke")
    karaoke.locator("li").first.wait_for(state="attached")
    middle_s = (line["words"][1]["start_s"] + line["words"][1]["end_s"]) / 2
    reached_s = ears.run_to(middle_s + START / RATE_HZ)
    now = karaoke.locator(".now")
    assert " ".join(now.text_content().split()) == line["text"] == "Sing with me"
    sung = now.locator(".piece").evaluate_all(
        "(all) => all.map((piece) => parseFloat(piece.style.getPropertyValue('--sung')))"
    )
    assert sung == pytest.approx([100, 50, 0], abs=5)
    karaoke.get_by_role("switch", name="Without the voice").click()
    loaded(page)
    sought_s = ears.run_to(reached_s + 1)
    karaoke.get_by_text("All lyrics").click()
    karaoke.get_by_role("button", name="Sing with me").click()
    assert position_s(page) == pytest.approx(line["start_s"], abs=0.11)
    assert karaoke.get_by_role("button", name="Sing with me").get_attribute("aria-current") == "true"
    heard = ears.samples()

    sung_track, bare = samples_of(service.url, song), samples_of(service.url, song, "karaoke")
    assert not np.allclose(sung_track, bare, atol=0.01)
    same(at(heard, 0.1, 0.3), at(sung_track, 0.08, 0.3))
    same(at(heard, reached_s + 0.05, 0.9), at(bare, reached_s + 0.03, 0.9))
    same(at(heard, sought_s + 0.05, 2), at(bare, line["start_s"] + 0.03, 2))


def export(page: Any) -> Any:
    """Opens the dialog from the player's bar."""
    page.get_by_role("region", name="Player").get_by_role("button", name="Export", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.wait_for()
    return dialog


def downloaded(page: Any, folder: Path, label: str, **choices: str) -> Path:
    """The file that the open dialog downloads for a format, under the name that people see."""
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_role("radio", name=label, exact=True).check(force=True)
    for name, choice in choices.items():
        dialog.get_by_role("combobox", name=name.capitalize(), exact=True).select_option(label=choice)
    with page.expect_download() as download:
        dialog.get_by_role("link", name=f"Download {label}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    dialog.get_by_role("status").filter(has_text=re.compile("^$")).wait_for(state="attached")
    return path


SOUNDS: dict[str, tuple[str, dict[str, str], str, float]] = {
    "wav16": ("WAV", {"resolution": "16 bit"}, "PCM_16", 1e-4),
    "wav24": ("WAV", {"resolution": "24 bit"}, "PCM_24", 1e-6),
    "wav32": ("WAV", {"resolution": "32 bit float"}, "FLOAT", 1e-7),
    "flac16": ("FLAC", {"resolution": "16 bit"}, "PCM_16", 1e-4),
    "flac24": ("FLAC", {"resolution": "24 bit"}, "PCM_24", 1e-7),
    "karaoke": ("FLAC", {"what": "Without the voice"}, "PCM_24", 1e-7),
    "stem": ("FLAC", {"what": "Only: Vocals"}, "PCM_24", 1e-7),
}


def test_sounds_are_exported(page: Any, service: Service, song: dict[str, Any], tmp_path: Path) -> None:
    row(page, song).get_by_role("button", name=re.compile("^Open ")).click()
    export(page)
    name = re.compile(rf"folk-song-with-guitar_180bpm_[\w#]+_{song['seed']}_[0-9a-f]{{6}}(_karaoke|_vocals)?\.\w+")
    for kind, (label, choices, subtype, tolerance) in SOUNDS.items():
        file = downloaded(page, tmp_path, label, **choices)
        assert name.fullmatch(file.name), file.name
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        part = {"karaoke": "karaoke", "stem": "vocals"}.get(kind, "track")
        assert (rate_hz, soundfile.info(file).subtype) == (RATE_HZ, subtype)
        same(samples, samples_of(service.url, song, part), tolerance)
        assert read_recipe(file).request.seed == song["seed"]
    whole = {"what": "The whole track"}
    for label in ("MP3", "OGG"):
        file = downloaded(page, tmp_path, label, **whole)
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        assert (rate_hz, file.suffix) == (RATE_HZ, f".{label.lower()}") and name.fullmatch(file.name)
        assert len(samples) == pytest.approx(6 * RATE_HZ, abs=3000)
        assert integrated_loudness_lufs(samples, RATE_HZ) == pytest.approx(song["loudness_lufs"], abs=1)
        assert read_recipe(file).request.seed == song["seed"]
    quiet = downloaded(page, tmp_path, "WAV", loudness="Broadcast, −23 LUFS", **whole)
    assert integrated_loudness_lufs(soundfile.read(quiet, dtype="float32")[0], RATE_HZ) == pytest.approx(-23, abs=0.2)


def test_stems_notes_words_and_settings_are_exported(
    page: Any, service: Service, song: dict[str, Any], tmp_path: Path
) -> None:
    row(page, song).get_by_role("button", name=re.compile("^Open ")).click()
    export(page)
    archive = downloaded(page, tmp_path, "Stems")
    with zipfile.ZipFile(archive) as files:
        names = [name.rpartition("/")[2] for name in files.namelist()]
        assert {f"{stem}.wav" for stem in song["stems"]} | {"score.mid", "recipe.json", "README.txt"} <= set(names)
        for path in files.namelist():
            stem = path.rpartition("/")[2].removesuffix(".wav")
            if stem in song["stems"]:
                samples, _ = soundfile.read(io.BytesIO(files.read(path)), dtype="float32", always_2d=True)
                np.testing.assert_allclose(samples, samples_of(service.url, song, stem), atol=1e-6)
    midi = downloaded(page, tmp_path, "MIDI")
    pressed = [message for message in mido.MidiFile(midi) if message.type == "note_on" and message.velocity > 0]
    score = httpx.get(f"{service.url}/v1/takes/{song['id']}/score").json()
    assert len(pressed) == sum(len(track["notes"]) for track in score["tracks"])
    recipe = downloaded(page, tmp_path, "Recipe")
    for file in (archive, midi, recipe):
        assert read_recipe(file).request.lyrics == SONG["lyrics"]
        assert file.name.startswith("folk-song-with-guitar_180bpm_")
    words_file = downloaded(page, tmp_path, "LRC")
    assert words_file.suffix == ".lrc"
    assert re.search(r"^\[00:0[0-3]\.\d\d\].*Sing.*with.*me", words_file.read_text(), re.MULTILINE)


def test_a_loop_is_not_offered_as_mp3(page: Any, service: Service, tmp_path: Path) -> None:
    take = service.make(**LOOP)["outputs"][0]
    play(page, take)
    bar = page.get_by_role("region", name="Player")
    assert bar.get_by_role("button", name="Loop", exact=True).get_attribute("aria-pressed") == "true"
    dialog = export(page)
    assert dialog.get_by_role("radio", name="OGG").count() == 1
    assert dialog.get_by_role("radio", name="MP3").count() == 0
    assert dialog.get_by_text("No MP3: it adds silence at both ends, so a loop would not close.").is_visible()
    frames = soundfile.info(downloaded(page, tmp_path, "WAV")).frames
    assert frames == round(take["duration_s"] * RATE_HZ)


def test_a_file_dropped_on_the_page_gives_its_settings_back(page: Any, song: dict[str, Any], tmp_path: Path) -> None:
    row(page, song).get_by_role("button", name=re.compile("^Open ")).click()
    export(page)
    file = downloaded(page, tmp_path, "OGG")
    page.get_by_role("dialog", name="Export").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Close the details").first.click()
    page.get_by_role("button", name="Empty the form").click()
    drop(page, file, file.name, "audio/ogg")
    page.get_by_text(f"Settings restored from “{file.name}”").first.wait_for()
    assert page.get_by_role("textbox", name="Describe the music").input_value() == SONG["prompt"]
    assert page.get_by_role("textbox", name="Lyrics").input_value() == SONG["lyrics"]
    assert page.get_by_role("textbox", name="Seed").input_value() == str(SONG["seed"])
    assert page.get_by_role("button", name=re.compile("^Tempo: 180 bpm")).count() == 1
    assert "selected" in row(page, song).get_attribute("class")


def test_a_foreign_file_is_refused_in_one_line(page: Any, band: list[dict[str, Any]], tmp_path: Path) -> None:
    row(page, band[0]).wait_for()
    page.watched.expected.append("status of 4")  # what the browser writes of every refusal
    prompt = page.get_by_role("textbox", name="Describe the music").input_value()
    notes = tmp_path / "notes.txt"
    notes.write_text("milk, bread")
    drop(page, notes, notes.name, "text/plain")
    alert = page.get_by_role("region", name="Messages").get_by_role("alert")
    assert "notes.txt" in alert.text_content()
    assert len(alert.text_content().strip().splitlines()) == 1 and str(tmp_path) not in alert.text_content()
    assert page.get_by_role("textbox", name="Describe the music").input_value() == prompt


def test_a_take_whose_job_is_gone_plays_and_one_that_is_gone_cannot_be_downloaded(page: Any, service: Service) -> None:
    job = service.make("a harp alone", duration_s=2)
    kept = job["outputs"][0]
    address = f"{service.url}/v1/takes/{kept['id']}"
    assert httpx.delete(f"{service.url}/v1/music/{job['id']}").status_code < 300
    assert httpx.post(f"{address}/restore").status_code == 200
    page.reload()
    play(page, kept)
    page.keyboard.press("Space")
    dialog = export(page)
    page.watched.expected.append("status of 404")
    assert httpx.delete(address, params={"permanent": True}).status_code == 204
    dialog.get_by_role("radio", name="FLAC", exact=True).check(force=True)
    dialog.get_by_role("link", name="Download FLAC").click()
    alert = dialog.get_by_role("alert")
    alert.wait_for()
    assert f"there is no take '{kept['id']}'" in alert.text_content()
