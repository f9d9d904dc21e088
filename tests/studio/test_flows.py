"""What people do in the studio, in a real browser: making, listening, keeping, and how it takes what goes wrong."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studio_page import (  # noqa: F401
    Service,
    browser,
    expect,
    loudest_heard,
    service,
    studio,
    wait_until,
)

pytestmark = pytest.mark.slow  # a browser, and music from the real model
HARP, ORGAN, HOUSE = "a harp alone", "a slow church organ alone, 80 bpm", "house, 126 bpm"
#: Long enough to be seen at work; cancelled before it is done.
LONG = "techno, 60 seconds"
#: Above what digital silence and dither would give.
AUDIBLE = 0.01
STAGES = re.compile("Starting|Loading the model|Writing the notes|Rendering the sound|Making it audible|Mixing|Saving")
#: What a browser writes of itself when nobody answers at the address.
NOBODY_ANSWERS = r"net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)"


@pytest.fixture(scope="module")
def library(service: Service) -> dict[str, list[dict[str, Any]]]:  # noqa: F811
    """Takes of finished jobs by prompt: with them, the page shows a library."""
    wishes: dict[str, dict[str, Any]] = {
        HARP: {"duration_s": 5, "takes": 2, "seed": 7},
        ORGAN: {"duration_s": 3, "seed": 70},
        HOUSE: {"duration_s": 3, "seed": 700},
    }
    return {prompt: service.make(prompt, **wish)["outputs"] for prompt, wish in wishes.items()}


@pytest.fixture
def page(browser: Any, service: Service, library: dict[str, list[dict[str, Any]]]) -> Iterator[Any]:  # noqa: F811
    """A new visitor of the library."""
    with studio(browser, service) as opened:
        card_of(opened, HARP).wait_for()
        yield opened


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Service]:
    """A service with an empty library."""
    running = Service(tmp_path / "data").start()
    yield running
    running.stop()


def prompt_of(page: Any) -> Any:
    return page.get_by_role("textbox", name="Describe the music")


def card_of(page: Any, prompt: str) -> Any:
    """Everything a job has brought."""
    return page.get_by_role("article", name=prompt, exact=True)


def job_in(card: Any) -> Any:
    """A job under way, or one that ended without success."""
    return card.get_by_test_id("job")


def picture_in(card: Any) -> Any:
    """What a job has painted so far. Wait by ``wait_for``, which sees it at once; ``expect`` looks once a second."""
    return card.get_by_role("img", name="The sound so far")


def rows_in(card: Any) -> Any:
    return card.get_by_role("listitem")


def play_in(card: Any, number: int = 1) -> Any:
    """The button on the picture of a take, the first on its row."""
    return rows_in(card).nth(number - 1).get_by_role("button", name=re.compile("^(Play|Pause) "))


def make(page: Any, prompt: str, takes: int = 2) -> Any:
    """Asks for music as a person does; gives the card it gets. The seed is set: some leave a short solo silent."""
    prompt_of(page).fill(prompt)
    page.get_by_role("textbox", name="Seed").fill("1")
    count = page.get_by_role("group", name="Takes").get_by_role("status")
    while int(count.inner_text()) > takes:
        page.get_by_role("button", name="Fewer takes").click()
    expect(count).to_have_text(str(takes))
    page.get_by_role("button", name="Make music").click()
    return card_of(page, prompt)


def player_of(page: Any) -> Any:
    return page.get_by_role("region", name="Player")


def position_s(page: Any) -> float:
    """Where the music is, as the player's clock says."""
    minutes, seconds = player_of(page).get_by_text(re.compile(r"^\d+:\d\d\.\d$")).inner_text().split(":")
    return 60 * int(minutes) + float(seconds)


def expect_sound(page: Any) -> None:
    """The player runs on, and something is heard."""
    expect(player_of(page).get_by_role("button", name="Pause", exact=True)).to_be_visible()
    wait_until(lambda: loudest_heard(page) > AUDIBLE)
    began_s = position_s(page)
    wait_until(lambda: position_s(page) > began_s)


def note_what_cards_say(page: Any) -> None:
    """From now on, for ``said``: what is there for a blink only is found, however fast the machine."""
    page.evaluate(
        """() => {
          window.said = new Set()
          new MutationObserver(() => {
            for (const card of document.querySelectorAll('article')) {
              const job = card.querySelector('[data-testid=job]')?.textContent ?? 'no job'
              window.said.add(`${card.querySelectorAll('[data-take]').length} there, ${job}`)
            }
          }).observe(document.body, { subtree: true, childList: true, characterData: true })
        }"""
    )


def said(page: Any, pattern: str) -> bool:
    """Whether any card has had this many takes "there" and said this of its job."""
    return any(re.search(pattern, text) for text in page.evaluate("[...window.said]"))


def open_menu(page: Any, card: Any, entry: str, number: int = 1) -> None:
    """Chooses an entry of a take's menu."""
    rows_in(card).nth(number - 1).get_by_role("button", name=re.compile("^More for ")).click()
    page.get_by_role("menuitem", name=re.compile(f"^{entry}( |$)")).click()


def tab_to(page: Any, wanted: Any) -> None:
    """The Tab key, until the focus is there."""
    for _ in range(90):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {wanted}")


# --- making -----------------------------------------------------------------------------------------------------------


def test_an_empty_library_shows_an_example_and_one_button_to_the_first_sound(browser: Any, fresh: Service) -> None:  # noqa: F811
    with studio(browser, fresh) as page:
        expect(page.get_by_role("heading", name="What would you like to hear?")).to_be_visible()
        example = prompt_of(page).input_value()
        assert len(example.split()) > 5
        page.get_by_role("button", name="Another example").click()
        expect(prompt_of(page)).not_to_have_value(example)
        # Its usual length would take longer to make than there is to see.
        prompt_of(page).fill(f"{example}, 4 seconds")
        page.get_by_role("button", name="Make music").click()
        card = card_of(page, f"{example}, 4 seconds")
        play_in(card).wait_for()
        assert loudest_heard(page) == 0
        play_in(card).click()
        expect_sound(page)
        expect(rows_in(card)).to_have_count(2)
        expect(job_in(card)).to_have_count(0)
        assert {take["duration_s"] for take in fresh.list("takes")} == {4.0}


def test_the_first_take_is_there_while_the_second_is_made(page: Any) -> None:
    note_what_cards_say(page)
    card = make(page, "a soft grand piano alone, 4 seconds")
    expect(rows_in(card)).to_have_count(2)
    expect(job_in(card)).to_have_count(0)
    assert said(page, "^0 there, .*take 1 of 2")
    assert said(page, "^1 there, .*take 2 of 2")
    seeds = [int(text.split()[1]) for text in card.get_by_text(re.compile(r"^seed \d+$")).all_inner_texts()]
    assert seeds[1] == seeds[0] + 1


def test_progress_is_shown_and_a_running_job_can_be_cancelled(page: Any) -> None:
    card = make(page, LONG, takes=1)
    bar = card.get_by_role("progressbar", name=STAGES)
    bar.wait_for()
    page.get_by_role("status").filter(has_text="1 job under way").wait_for()
    picture = picture_in(card)
    picture.wait_for()
    wait_until(lambda: picture.evaluate("image => image.complete && image.naturalWidth") > 0)
    began = int(bar.get_attribute("aria-valuenow"))
    wait_until(lambda: int(bar.get_attribute("aria-valuenow")) > began)
    expect(job_in(card)).to_contain_text(re.compile(r"about \d+ (s|min) left|almost done"))

    job_in(card).get_by_role("button", name="Cancel").click()
    expect(job_in(card)).to_contain_text("Cancelled")
    job_in(card).get_by_role("button", name="Dismiss").click()
    expect(card).to_have_count(0)
    page.reload()
    expect(card_of(page, ORGAN)).to_be_visible()
    expect(card).to_have_count(0)


def test_waiting_jobs_know_their_place_and_can_be_cancelled(page: Any) -> None:
    running = make(page, LONG, takes=1)
    running.get_by_role("progressbar").wait_for()
    first, second = make(page, f"{HARP} first", takes=1), make(page, f"{HARP} second", takes=1)
    expect(job_in(first)).to_contain_text("Next in line")
    expect(job_in(second)).to_contain_text("Waiting behind 1 job")
    job_in(first).get_by_role("button", name="Cancel").click()
    expect(job_in(first)).to_contain_text("Cancelled")
    expect(job_in(second)).to_contain_text("Next in line")
    for card in (second, running):
        job_in(card).get_by_role("button", name="Cancel").click()
        expect(job_in(card)).to_contain_text("Cancelled")
    for card in (first, second, running):
        job_in(card).get_by_role("button", name="Dismiss").click()
        expect(card).to_have_count(0)


def test_a_reload_in_mid_job_finds_the_job_again(page: Any) -> None:
    prompt = "a vibraphone alone, 12 seconds"
    make(page, prompt, takes=1).get_by_role("progressbar").wait_for()
    page.reload()
    card = card_of(page, prompt)
    card.get_by_role("progressbar", name=STAGES).wait_for()
    expect(rows_in(card)).to_have_count(1)
    expect(job_in(card)).to_have_count(0)


def test_a_new_job_neither_replaces_results_nor_stops_what_plays(page: Any) -> None:
    play_in(card_of(page, ORGAN)).click()
    player = player_of(page)
    player.get_by_role("button", name="Loop").click()
    expect_sound(page)
    card = make(page, "a nylon guitar alone, 2 seconds", takes=1)
    expect(rows_in(card)).to_have_count(1)
    expect(rows_in(card_of(page, ORGAN))).to_have_count(1)
    expect(rows_in(card_of(page, HARP))).to_have_count(2)
    expect(play_in(card_of(page, ORGAN))).to_have_accessible_name(re.compile("^Pause"))
    expect_sound(page)


def test_the_same_settings_with_a_new_seed(library: Any, page: Any) -> None:
    card_of(page, HOUSE).get_by_role("button", name="Same settings, New seed").click()
    cards = card_of(page, HOUSE)
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text(f"from “{library[HOUSE][0]['title']}”")
    expect(rows_in(cards.first)).to_have_count(1)
    expect(rows_in(cards.first)).to_contain_text("126 bpm")
    expect(rows_in(cards.first)).to_contain_text("0:03")
    expect(rows_in(cards.first)).not_to_contain_text("seed 700")
    expect(rows_in(cards.last)).to_contain_text("seed 700")


def test_settings_are_used_again_and_undone(page: Any) -> None:
    prompt_of(page).fill("half a thought")
    for _ in range(3):  # a list that moves under the pointer may swallow a click
        open_menu(page, card_of(page, HARP), "Reuse settings and seed", number=2)
        with contextlib.suppress(AssertionError):
            expect(prompt_of(page)).to_have_value(HARP, timeout=10_000)
            break
    expect(prompt_of(page)).to_have_value(HARP)
    expect(page.get_by_role("textbox", name="Seed")).to_have_value("8")
    expect(page.get_by_role("button", name="Length: 0:05, set by you")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(prompt_of(page)).to_have_value("half a thought")
    card_of(page, HARP).get_by_role("button", name="Reuse settings").click()
    expect(prompt_of(page)).to_have_value(HARP)
    expect(page.get_by_role("textbox", name="Seed")).to_have_value("")


# --- words and options ------------------------------------------------------------------------------------------------


def test_a_chip_says_why_and_can_be_changed_and_go_back_to_auto(page: Any) -> None:
    prompt_of(page).fill("house at 124 bpm with a flurbish piano")
    chip = page.get_by_role("button", name=re.compile("^Tempo: "))
    expect(chip).to_have_accessible_name("Tempo: 124 bpm, from “124 bpm”")
    expect(page.get_by_text("Not understood: flurbish")).to_be_visible()
    chip.click()
    editor = page.get_by_role("dialog", name="Tempo editor")
    editor.get_by_role("spinbutton", name="Tempo in beats a minute").fill("96")
    page.keyboard.press("Enter")
    expect(editor).to_be_hidden()
    expect(chip).to_have_accessible_name("Tempo: 96 bpm, set by you")
    page.reload()
    expect(chip).to_have_accessible_name("Tempo: 96 bpm, set by you")
    chip.click()
    editor.get_by_role("button", name="Back to auto").click()
    expect(chip).to_have_accessible_name("Tempo: 124 bpm, from “124 bpm”")


def test_what_cannot_be_made_is_said_where_it_is_asked_for(page: Any) -> None:
    prompt_of(page).fill(HARP)
    length = page.get_by_role("button", name=re.compile("^Length: "))
    length.click()
    editor = page.get_by_role("dialog", name="Length editor")
    editor.get_by_role("spinbutton").fill("9000")
    page.keyboard.press("Enter")
    problem = page.get_by_role("region", name="Create").get_by_role("alert")
    expect(problem).to_contain_text("9000")
    expect(problem).to_contain_text("600")
    page.watched.expected.append("status of 422")
    page.get_by_role("button", name="Make music").click()
    expect(problem).to_contain_text("600")
    expect(page.get_by_test_id("job")).to_have_count(0)
    length.click()
    editor.get_by_role("button", name="Back to auto").click()
    expect(problem).to_have_count(0)


def test_lyrics_with_sections_are_sung_and_shown_as_karaoke(page: Any) -> None:
    page.get_by_role("button", name="Sing", exact=True).click()
    lyrics = page.get_by_role("textbox", name="Lyrics")
    page.get_by_role("button", name="Insert verse").click()
    page.keyboard.type("Morning comes with open hands")
    page.get_by_role("button", name="Insert chorus").click()
    page.keyboard.type("Sing it all again")
    expect(lyrics).to_have_value("[verse]\nMorning comes with open hands\n\n[chorus]\nSing it all again")
    expect(page.get_by_text("2 lines · about 13 syllables")).to_be_visible()

    card = make(page, "quiet folk with a nylon guitar, 120 bpm, 12 seconds", takes=1)
    expect(rows_in(card)).to_contain_text("sung")
    open_menu(page, card, "Details and export")
    page.get_by_role("tab", name="Karaoke").click()
    karaoke = page.get_by_role("region", name="Karaoke")
    karaoke.get_by_text("All lyrics").click()
    karaoke.get_by_role("button", name="Sing it all again").click()
    expect(karaoke.get_by_role("button", name="Sing it all again")).to_have_attribute("aria-current", "true")
    expect(karaoke.get_by_text("Chorus", exact=True)).to_be_visible()
    expect(karaoke.get_by_role("paragraph").filter(has_text="Sing it all again")).to_be_visible()
    player_of(page).get_by_role("button", name="Play", exact=True).click()
    expect_sound(page)


def test_the_models_say_what_they_are(page: Any) -> None:
    opener = page.get_by_role("button", name=re.compile("^Model: embedded"))
    expect(opener).to_have_accessible_name(re.compile("about .* real time"))
    opener.click()
    dialog = page.get_by_role("dialog", name="Model")
    embedded = dialog.get_by_role("radio", name=re.compile("^embedded"))
    expect(embedded).to_be_checked()
    expect(embedded).to_be_focused()
    expect(embedded).to_have_accessible_name(re.compile(r"Apache-2\.0.*MB.*real time, measured on \d+ takes? here"))
    others = dialog.get_by_role("radio", disabled=True)
    assert others.count() > 1
    expect(others.first).to_have_accessible_name(re.compile("Not on this machine"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()


def test_the_sheet_of_shortcuts_and_some_of_them(page: Any) -> None:
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Shortcuts")
    for key in ("Play or pause", "Search", "Make music", "Switch between the takes compared"):
        expect(sheet.get_by_text(key, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search the library")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(prompt_of(page)).to_be_focused()
    page.keyboard.press("Escape")
    before = prompt_of(page).input_value()
    page.keyboard.press("r")
    expect(prompt_of(page)).not_to_have_value(before)


# --- listening and keeping --------------------------------------------------------------------------------------------


def test_switching_between_takes_keeps_the_place(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    card_of(page, HARP).get_by_role("button", name="Compare the takes").click()
    expect_sound(page)
    player = player_of(page)
    first, second = player.get_by_role("button", name="Take A"), player.get_by_role("button", name="Take B")
    expect(first).to_have_attribute("aria-pressed", "true")
    # Everything is loaded by now: while it only plays, the page leaves the service in peace.
    wait_until(lambda: position_s(page) >= 1)
    before = len(asked)
    wait_until(lambda: position_s(page) >= 2.5)
    assert not [url for url in asked[before:] if not url.endswith("/health")]
    second.click()
    assert position_s(page) >= 2.5
    expect(second).to_have_attribute("aria-pressed", "true")

    # While it stands still, to the tenth.
    player.get_by_role("button", name="Pause", exact=True).click()
    page.keyboard.press("Home")
    player.get_by_role("slider", name="Position").press("ArrowRight")
    before_s = position_s(page)
    assert 0 < before_s < 2.5
    page.keyboard.press("a")
    expect(first).to_have_attribute("aria-pressed", "true")
    assert position_s(page) == before_s


def test_search_and_stars_choose_what_is_listed(page: Any) -> None:
    harp, organ = card_of(page, HARP), card_of(page, ORGAN)
    search = page.get_by_role("searchbox", name="Search the library")
    search.fill("church")
    expect(harp).to_have_count(0)
    expect(organ).to_be_visible()
    search.fill("zither quartet")
    expect(page.get_by_text("Nothing in the library has “zither quartet”.")).to_be_visible()
    page.get_by_role("button", name="Show everything").click()
    expect(harp).to_be_visible()
    expect(search).to_have_value("")

    star = rows_in(harp).nth(1).get_by_role("button", name=re.compile("^Star "))
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Only starred").click()
    expect(organ).to_have_count(0)
    expect(rows_in(harp)).to_have_count(1)
    rows_in(harp).get_by_role("button", name=re.compile("^Star ")).click()
    page.get_by_role("button", name="Only starred").click()
    expect(rows_in(harp)).to_have_count(2)
    expect(star).to_have_attribute("aria-pressed", "false")


def test_a_take_gets_a_name(page: Any) -> None:
    row = rows_in(card_of(page, HARP)).nth(1)
    open_menu(page, card_of(page, HARP), "Rename", number=2)
    field = row.get_by_role("textbox", name=re.compile("^New name of "))
    expect(field).to_be_focused()
    field.fill("Water under the bridge")
    field.press("Enter")
    expect(row.get_by_role("button", name=re.compile("^Open Water under the bridge"))).to_be_visible()
    page.reload()
    expect(row.get_by_role("button", name=re.compile("^Open Water under the bridge"))).to_be_visible()
    page.get_by_role("searchbox", name="Search the library").fill("bridge")
    expect(rows_in(card_of(page, HARP))).to_have_count(1)


def test_what_is_deleted_comes_back(page: Any) -> None:
    organ = card_of(page, ORGAN)
    open_menu(page, organ, "Delete")
    expect(organ).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(organ).to_be_visible()

    open_menu(page, organ, "Delete")
    expect(organ).to_have_count(0)
    page.get_by_role("button", name="Show the bin").click()
    expect(page.get_by_role("heading", name="Bin", exact=True)).to_be_visible()
    rows_in(organ).filter(has_text="seed 70").get_by_role("button", name=re.compile("^Restore")).click()
    expect(rows_in(organ).filter(has_text="seed 70")).to_have_count(0)
    page.get_by_role("button", name="Show the bin").click()
    expect(rows_in(organ)).to_contain_text("seed 70")


def test_a_variation_says_what_it_comes_from(library: Any, page: Any) -> None:
    parent = library[ORGAN][0]["title"]
    open_menu(page, card_of(page, ORGAN), "Vary…")
    dialog = page.get_by_role("dialog", name="Vary")
    dialog.get_by_role("textbox", name="Description").fill("a slow celesta alone, 80 bpm")
    dialog.get_by_role("button", name="Fewer takes").click()
    dialog.get_by_role("button", name="Make the variation").click()
    card = card_of(page, "a slow celesta alone, 80 bpm")
    expect(card).to_contain_text("Variation")
    expect(rows_in(card)).to_contain_text("seed 70")
    expect(rows_in(card_of(page, ORGAN))).to_contain_text("1 child")

    open_menu(page, card, "Details and export")
    facts = page.get_by_role("region", name="Facts")
    expect(facts.get_by_text("A variation")).to_be_visible()
    expect(facts.get_by_role("button", name=parent)).to_be_visible()
    player_of(page).get_by_role("button", name="Close the details").first.click()
    card.get_by_role("button", name=f"from “{parent}”").click()
    expect(play_in(card_of(page, ORGAN))).to_be_focused()


def test_from_loading_the_page_to_listening_with_the_keyboard_alone(browser: Any, fresh: Service) -> None:  # noqa: F811
    with studio(browser, fresh) as page:
        expect(page.get_by_role("button", name="Make music")).to_be_enabled()
        tab_to(page, prompt_of(page))
        page.keyboard.type(", 3 seconds")
        prompt = prompt_of(page).input_value()
        assert prompt.endswith(", 3 seconds")
        tab_to(page, page.get_by_role("button", name="Make music"))
        page.keyboard.press("Enter")
        card = card_of(page, prompt)
        expect(rows_in(card)).to_have_count(2)
        expect(job_in(card)).to_have_count(0)
        tab_to(page, play_in(card))
        page.keyboard.press("Space")
        expect_sound(page)


# --- when things go wrong ---------------------------------------------------------------------------------------------


def test_a_killed_worker_does_not_lose_its_job(service: Service, page: Any) -> None:  # noqa: F811
    note_what_cards_say(page)
    card = make(page, "a marimba alone, 10 seconds", takes=1)
    picture_in(card).wait_for()
    for pid in service.worker_pids():
        os.kill(pid, signal.SIGKILL)
    expect(rows_in(card)).to_have_count(1)
    expect(job_in(card)).to_have_count(0)
    assert said(page, "^0 there, .*attempt 2")


def test_a_killed_service_comes_back_with_everything(browser: Any, fresh: Service) -> None:  # noqa: F811
    kept = fresh.make(HARP, duration_s=2, seed=7)["outputs"][0]
    with studio(browser, fresh) as page:
        page.watched.expected.append(NOBODY_ANSWERS)
        play_in(card_of(page, HARP)).click()
        player_of(page).get_by_role("button", name="Loop").click()
        card = make(page, "a marimba alone, 12 seconds", takes=1)
        picture_in(card).wait_for()
        fresh.kill()
        banner = page.get_by_text("The service does not answer.", exact=True)
        expect(banner).to_be_visible()
        expect(job_in(card)).to_be_visible()
        expect_sound(page)
        prompt_of(page).fill("half a thought")
        page.get_by_role("button", name="Make music").click()
        expect(page.get_by_role("region", name="Create").get_by_role("alert")).to_contain_text("nothing is lost")
        page.get_by_role("button", name="Try now").click()

        fresh.start()
        expect(banner).to_have_count(0)
        expect(rows_in(card)).to_have_count(1)
        expect(job_in(card)).to_have_count(0)
        expect(prompt_of(page)).to_have_value("half a thought")
        expect(rows_in(card_of(page, HARP))).to_contain_text(f"seed {kept['seed']}")
        assert len(fresh.list("takes")) == 2
        assert [job["status"] for job in fresh.list("music")] == ["completed"] * 2


def test_a_job_that_fails_says_why_and_can_be_tried_again(browser: Any, fresh: Service) -> None:  # noqa: F811
    fresh.stop()
    fresh.environment["NOISICIAN_LEAST_FREE_BYTES"] = str(10**18)
    fresh.start()
    with studio(browser, fresh) as page:
        page.watched.expected.append(NOBODY_ANSWERS)
        prompt = f"{HOUSE}, 2 seconds"
        prompt_of(page).fill(prompt)
        page.get_by_role("button", name="Make music").click()
        job = job_in(card_of(page, prompt))
        expect(job).to_contain_text("It did not work")
        reason = job.get_by_text(re.compile(r"^no space|MB are free on the disk"))
        expect(reason).to_be_visible()
        assert "\n" not in reason.inner_text()

        fresh.stop()
        fresh.environment.clear()
        fresh.start()
        page.reload()
        job.get_by_role("button", name="Try again").click()
        expect(rows_in(card_of(page, prompt))).to_have_count(2)
        expect(page.get_by_test_id("job")).to_have_count(0)
