"""Short pieces to make through the HTTP API, and ears for what the studio's page plays, for tests in a browser."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile

RATE_HZ = 44_100
#: Three bars of 1.6 s, twice; two bars of a song; two bars that loop.
BAND: dict[str, Any] = {
    "prompt": "indie pop band with piano, bass and drums",
    "tempo_bpm": 150,
    "duration_s": 4.8,
    "seed": 7,
}
SONG: dict[str, Any] = {
    "prompt": "folk song with guitar",
    "lyrics": "[verse]\nSing with me",
    "tempo_bpm": 180,
    "duration_s": 6,
    "seed": 5,
}
LOOP: dict[str, Any] = {"prompt": "house loop", "duration_s": 4, "loop": True, "seed": 3}

# The page's graph computed sample by sample instead of played: its clock stands still between two calls of runTo, so
# that a slow machine hears the same as a fast one.
_RECORDER = """
window.AudioContext = class extends OfflineAudioContext {
  constructor({ sampleRate }) {
    super(2, sampleRate * 30, sampleRate)
    window.recorder = this
  }
  async resume() {}
  async suspend() {}
  async runTo(time_s) {
    const there = super.suspend(time_s)
    if (this.whole) void super.resume()
    else this.whole = this.startRendering()
    await there
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)
    return this.currentTime
  }
  async samples() {
    void super.resume()
    const whole = await this.whole
    const texts = []
    for (const channel of [0, 1]) {
      const bytes = new Uint8Array(whole.getChannelData(channel).buffer)
      let text = ''
      for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768))
      texts.push(btoa(text))
    }
    return texts
  }
}
"""


def samples_of(url: str, take: dict[str, Any], part: str = "track") -> np.ndarray:
    """The stored sound of a part [frames, channels], as the page loads it."""
    answer = httpx.get(f"{url}/v1/takes/{take['id']}/content", params={"format": "flac", "part": part}, timeout=60)
    samples, rate_hz = soundfile.read(io.BytesIO(answer.content), dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ
    return samples


class Recorder:
    """Opens the page anew with an audio clock that runs only when told to, and keeps every sample it plays."""

    def __init__(self, page: Any) -> None:
        self._page = page
        page.add_init_script(_RECORDER)
        page.goto("/")

    def run_to(self, time_s: float) -> float:
        """Lets the music go on up to a time of the audio clock and the page show it; returns that time."""
        return self._page.evaluate("(time_s) => window.recorder.runTo(time_s)", time_s)

    def samples(self) -> np.ndarray:
        """Everything that was played, [frames, channels], to the end; the clock has then run out."""
        texts = self._page.evaluate("() => window.recorder.samples()")
        return np.stack([np.frombuffer(base64.b64decode(text), np.float32) for text in texts], axis=1)


def drop(page: Any, path: Path, name: str, kind: str = "") -> None:
    """Drops a file on the page."""
    page.evaluate(
        """([content, name, type]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
          const dataTransfer = new DataTransfer()
          dataTransfer.items.add(new File([bytes], name, { type }))
          for (const event of ['dragenter', 'dragover', 'drop'])
            document.body.dispatchEvent(new DragEvent(event, { bubbles: true, cancelable: true, dataTransfer }))
        }""",
        [base64.b64encode(path.read_bytes()).decode(), name, kind],
    )


def row(page: Any, take: dict[str, Any]) -> Any:
    return page.locator(f'[data-take="{take["id"]}"]')


def play(page: Any, take: dict[str, Any]) -> None:
    """Plays a take from the library; returns when it sounds."""
    row(page, take).get_by_role("button", name=re.compile("^Play ")).click()
    loaded(page)


def loaded(page: Any) -> None:
    """Waits until what was asked for plays."""
    bar = page.get_by_role("region", name="Player")
    bar.get_by_role("button", name="Pause", exact=True).wait_for()
    page.wait_for_function(
        "() => !document.querySelector('section[aria-label=Player] [role=status]').textContent.includes('Loading')"
    )


def details(page: Any) -> Any:
    page.get_by_role("button", name="Open the details").click()
    page.get_by_role("region", name="Time line").wait_for()
    return page


def position_s(page: Any) -> float:
    """The place in the music by the clock of the player's bar, in seconds."""
    text = page.locator(".time span").first.text_content()
    minutes, seconds = text.split(":")
    return 60 * int(minutes) + float(seconds)


def words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def note_name(pitch: int) -> str:
    names = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
    return f"{names[pitch % 12]}{pitch // 12 - 1}"


def at(samples: np.ndarray, start_s: float, length_s: float) -> np.ndarray:
    start = round(start_s * RATE_HZ)
    return samples[start : start + round(length_s * RATE_HZ)]


def same(heard: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    assert np.abs(expected).max() > 0.01, "there is nothing to compare"
    np.testing.assert_allclose(heard, expected, atol=tolerance)
