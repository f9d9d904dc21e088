"""The open take as an editor, in a browser: what is selected, changed, kept and taken back."""

# ruff: noqa: F811
from __future__ import annotations

import json
import re
from typing import Any

import httpx
import numpy as np
import pytest
from studio_page import Service, browser, expect, page, service  # noqa: F401
from studio_pieces import BAND, position_s, row, samples_of, words

pytestmark = pytest.mark.slow  # a browser, and music from the real model
BAR_S = 1.6  # four beats at 150 bpm


@pytest.fixture(scope="module")
def band(service: Service) -> dict[str, Any]:
    """Three bars by a few players."""
    return service.make(**BAND)["outputs"][0]


@pytest.fixture
def editor(page: Any, band: dict[str, Any]) -> Any:
    """The page with the take open in the editor."""
    open_take(page, band)
    return page


def open_take(page: Any, take: dict[str, Any]) -> None:
    row(page, take).get_by_role("button", name=re.compile("^Open ")).click()
    lanes_of(page).wait_for()


def lanes_of(page: Any) -> Any:
    return page.get_by_role("application", name="Notes of every player")


def actions_of(page: Any) -> Any:
    return page.get_by_role("group", name="Edit the selection")


def chosen_bars(page: Any) -> str:
    """What the action bar says is selected."""
    return page.get_by_test_id("actions").locator("strong").inner_text()


def drag_over(page: Any, take: dict[str, Any], lanes: tuple[int, int], bars: tuple[int, int]) -> None:
    """Draws over the middles of bars (from 1) and lanes (from 0), from the first to the last."""
    box = lanes_of(page).bounding_box()
    lane_px = box["height"] / len(take["players"])
    places = [
        (box["x"] + box["width"] * (bar - 0.5) * BAR_S / take["duration_s"], box["y"] + lane_px * (lane + 0.5))
        for lane, bar in zip(lanes, bars, strict=True)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


def place_of(take: dict[str, Any], role: str) -> int:
    return next(index for index, player in enumerate(take["players"]) if player["role"] == role)


def versions_of(service: Service, take: dict[str, Any]) -> list[dict[str, Any]]:
    return httpx.get(f"{service.url}/v1/takes/{take['id']}/versions").json()["data"]


def strips_of(service: Service, take_id: str) -> dict[str, dict[str, Any]]:
    recipe = httpx.get(f"{service.url}/v1/takes/{take_id}/recipe").json()
    strips = recipe["piece"]["mix"]["strips"]
    return {key: strip | {"pan": strip["place"]["pan"]} for key, strip in strips.items()}


def test_a_selection_is_regenerated_compared_and_undone(editor: Any, service: Service, band: dict[str, Any]) -> None:
    bass = place_of(band, "bass")
    label = words(band["players"][bass]["instrument"])
    editor.get_by_role("slider", name="Position").press("Shift+ArrowRight")
    drag_over(editor, band, (bass, bass), (2, 3))
    assert chosen_bars(editor) == f"{label}, bars 2 to 3"
    assert editor.get_by_test_id("chosen").count() == 1
    actions_of(editor).get_by_role("button", name="Regenerate").click()
    asked = editor.get_by_role("dialog", name="Regenerate")
    asked.get_by_role("radio", name=re.compile("^Same rhythm")).check()
    asked.get_by_role("button", name="Regenerate").click()

    facts = editor.get_by_text(re.compile(r"^Version 2: Regenerate bass, bars 2-3, keeping the rhythm"))
    facts.wait_for()
    before, after = versions_of(service, band)
    assert before["id"] == band["id"] and after["parent_take"] == band["id"] and not after["listed"]
    assert position_s(editor) == pytest.approx(BAR_S, abs=0.06)
    assert chosen_bars(editor) == f"{label}, bars 2 to 3"
    other = next(stem for stem in band["stems"] if not stem.startswith("bass"))
    same = [samples_of(service.url, {"id": version["id"]}, other) for version in (before, after)]
    np.testing.assert_array_equal(*same)

    both = editor.get_by_role("group", name="Compare takes").first
    expect(both.get_by_role("button", name="Take B, regenerate bass")).to_have_attribute("aria-pressed", "true")
    editor.keyboard.press("a")
    expect(both.get_by_role("button", name="Take A, as it was made")).to_have_attribute("aria-pressed", "true")
    expect(facts).to_have_count(0)
    editor.keyboard.press("b")
    facts.wait_for()

    undo, redo = (editor.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    expect(redo).to_be_disabled()
    editor.keyboard.press("Control+z")
    expect(undo).to_be_disabled()
    listed = editor.get_by_role("region", name="Versions").get_by_role("button", name=re.compile("^Version "))
    assert listed.count() == 2
    expect(listed.nth(0)).to_have_attribute("aria-current", "true")
    editor.keyboard.press("Control+Shift+z")
    facts.wait_for()
    undo.click()
    expect(facts).to_have_count(0)
    listed.nth(1).click()
    facts.wait_for()
    assert position_s(editor) == pytest.approx(BAR_S, abs=0.06)
    assert len(versions_of(service, band)) == 2

    # The library has the piece once, as it was; the version is there when it gets a star.
    star = editor.get_by_role("button", name="Keep this version in the library")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    editor.get_by_role("button", name="Close the details").click()
    row(editor, after).wait_for()
    expect(row(editor, band)).to_have_count(1)


def test_by_keyboard_alone(editor: Any, service: Service, band: dict[str, Any]) -> None:
    known = {version["id"] for version in versions_of(service, band)}
    lanes_of(editor).focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        editor.keyboard.press(key)
    both = [words(player["instrument"]) for player in band["players"][:2]]
    told = editor.locator("[aria-live=polite]").last
    expect(told).to_have_text(f"{', '.join(both)}, bars 1 to 2 selected")
    editor.keyboard.press("Control+a")
    assert chosen_bars(editor) == "Everybody, the whole piece"
    editor.keyboard.press("Escape")
    assert editor.get_by_role("button", name="Select nothing").count() == 0
    lanes_of(editor).wait_for()

    bass = place_of(band, "bass")
    for _ in range(len(band["players"])):
        editor.keyboard.press("ArrowUp")
    for key in ["Home"] + ["ArrowDown"] * bass:
        editor.keyboard.press(key)
    assert chosen_bars(editor) == f"{words(band['players'][bass]['instrument'])}, bar 1"
    editor.keyboard.press("Enter")
    expect(actions_of(editor).get_by_role("button", name="Regenerate")).to_be_focused()
    for _ in range(2):
        editor.keyboard.press("Tab")
    editor.keyboard.press("Enter")
    expect(editor.get_by_role("button", name="Octave down")).to_be_focused()
    editor.keyboard.press("Enter")
    editor.get_by_text(re.compile(r"^Version \d+: Transpose bass, bars? 1(-1)? by -12 semitones")).wait_for()
    expect(lanes_of(editor)).to_be_focused()
    (made,) = [version for version in versions_of(service, band) if version["id"] not in known]
    notes = [
        [
            note["pitch"]
            for note in httpx.get(f"{service.url}/v1/takes/{take_id}/score").json()["tracks"][bass]["notes"]
            if note["start_s"] < BAR_S - 0.05
        ]
        for take_id in (made["parent_take"], made["id"])
    ]
    assert notes[0] and notes[1] == [pitch - 12 for pitch in notes[0]]


def test_the_mix_is_kept_with_a_version(editor: Any, service: Service, band: dict[str, Any]) -> None:
    known = {version["id"] for version in versions_of(service, band)}
    desk = editor.get_by_role("region", name="Mixer")
    keep = desk.get_by_role("button", name="Keep the mix")
    labels = desk.get_by_role("listitem").locator("strong").all_inner_texts()
    first, last = labels[0], labels[-1]
    expect(keep).to_be_disabled()
    desk.get_by_role("button", name=f"Solo {first}").click()
    expect(keep).to_be_disabled()  # a solo is for listening
    desk.get_by_role("button", name=f"Solo {first}").click()
    level = desk.get_by_role("slider", name=f"Level of {first}")
    for _ in range(6):
        level.press("ArrowLeft")
    pan = desk.get_by_role("slider", name=f"Pan of {first}")
    pan.press("Home")
    expect(pan).to_have_attribute("aria-valuetext", "left 100 %")
    desk.get_by_role("button", name=f"Mute {last}").click()
    keep.click()
    editor.get_by_text(re.compile(r"^Version \d+: Mix ")).wait_for()
    expect(keep).to_be_disabled()
    (made,) = [version for version in versions_of(service, band) if version["id"] not in known]
    kept, before = strips_of(service, made["id"]), strips_of(service, band["id"])
    ids = [player["role"] for player in band["players"]]
    assert kept[ids[0]]["fader_db"] == -3 and kept[ids[0]]["pan"] == -0.85 and kept[ids[-1]]["muted"]
    assert not before[ids[-1]]["muted"] and before[ids[0]]["fader_db"] == 0
    assert all(kept[other]["fader_db"] == 0 and not kept[other]["muted"] for other in ids[1:-1])
    # The strips show what the version has; the version before has its own.
    expect(level).to_have_attribute("aria-valuetext", "−3.0 dB")
    expect(desk.get_by_role("button", name=f"Mute {last}")).to_have_attribute("aria-pressed", "true")
    editor.get_by_role("button", name="Undo", exact=True).click()
    expect(level).to_have_attribute("aria-valuetext", "0 dB")
    expect(desk.get_by_role("button", name=f"Mute {last}")).to_have_attribute("aria-pressed", "false")


class Asked:
    """Catches the edits that the page asks for, and answers in the service's place."""

    def __init__(self, page: Any, status: int, body: dict[str, Any]) -> None:
        self.edits: list[dict[str, Any]] = []
        self._status, self._body = status, body
        page.route(re.compile(r"/v1/takes/\w+/edit$"), self._answer)

    def _answer(self, route: Any) -> None:
        self.edits += route.request.post_data_json["edits"]
        route.fulfill(status=self._status, body=json.dumps(self._body), content_type="application/json")


def test_what_is_refused_is_said_where_it_was_asked(editor: Any, band: dict[str, Any]) -> None:
    editor.watched.expected.append("status of 422")
    refusal = {"message": "chord H is none that is known", "type": "invalid_request", "param": None, "code": "no"}
    asked = Asked(editor, 422, {"error": refusal})
    editor.get_by_role("button", name=re.compile("^Chords of bar 2: ")).click()
    chords = editor.get_by_role("dialog", name="Chords of bar 2")
    field = chords.get_by_role("textbox", name="Chords of bar 2")
    expect(field).to_be_focused()
    field.fill("hello")
    field.press("Enter")
    expect(chords.get_by_role("alert")).to_contain_text("“hello” is no chord")
    assert asked.edits == []
    field.fill("Am 3:G")
    field.press("Enter")
    expect(chords.get_by_role("alert")).to_have_text(refusal["message"])
    (edit,) = asked.edits
    assert edit["chords"] == [{"bar": 2, "beat": 1, "chord": "Am"}, {"bar": 2, "beat": 3, "chord": "G"}]
    assert "bass" in edit["follow"] and "drums" not in edit["follow"]
    expect(field).to_be_visible()  # to try again


def test_the_menus_change_the_form_and_the_players(editor: Any, band: dict[str, Any]) -> None:
    editor.watched.expected.append("status of 422")
    refusal = {"message": "not now", "type": "invalid_request", "param": None, "code": "no"}
    asked = Asked(editor, 422, {"error": refusal})

    def choose(opener: str, entry: str) -> None:
        editor.get_by_role("button", name=re.compile(f"^More for {opener}")).first.click()
        editor.get_by_role("menuitem", name=entry).click()

    choose("section 1", "Duplicate")
    choose("section 1", "Regenerate")
    choose("section 1", "Kind and length…")
    changed = editor.get_by_role("dialog", name=words(band["sections"][0]["kind"]))
    changed.get_by_role("combobox", name="Kind").select_option(label="Bridge")
    changed.get_by_role("spinbutton", name="Bars").fill("5")
    changed.get_by_role("button", name="Change").click()
    expect(changed.get_by_role("alert")).to_have_text("not now")
    editor.keyboard.press("Escape")
    label = words(band["players"][place_of(band, "bass")]["instrument"])
    choose(label, "Remove it from the piece")
    choose(label, "Another instrument…")
    other = editor.get_by_role("dialog", name=f"Another instrument for {label}")
    other.get_by_role("searchbox", name="Search").fill("violin")
    other.get_by_role("radio", name=re.compile("^Violin")).first.check()
    other.get_by_role("button", name="Change").click()
    expect(other.get_by_role("alert")).to_have_text("not now")
    editor.keyboard.press("Escape")
    # Something was made of this version before: what is written anew names a draw of its own, to be other music.
    assert asked.edits[1].pop("seed", 1000) >= 1000
    assert asked.edits == [
        {"op": "sections", "action": "duplicate", "section": 1},
        {"op": "regenerate", "players": [], "bars": [[1, 3]], "keep": "nothing"},
        {"op": "sections", "section": 1, "action": "resize", "bars": 5},
        {"op": "sections", "section": 1, "action": "rename", "kind": "bridge"},
        {"op": "remove_player", "player": "bass"},
        {"op": "replace_instrument", "player": "bass", "instrument": "violin"},
    ]


def test_an_edit_shows_how_it_gets_on_and_can_be_cancelled(editor: Any, service: Service, band: dict[str, Any]) -> None:
    job = service.list("music")[0] | {
        "id": "job_0000000000000000", "status": "queued", "operation": "edit", "outputs": [], "queue_position": 0,
        "parent_take": band["id"], "progress": 0,
    }  # fmt: skip
    Asked(editor, 202, job)
    cancelled = json.dumps(job | {"status": "cancelled", "queue_position": None, "cancel_requested": True})
    editor.route(
        re.compile(f"/v1/music/{job['id']}/cancel"),
        lambda route: route.fulfill(body=cancelled, content_type="application/json"),
    )
    drag_over(editor, band, (0, 1), (1, 1))
    actions_of(editor).get_by_role("button", name="Delete notes").click()
    bar = editor.get_by_test_id("actions")
    expect(bar.get_by_role("progressbar", name="The edit")).to_be_visible()
    expect(bar).to_contain_text("Delete the notes of ")
    expect(actions_of(editor).get_by_role("button", name="Vary")).to_be_disabled()
    bar.get_by_role("button", name="Cancel").click()
    expect(bar.get_by_role("progressbar")).to_have_count(0)
    expect(actions_of(editor).get_by_role("button", name="Vary")).to_be_enabled()
    editor.get_by_role("button", name="Close the details").click()
    expect(editor.get_by_test_id("job")).to_have_count(0)  # it was shown where it was asked for


def test_addresses_back_and_a_reload(page: Any, service: Service, band: dict[str, Any]) -> None:
    open_take(page, band)
    assert page.url.endswith(f"#{band['id']}")
    page.get_by_role("slider", name="Position").press("Shift+ArrowRight")
    page.get_by_role("region", name="Mixer").get_by_role("button", name=re.compile("^Mute ")).first.click()
    page.reload()
    lanes_of(page).wait_for()
    assert position_s(page) == pytest.approx(BAR_S, abs=0.06)
    mute = page.get_by_role("region", name="Mixer").get_by_role("button", name=re.compile("^Mute ")).first
    expect(mute).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(lanes_of(page)).to_have_count(0)
    row(page, band).wait_for()
    page.go_forward()
    lanes_of(page).wait_for()
    page.get_by_role("button", name="Close the details").click()
    expect(lanes_of(page)).to_have_count(0)
    assert "#" not in page.url
    page.goto(f"/#{band['id']}?t=3.2")
    lanes_of(page).wait_for()
    assert position_s(page) == pytest.approx(3.2, abs=0.06)


@pytest.mark.parametrize("height_px", [420, 800])
def test_a_menu_is_seen_whole_and_has_the_focus(page: Any, band: dict[str, Any], height_px: int) -> None:
    row(page, band).wait_for()
    page.set_viewport_size({"width": 1280, "height": height_px})
    row(page, band).get_by_role("button", name=re.compile("^More for ")).click()
    menu = page.get_by_role("menu")
    items = menu.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    box = menu.bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= height_px
    assert box["height"] >= min(250, 0.4 * height_px)
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)


def test_renaming_is_undone_and_the_focus_goes_on_after_a_take_is_put_away(page: Any, service: Service) -> None:
    takes = service.make("a harp alone", duration_s=2, takes=2, seed=3)["outputs"]
    page.reload()
    title = row(page, takes[0]).get_by_role("button", name=re.compile("^Open "))
    title.focus()
    page.keyboard.press("F2")
    page.keyboard.type("Another name")
    page.keyboard.press("Enter")
    expect(row(page, takes[0])).to_contain_text("Another name")
    page.keyboard.press("Control+z")
    expect(row(page, takes[0])).not_to_contain_text("Another name")
    title.focus()
    page.keyboard.press("Delete")
    expect(row(page, takes[0])).to_have_count(0)
    expect(row(page, takes[1]).get_by_role("button", name=re.compile("^Open "))).to_be_focused()
