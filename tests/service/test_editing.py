"""Editing by HTTP: what is accepted, refused and only told, and the versions that come of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

import soundfile
from desk import NOBODY, Desk, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from small_service import run, small_service
from stand_in_networks import ENTRIES, SHORT, embedded

from noisician import api
from noisician.edits import KINDS, edits_from
from noisician.errors import RequestError
from noisician.export import encode
from noisician.models import registry
from noisician.models.embedded import model
from noisician.models.embedded.apply.checking import check_edits
from noisician.models.protocol import ignore_progress, never
from noisician.models.support import checked
from noisician.piece import Piece, piece_of
from noisician.recipe import Recipe
from noisician.renderer import render
from noisician.service.files import Files, new_id
from noisician.service.records import JobRecord
from noisician.service.work.take_job import Watch, make_take, task_of

REST = {"op": "regenerate", "players": ["lead"], "bars": [[1, 1]]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with desk.http:
        yield desk
    desk.store.close()


def edit(desk: Desk, id_: str, *edits: dict[str, Any], **others: Any) -> Any:
    return desk.http.post(f"/v1/takes/{id_}/edit", json={"edits": list(edits), **others})


def edited(desk: Desk, id_: str, *edits: dict[str, Any], **others: Any) -> dict[str, Any]:
    """The take that an edit made."""
    answer = edit(desk, id_, *(edits or (REST,)), **others)
    assert answer.status_code == 202, answer.text
    desk.work()
    return desk.http.get(answer.headers["location"]).json()["outputs"][0]


def test_an_edit_makes_a_version(desk: Desk) -> None:
    take = desk.take("calm piano", seed=5, title="Evening")
    desk.ask("something else")
    answer = edit(desk, take["id"], REST)
    job = answer.json()
    assert (answer.status_code, job["operation"], job["queue_position"]) == (202, "edit", 0)
    assert (job["parent_take"], job["title"], job["takes"]) == (take["id"], "Evening", 1)
    desk.work()
    (version,) = desk.http.get(f"/v1/music/{job['id']}").json()["outputs"]
    assert (version["title"], version["listed"], version["piece"]) == ("Evening", False, take["id"])
    assert version["edits"] == "regenerate lead, bar 1" and take["edits"] is None
    assert version["params"] == take["params"] and version["recipe_id"] != take["recipe_id"]
    recipe = desk.http.get(f"/v1/takes/{version['id']}/recipe").json()
    assert recipe["lineage"] == [{"id": take["recipe_id"], "operation": "edit", "words": version["edits"]}]


def test_versions_are_a_tree_of_which_the_library_shows_what_was_kept(desk: Desk) -> None:
    def listed(query: str = "") -> list[str]:
        return [take["id"] for take in desk.http.get(f"/v1/takes{query}").json()["data"]]

    root = desk.take()
    first, named = edited(desk, root["id"]), edited(desk, root["id"], title="Busier")
    second = edited(desk, first["id"])
    ids = [take["id"] for take in (root, first, named, second)]
    answers = [desk.http.get(f"/v1/takes/{id_}/versions").json() for id_ in ids]
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert answers[0]["piece"] == root["id"]
    shown = [(version["id"], version["parent_take"], version["listed"]) for version in answers[0]["data"]]
    assert shown == [
        (ids[0], None, True), (ids[1], ids[0], False), (ids[2], ids[0], True), (ids[3], ids[1], False)
    ]  # fmt: skip
    assert listed() == [ids[2], ids[0]]
    assert listed("?versions=all") == ids[::-1]
    assert desk.http.get(f"/v1/takes/{second['id']}/content?format=flac&inline=true").status_code == 200
    assert listed() == [ids[2], ids[0]]
    assert desk.http.get(f"/v1/takes/{second['id']}/content?format=mid").status_code == 200
    assert desk.http.patch(f"/v1/takes/{first['id']}", json={"title": "First"}).json()["listed"]
    assert listed() == [ids[3], ids[2], ids[1], ids[0]]
    refused(desk.http.get(f"/v1/takes/take_{NOBODY}/versions"), 404, "not_found")
    refused(desk.http.get("/v1/takes?versions=some"), 422, "invalid_value", "versions")


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([{"op": "regenerate", "players": ["tuba"]}], "no player 'tuba' in this piece; it has lead"),
        ([{"op": "regenerate", "bars": [[1, 9]]}], "bars 1-9: the piece has 1 bars"),
        ([{"op": "regenerate", "also": [{"bars": [[3, 3]]}]}], "bars 3-3: the piece has 1 bars"),
        ([{"op": "regenerate", "also": [{"bars": [[1, 1]]}]}], "lead, bar 1, is in two regions"),
        ([{"op": "rest", "seconds": [[90, 91]]}], "90-91 s: the piece's 1 bars end at 2.0 s"),
        ([REST, {"op": "vary", "bars": [[4, 4]]}], "bars 4-4: the piece has 1 bars"),
        ([{"op": "notes", "player": "lead", "delete": [77]}], "77"),
        ([{"op": "rest"}], "keep at least one player"),
        ([{"op": "use_from", "source": "../take"}], "source '../take' is the id of no take in the library"),
        ([{"op": "use_from", "source": new_id("take")}], "is the id of no take in the library"),
        ([], "at least 1"),
        ([REST] * 65, "at most 64"),
        ([{"op": "louder"}], "'louder'"),
        ([{"op": "rest", "tempo": 3}], "Extra inputs are not permitted"),
        ([{"op": "regenerate", "seed": -1}], "greater than or equal to 0"),
        ([{"op": "extend", "by_seconds": 600}], "301 bars last 602 s, over the limit of 600 s"),
    ],
)  # fmt: skip
def test_what_a_take_cannot_bear_is_refused_at_once(desk: Desk, edits: list[dict[str, Any]], message: str) -> None:
    take = desk.take()
    for dry_run in (False, True):
        answer = edit(desk, take["id"], *edits, dry_run=dry_run)
        error = answer.json()["error"]
        assert answer.status_code == 422 and message in error["message"] and "\n" not in error["message"]
    assert desk.store.counts()["queued"] == 0
    assert len(desk.http.get("/v1/takes?versions=all").json()["data"]) == 1


def test_a_service_may_allow_less_than_the_model(tmp_path: Path) -> None:
    desk = Desk(tmp_path, duration_limit_s=30.0)
    with desk.http:
        take = desk.take()
        for longer in ({"op": "extend", "by_seconds": 30}, {"op": "extend", "by_bars": 200}):
            error = refused(edit(desk, take["id"], longer), 422, "over_limit", "edits")
            assert "is over this service's limit of 30 s" in error.message
    desk.store.close()


def test_who_is_not_there_cannot_be_edited(desk: Desk) -> None:
    refused(edit(desk, f"take_{NOBODY}", REST), 404, "not_found")
    take = desk.take()
    desk.files.recipe(take["id"]).unlink()
    error = refused(edit(desk, take["id"], REST), 422, "file")
    assert "is not in the data folder any more" in error.message


def test_the_same_key_gives_the_same_edit(desk: Desk) -> None:
    take = desk.take()
    body, headers = {"edits": [REST]}, {"Idempotency-Key": "k"}
    first, again = (desk.http.post(f"/v1/takes/{take['id']}/edit", json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json() and again.headers["idempotency-replayed"] == "true"
    other = desk.http.post(f"/v1/takes/{take['id']}/edit", json={"edits": [{"op": "vary"}]}, headers=headers)
    refused(other, 409, "idempotency_conflict")


def test_a_take_of_another_piece_may_lend_bars(desk: Desk) -> None:
    first, second = desk.take(), desk.take()
    job = edit(desk, first["id"], {"op": "use_from", "source": second["id"], "bars": [[1, 1]]}).json()
    desk.work()
    (version,) = desk.http.get(f"/v1/music/{job['id']}").json()["outputs"]
    assert version["edits"] == f"everybody, bar 1 from {second['id']}"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """Of a piece that the embedded model made on stand-in networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "manifest", lambda: ENTRIES)
        patch.setattr(model, "manifest", lambda: ENTRIES)
        made = embedded()
        return made.generate(checked(SHORT, made.capabilities, lambda feature: ())).recipe


def test_a_dry_run_tells_and_does_nothing(desk: Desk, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(embedded))
    take = desk.take()
    desk.files.recipe(take["id"]).write_text(recipe.to_json())
    piece = piece_of(recipe)
    assert piece is not None
    player = piece.plan.players[0].id
    events = desk.store.last_event_id()
    moved = edit(desk, take["id"], {"op": "transpose", "players": [player], "semitones": 2}, dry_run=True)
    assert moved.status_code == 200
    outlook = moved.json()
    assert outlook["object"] == "outlook" and outlook["words"] == [f"transpose {player} by +2 semitones"]
    assert list(outlook["rendered_s"]) == [player] and outlook["heard_s"] and outlook["piece"]["version"]
    mixed = edit(desk, take["id"], {"op": "mix", "player": player, "gain_db": -3}, dry_run=True).json()
    assert mixed["rendered_s"] == {}
    assert desk.store.last_event_id() == events and desk.store.counts()["queued"] == 0


@pytest.fixture(scope="module")
def piece(recipe: Recipe) -> Piece:
    found = piece_of(recipe)
    assert found is not None
    return found


REGIONS = st.fixed_dictionaries(
    {},
    optional={
        "players": st.lists(st.sampled_from(["lead", "bass", "chords", "tuba", "drums"]), max_size=2, unique=True),
        "bars": st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=1),
    },
)
SOME_EDITS = st.lists(
    st.one_of(
        st.builds(lambda region, op: {"op": op, **region}, REGIONS, st.sampled_from(["regenerate", "vary", "rest"])),
        st.builds(lambda bars: {"op": "extend", "by_bars": bars}, st.integers(1, 3)),
        st.builds(lambda player: {"op": "remove_player", "player": player}, st.sampled_from(["lead", "bass", "tuba"])),
        st.builds(lambda tempo: {"op": "tempo", "tempo_bpm": tempo}, st.integers(60, 180)),
        st.builds(lambda key: {"op": "key", "key": key}, st.sampled_from(["C", "F#", "H"])),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(SOME_EDITS)
def test_nothing_is_refused_at_once_that_would_be_made(recipe: Recipe, piece: Piece, given: list[Any]) -> None:
    edits = edits_from(given)
    try:
        check_edits(piece, edits, lambda source: piece)
    except RequestError as refusal:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model, "manifest", lambda: ENTRIES)
            with pytest.raises(RequestError) as later:
                embedded().outlook(recipe, edits)
        assert str(later.value) == str(refusal)


def test_the_document_names_every_kind_of_edit(desk: Desk) -> None:
    schemas = desk.app.openapi()["components"]["schemas"]
    edits = schemas["EditBody"]["properties"]["edits"]
    assert set(edits["items"]["discriminator"]["mapping"]) == set(KINDS)
    assert edits["minItems"] == 1 and edits["maxItems"] == 64


def test_the_client_edits(tmp_path: Path) -> None:
    service = small_service(tmp_path)

    async def work() -> None:
        async with service.running(), service.client() as client:
            take = (await client.finished(await client.make("calm piano"))).outputs[0]
            job = await client.finished(await client.edit(take.id, [REST], title="Other"))
            (version,) = job.outputs
            assert (job.operation, version.title, version.parent_take) == ("edit", "Other", take.id)
            versions = await client.versions(version.id)
            assert [one.id for one in versions.data] == [take.id, version.id]
            await client.finished(await client.edit(take.id, [REST]))
            assert len((await client.takes()).data) == 2
            assert len((await client.takes(versions="all")).data) == 3

    run(work())


def test_an_edit_of_one_player_encodes_the_track_and_one_stem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "manifest", lambda: ENTRIES)
    monkeypatch.setattr(model, "manifest", lambda: ENTRIES)
    played = embedded()
    monkeypatch.setattr(registry, "DEFAULT", registry.Registry(lambda: played))
    files, watch = Files(tmp_path), Watch(ignore_progress, never)
    job = JobRecord(new_id("job"), 1, "make", "queued", SHORT.model_dump(exclude_defaults=True), "embedded", 1, 0.0)
    root = make_take(task_of(job, (), files), 1, api.generate, files, new_id("take"), watch)
    piece = piece_of(api.read_recipe(files.recipe(root.id)))
    assert piece is not None and len(piece.plan.players) > 1
    encoded: list[int] = []
    through = encode._through_libsndfile
    monkeypatch.setattr(encode, "_through_libsndfile", lambda *given: encoded.append(1) or through(*given))
    edits = ({"op": "mix", "player": piece.plan.players[0].id, "gain_db": -4},)
    job = replace(job, id=new_id("job"), operation="edit", parent_take=root.id, edits=edits)
    version = make_take(task_of(job, (), files), 1, api.generate, files, new_id("take"), watch)
    assert len(encoded) == 2
    for stem in version.facts["stems"]:
        before, after = (soundfile.read(files.stem(take.id, stem), dtype="int32")[0] for take in (root, version))
        assert np.array_equal(before, after) == (stem != version.facts["stems"][0])
        assert api.read_recipe(files.stem(version.id, stem)) == api.read_recipe(files.recipe(version.id))
