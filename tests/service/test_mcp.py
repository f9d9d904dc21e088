"""The tools for assistants: in memory, over HTTP and over stdio, with the SDK's own client."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import soundfile
from fake_model import RunCommand
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from small_service import URL, SmallService, run, small_service

from noisician.request import OPTIONS
from noisician.service import companion
from noisician.service.compat import client as clients
from noisician.service.compat import mcp
from noisician.service.compat.client import Client, ServiceError, named
from noisician.service.files import Files

TOOLS = {
    "make_music", "vary_music", "music_status", "export_music", "cancel_music", "list_library", "list_styles",
    "list_models", "edit_music", "analyse_audio",
}  # fmt: skip
Talk = Callable[[McpClient], Coroutine[Any, Any, None]]


def in_memory(service: SmallService, talk: Talk, exports: Path | None = None) -> None:
    @contextlib.asynccontextmanager
    async def reach(_: Any) -> AsyncIterator[Client]:
        async with service.client() as client:
            yield client

    async def go() -> None:
        async with service.running(), McpClient(mcp.server(reach, exports)) as client:
            await talk(client)

    run(go())


async def call(client: McpClient, tool: str, **values: Any) -> Any:
    """What a tool answers, in structure; its text says the same."""
    result: Any = await client.call_tool(tool, values)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def complaint(client: McpClient, tool: str, **values: Any) -> str:
    result: Any = await client.call_tool(tool, values)
    assert result.is_error
    return result.content[0].text


def test_tools_describe_themselves(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == TOOLS
        for tool in tools.values():
            assert tool.description and tool.title and tool.output_schema and tool.annotations
        schema = tools["make_music"].input_schema
        assert set(schema["properties"]) == {"prompt", "controls", "takes", "title", "wait_s"}
        controls = schema["$defs"]["Controls"]["properties"]
        assert controls["tempo_bpm"]["anyOf"][0] == {"type": "number", "minimum": 40, "maximum": 240}
        assert controls["moods"]["description"] == f"{OPTIONS['moods'].about} (ids of list_styles)"
        assert tools["list_models"].annotations and tools["list_models"].annotations.read_only_hint

    in_memory(small_service(tmp_path), talk)


def test_from_words_to_a_file(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        made = await call(
            client, "make_music", prompt="calm piano", controls={"seed": 5, "duration_s": 2}, takes=2, title="Night"
        )
        assert made["status"] == "completed" and made["advice"] is None and made["error"] is None
        first, second = made["takes"]
        assert (first["seed"], second["seed"], first["title"], first["key"]) == (5, 6, "Night", "C major")
        assert first["link"] == f"{URL}/v1/takes/{first['take_id']}/content?format=mp3"
        assert first["stems"] == ["lead-flute"]
        saved = await call(client, "export_music", take_id=first["take_id"], format="wav")
        path = Path(saved["saved_to"])
        assert path.parent == tmp_path / "songs" and path.name.startswith("night_") and path.suffix == ".wav"
        assert soundfile.info(path).duration == 0.2 and not saved["key_needed"]
        again = await call(client, "export_music", take_id=first["take_id"], format="wav")
        assert Path(again["saved_to"]).name == f"{path.stem}_2.wav"
        varied = await call(client, "vary_music", take_id=first["take_id"], changes={"tempo_bpm": 90}, prompt="sad")
        assert varied["status"] == "completed" and varied["takes"][0]["seed"] == 5
        library = await call(client, "list_library", words="night")
        assert {take["take_id"] for take in library["takes"]} >= {first["take_id"], second["take_id"]}
        assert (await call(client, "list_library", words="nothing of that name"))["takes"] == []

    in_memory(small_service(tmp_path), talk, tmp_path / "songs")


def test_a_take_is_edited(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        made = await call(client, "make_music", prompt="calm piano", title="Night")
        (take,) = made["takes"]
        lead = {"op": "regenerate", "players": ["lead"], "bars": [[1, 1]], "seed": 3}
        edited = await call(
            client, "edit_music", take_id=take["take_id"], edits=[lead, {"op": "transpose", "semitones": 2}]
        )
        (version,) = edited["takes"]
        assert (edited["status"], version["title"]) == ("completed", "Night") and version["take_id"] != take["take_id"]
        named = await call(client, "edit_music", take_id=version["take_id"], edits=[lead], title="Later")
        library = await call(client, "list_library")
        assert [one["title"] for one in library["takes"]] == ["Later", "Night"]
        assert named["takes"][0]["take_id"] == library["takes"][0]["take_id"]
        for edits, message in (
            ([{"op": "rest", "players": ["tuba"]}], "no player 'tuba' in this piece; it has lead"),
            ([{"op": "louder"}], "louder"),
            ([], "at least 1"),
        ):
            assert message in await complaint(client, "edit_music", take_id=take["take_id"], edits=edits)

    in_memory(small_service(tmp_path), talk)


def test_links_alone_where_nobody_chose_a_folder(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        made = await call(client, "make_music")
        exported = await call(client, "export_music", take_id=made["takes"][0]["take_id"], format="zip", part="track")
        assert exported["saved_to"] is None and "format=zip" in exported["link"]

    in_memory(small_service(tmp_path), talk)


def test_what_takes_long_is_a_job_to_come_back_to(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        made = await call(client, "make_music", prompt="x", wait_s=0)
        assert made["status"] == "queued" and made["job_id"] in made["advice"]
        assert (await call(client, "music_status", job_id=made["job_id"], wait_s=0.05))["queue_position"] == 0
        stopped = await call(client, "cancel_music", job_id=made["job_id"])
        assert stopped["status"] == "cancelled" and stopped["advice"] is None

    in_memory(small_service(tmp_path, works=False), talk)


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        assert "9999" in await complaint(client, "make_music", controls={"tempo_bpm": 9999})
        assert "tempo" in await complaint(client, "make_music", controls={"tempo": 90})
        assert "there is nothing at" in await complaint(client, "music_status", job_id="../../x")
        assert "there is no job" in await complaint(client, "music_status", job_id="job_x")
        assert "there is no take" in await complaint(client, "export_music", take_id="take_0123456789abcdef")
        assert "there is no upload" in await complaint(client, "analyse_audio", upload_id="upload_0123456789abcdef")
        for line in (await complaint(client, "cancel_music", job_id="job_0123456789abcdef"),):
            assert "\n" not in line

    in_memory(small_service(tmp_path), talk)


def test_lists(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        jazz = await call(client, "list_styles", kind="genres", words="jazz")
        assert {style["kind"] for style in jazz["styles"]} == {"genres"} and jazz["left_out"] == 0
        assert any("jazz" in style["id"] for style in jazz["styles"])
        every = await call(client, "list_styles")
        assert len(every["styles"]) + every["left_out"] > 100
        models = (await call(client, "list_models"))["models"]
        assert models[0]["name"] == "embedded" and models[0]["available"] and "score" in models[0]["can"]
        assert all(str(tmp_path) not in json.dumps(model) and "/root" not in json.dumps(model) for model in models)

    in_memory(small_service(tmp_path), talk)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_over_http_as_part_of_the_service(tmp_path: Path, mode: str) -> None:
    key = "a key of twenty-four chars"
    service = small_service(tmp_path, api_key=key)

    async def go() -> None:
        transport = httpx.ASGITransport(service.app)
        headers = {"Authorization": f"Bearer {key}"}
        async with service.running(), httpx.AsyncClient(transport=transport, headers=headers) as http:
            async with McpClient(streamable_http_client(f"{URL}/mcp", http_client=http), mode=mode) as client:
                assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
                made = await call(client, "make_music", prompt="x", controls={"duration_s": 2})
                assert made["status"] == "completed" and made["takes"][0]["link"].startswith(f"{URL}/v1/takes/")
                exported = await call(client, "export_music", take_id=made["takes"][0]["take_id"])
                assert exported["key_needed"] and exported["saved_to"] is None
            http.headers["Authorization"] = "Bearer no"
            assert (await http.post(f"{URL}/mcp", json={})).status_code == 401

    run(go())


def test_over_stdio_of_a_service_that_runs(tmp_path: Path) -> None:
    """The command of its own, against a service over a real connection."""
    import uvicorn

    service = small_service(tmp_path)

    async def go() -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_config=None))
            async with service.running(), anyio.create_task_group() as group:
                group.start_soon(server.serve, [listener])
                arguments = ["-m", "noisician", "mcp", "--url", url, "--exports", str(tmp_path / "songs")]
                async with McpClient(StdioServerParameters(command=sys.executable, args=arguments)) as client:
                    made = await call(client, "make_music", prompt="calm piano", controls={"duration_s": 2})
                    saved = await call(client, "export_music", take_id=made["takes"][0]["take_id"], format="mid")
                    assert Path(saved["saved_to"]).read_bytes()[:4] == b"MThd"
                server.should_exit = True

    run(go())


def test_over_stdio_a_service_is_started_and_ended(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def go() -> int:
        arguments = ["-m", "noisician", "mcp", "--data", str(data)]
        environment = {"NOISICIAN_LEAST_FREE_BYTES": "0"}
        async with McpClient(
            StdioServerParameters(command=sys.executable, args=arguments, env=environment), read_timeout_seconds=60
        ) as client:
            assert not companion.address(Files(data).lock)
            assert (await call(client, "list_library"))["takes"] == []
            url = companion.address(Files(data).lock)
            assert url is not None
            async with Client(url) as service:
                assert (await service.health()).status in ("ok", "starting")
            return int(json.loads(Files(data).lock.read_text())["pid"])

    process = run(go())
    for _ in range(200):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process, os.WNOHANG)
        anyio.run(anyio.sleep, 0.05)
    os.kill(process, signal.SIGKILL)
    pytest.fail("the service outlived the assistant's process")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1, "url": null}', '{"url": 5}', '{"url": "file:///etc"}'])
def test_a_lock_that_names_no_service(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock").write_text(text)
    assert companion.address(tmp_path / "lock") is None
    assert companion.address(tmp_path / "nowhere") is None


def test_the_command_says_what_is_wrong(run_command: RunCommand, tmp_path: Path) -> None:
    done = run_command("mcp", "--url", "http://x", "--data", str(tmp_path))
    assert done.status == 2 and "leave one of them out" in done.err


def test_nobody_answers() -> None:
    async def go() -> None:
        async with Client("http://127.0.0.1:9") as service:
            with pytest.raises(
                ServiceError, match=r"answers at http://127\.0\.0\.1:9 .*noisician studio starts one"
            ) as failed:
                await service.health()
            assert failed.value.status == 0

    run(go())


def test_another_program_answers() -> None:
    async def program(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health":
            return httpx.Response(200, text="<html>")
        return httpx.Response(404, text="<html>")

    async def go() -> None:
        async with Client("http://127.0.0.1:9", transport=httpx.MockTransport(program)) as service:
            with pytest.raises(ServiceError, match="another version, or another program, runs there"):
                await service.health()
            with pytest.raises(ServiceError, match="GET /v1/music/x was answered with status 404"):
                await service.job("x")

    run(go())


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a b.wav"', "a b.wav"),
        ("attachment; filename=a.wav; filename*=utf-8''fa%C3%A7ade.wav", "façade.wav"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename*=utf-8''..%2F..%5Cx%00.wav", "x_.wav"),
        ('attachment; filename=".."', "noisician"),
        ("", "noisician"),
    ],
)
def test_names_of_files_stay_in_their_folder(header: str, name: str) -> None:
    assert named({"content-disposition": header}) == name


def test_a_download_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"RIFF"
        raise httpx.ReadError("gone")

    async def program(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=broken())

    async def go() -> None:
        async with Client(transport=httpx.MockTransport(program)) as service:
            with pytest.raises(ServiceError, match="gone"):
                await service.save("take_0123456789abcdef", tmp_path / "songs")

    run(go())
    assert list((tmp_path / "songs").iterdir()) == []


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"mine")
    for expected in ("a_2.wav", "a_3.wav"):
        part = tmp_path / "part"
        part.write_bytes(b"new")
        assert clients._placed(part, tmp_path / "a.wav").name == expected
    assert (tmp_path / "a.wav").read_bytes() == b"mine"


def test_no_argument_is_dropped_in_silence(tmp_path: Path) -> None:
    async def talk(client: McpClient) -> None:
        job = await call(client, "make_music", prompt="pop", tempo_bpm=90, duration_s=10, wait_s=0)
        assert job["status"] in ("queued", "in_progress", "completed")
        said = await complaint(client, "make_music", prompt="pop", temp=90, wait_s=0)
        assert said.startswith("temp is no argument of make_music; there are prompt, controls")
        said = await complaint(client, "make_music", prompt="pop", tempo_bpm=90, controls={"tempo_bpm": 91})
        assert said == "tempo_bpm is said twice, at the top and in controls; say it once"
        said = await complaint(client, "music_status", job_id=job["job_id"], wait=3)
        assert said == "wait is no argument of music_status; there are job_id, wait_s"
        said = await complaint(client, "make_music", prompt="pop", tempo_bpm=9, wait_s=0)
        assert "tempo 9 BPM is outside 40 to 240 BPM" in said
        # Lyrics at the top are sung, or refused as in controls: never lost.
        made = await call(client, "make_music", prompt="pop", lyrics="[Verse]\nWalk with me", duration_s=10, wait_s=0)
        store = service.store.job(made["job_id"])
        assert store is not None and store.params["lyrics"] == "[Verse]\nWalk with me"
        assert store.params["duration_s"] == 10

    service = small_service(tmp_path, works=False)
    in_memory(service, talk)
