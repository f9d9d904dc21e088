"""Tools for assistants that speak the Model Context Protocol: thin words around the HTTP API.

Over HTTP they are part of the service (``/mcp``, streamable HTTP without sessions, behind the same key); over stdio
``noisician mcp`` serves them. Either way they are a client of the API like any other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.responses import PlainTextResponse

from noisician.api import STYLE_KINDS
from noisician.edits import EDITS_LIMIT, AnyEdit
from noisician.errors import NoisicianError
from noisician.recipe import software_version
from noisician.request import LISTS, OPTIONS, TYPES
from noisician.service import schemas
from noisician.service.compat.client import Client

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST_WAIT_S = 50.0
_WAIT_S = 30.0
_STYLES_SHOWN = 200
_INSTRUCTIONS = """Makes music on this user's own machine. Say what is wanted in plain words in `prompt` ("dreamy lofi \
in F# minor, no drums"); use `controls` only for what the user fixed exactly. make_music answers when the music is \
finished, or after a while with a job to ask music_status about; a take is finished when it is listed. To change a \
part of a take use edit_music, which keeps all else; vary_music makes it again from other wishes. Give the user \
the link of a take, or export_music for another format, a stem, the MIDI file or an archive. Nothing is overwritten: \
every take stays in the library."""

Wait = Annotated[float, Field(ge=0, le=LONGEST_WAIT_S, description="seconds to wait for the music before answering")]
StyleKind = Literal["genres", "moods", "instruments", "textures", "voices"]
Format = Literal[
    "mp3", "wav", "flac", "ogg", "zip", "dawproject", "reaper", "mid", "musicxml", "abc", "cho", "json", "lrc"
]
Loudness = Literal["streaming", "apple", "broadcast", "club", "off"]
Reach = Callable[[Context], AbstractAsyncContextManager[Client]]

P = ParamSpec("P")
R = TypeVar("R")


#: The options of a request that assistants get, and what these tools add to the words about some.
_CONTROLS: Mapping[str, str] = {
    **dict.fromkeys(("duration_s", "bars", "tempo_bpm", "key", "mode", "time_signature"), ""),
    **dict.fromkeys(("genres", "moods", "instruments"), "ids of list_styles"),
    **dict.fromkeys(("without", "loop", "lyrics", "vocals"), ""),
    **dict.fromkeys(("init_audio", "reference_audio", "melody", "picture"), "the id of an upload"),
    "strength": "",
    "voice": "ids of list_styles",
    "seed": "",
    "model": "as list_models names it",
}


def _control(name: str) -> tuple[Any, None]:
    """A field of a request as one that may be left out."""
    option, kind = OPTIONS[name], list[str] if name in LISTS else TYPES[name]
    about = f"{option.about} ({_CONTROLS[name]})" if _CONTROLS[name] else option.about
    return Annotated[kind | None, replace(option, about=about)], None


if TYPE_CHECKING:
    Controls = BaseModel
else:
    Controls = create_model(
        "Controls",
        __config__=ConfigDict(extra="forbid"),
        __doc__="What is fixed exactly; whatever is left out is chosen from the words, or freely.",
        **{name: _control(name) for name in _CONTROLS},
    )


class TakeSummary(BaseModel):
    """A finished piece. ``link`` is its sound: MP3, or WAV for a loop, which MP3 cannot repeat without a gap."""

    take_id: str
    title: str
    duration_s: float
    tempo_bpm: float | None
    key: str | None
    seed: int
    model: str
    licence: str
    stems: list[str]
    starred: bool
    link: str


class JobSummary(BaseModel):
    """What became of a request. ``progress`` is 0 … 100."""

    job_id: str
    status: str
    progress: float
    stage: str | None
    seconds_left: float | None
    queue_position: int | None
    error: str | None
    not_understood: list[str]
    takes: list[TakeSummary]
    advice: str | None


class Library(BaseModel):
    takes: list[TakeSummary]
    after: str | None = Field(description="cursor of the next page")


class Exported(BaseModel):
    """Where a file can be had. ``saved_to`` is its path where this server may keep files for the user."""

    link: str
    key_needed: bool = Field(description="whether the link wants the service's bearer key")
    saved_to: str | None


class HeardRecording(BaseModel):
    """``chords`` are those of each bar; levels are in LUFS, dBTP and dB."""

    duration_s: float
    tempo_bpm: float
    has_pulse: bool
    time_signature: str
    key: str
    mode: str
    bars: int
    chords: list[list[str]]
    sections: list[schemas.HeardSection]
    density: float = Field(description="notes a beat")
    players: list[schemas.HeardPlayer]
    sound: schemas.HeardSound


class StyleSummary(BaseModel):
    kind: str
    id: str
    description: str | None = Field(description="left out where everything is listed")


class StyleList(BaseModel):
    styles: list[StyleSummary]
    left_out: int = Field(description="how many more there are; narrow the search")


class ModelSummary(BaseModel):
    name: str
    available: bool
    how_to_get: str | None
    licence: str
    restricts_use: bool
    can: list[str]
    duration_range_s: tuple[float, float] | None
    music_seconds_per_second: float | None = Field(description="measured speed on this machine, if there is one yet")


class ModelSummaries(BaseModel):
    models: list[ModelSummary]


def server(reach: Reach, exports: Path | None = None) -> MCPServer:
    """The tools on whatever service ``reach`` opens; ``exports`` is a folder the user chose for files."""
    tools = _Tools(reach, exports)
    made = _Server(
        "noisician",
        title="noisician",
        version=software_version(),
        instructions=_INSTRUCTIONS,
        log_level="WARNING",
        subscriptions=False,
    )
    looks = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    makes = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    stops = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool, title, kind in (
        (tools.make_music, "Make music", makes),
        (tools.vary_music, "Make a variation", makes),
        (tools.edit_music, "Edit a take", makes),
        (tools.music_status, "Look at a job", looks),
        (tools.export_music, "Export music", makes if exports else looks),
        (tools.analyse_audio, "Listen to a recording", looks),
        (tools.cancel_music, "Stop a job", stops),
        (tools.list_library, "Search the library", looks),
        (tools.list_styles, "List styles", looks),
        (tools.list_models, "List models", looks),
    ):
        made.add_tool(tool, title=title, annotations=kind)
    return made


class _Server(MCPServer):
    """A server that drops no argument in silence: a control at the top is taken for one, all else refused by name."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        tools = {tool.name: tool for tool in await self.list_tools()}
        if name in tools:
            arguments = _in_place(name, arguments, tuple(tools[name].input_schema.get("properties", ())))
        return await super().call_tool(name, arguments, context)


def _in_place(tool: str, arguments: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Arguments with controls where they belong. Raises ToolError for what is no argument, or said twice."""
    place = next((name for name in ("controls", "changes") if name in known), None)
    given = dict(arguments)
    flat = {name: given.pop(name) for name in arguments if name not in known}
    strange = [name for name in flat if place is None or name not in _CONTROLS]
    if strange:
        more = "" if place is None else f", and in {place} {', '.join(_CONTROLS)}"
        raise ToolError(f"{', '.join(strange)[:200]} is no argument of {tool}; there are {', '.join(known)}{more}")
    if flat and place is not None:
        within = given.get(place) or {}
        if not isinstance(within, Mapping):
            raise ToolError(f"{place} is no object, so {', '.join(flat)} cannot join it; say all of them at the top")
        twice = [name for name in flat if name in within]
        if twice:
            raise ToolError(f"{', '.join(twice)} is said twice, at the top and in {place}; say it once")
        given[place] = {**within, **flat}
    return given


def in_words(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """What cannot be done reaches the assistant as one line it can act on."""

    @wraps(tool)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except NoisicianError as error:
            raise ToolError(" ".join(str(error).split())) from None

    return wrapped


class _Tools:
    def __init__(self, reach: Reach, exports: Path | None) -> None:
        self._reach, self._exports = reach, exports

    @in_words
    async def make_music(
        self,
        ctx: Context,
        prompt: Annotated[str, Field(description="the music in plain words; empty for a surprise")] = "",
        controls: Controls | None = None,
        takes: Annotated[int, Field(ge=1, le=8, description="how many versions to make")] = 1,
        title: Annotated[str | None, Field(description="its name in the library")] = None,
        wait_s: Wait = _WAIT_S,
    ) -> JobSummary:
        """Make music from words. Answers with the finished takes, or with a job to look at later."""
        given: Any = controls.model_dump(exclude_none=True) if controls else {}
        async with self._reach(ctx) as service:
            job = await service.make(prompt, takes=takes, title=title, **given)
            return await _waited(ctx, service, job.id, wait_s)

    @in_words
    async def vary_music(
        self,
        ctx: Context,
        take_id: str,
        changes: Annotated[Controls | None, Field(description="what is different; left out: only the seed")] = None,
        prompt: Annotated[str | None, Field(description="other words for it")] = None,
        wait_s: Wait = _WAIT_S,
    ) -> JobSummary:
        """Make a take again with something changed. The old take stays."""
        given: Any = changes.model_dump(exclude_none=True) if changes else {}
        if prompt is not None:
            given["prompt"] = prompt
        async with self._reach(ctx) as service:
            job = await service.vary(take_id, **given)
            return await _waited(ctx, service, job.id, wait_s)

    @in_words
    async def edit_music(
        self,
        ctx: Context,
        take_id: str,
        edits: Annotated[
            list[AnyEdit],
            Field(
                min_length=1,
                max_length=EDITS_LIMIT,
                description="what is done, in order; `op` names the kind, players are roles or ids, bars count from 1",
            ),
        ],
        title: Annotated[str | None, Field(description="a name, where the user wants to keep this version")] = None,
        wait_s: Wait = _WAIT_S,
    ) -> JobSummary:
        """Change a take and leave the rest of it as it is, sample for sample: write bars of some players anew
        (regenerate, vary), add, remove or replace players, let them rest, move notes, chords, tempo or key, set levels
        (mix), change the form, lengthen it (extend), loop it. The old take stays; the answer is a new version of it.
        """
        async with self._reach(ctx) as service:
            job = await service.edit(take_id, edits, title=title)
            return await _waited(ctx, service, job.id, wait_s)

    @in_words
    async def music_status(self, ctx: Context, job_id: str, wait_s: Wait = _WAIT_S) -> JobSummary:
        """How far a job is, with the takes that are finished. Waits for the end as long as it is told to."""
        async with self._reach(ctx) as service:
            return await _waited(ctx, service, job_id, wait_s)

    @in_words
    async def export_music(
        self,
        ctx: Context,
        take_id: str,
        format: Annotated[Format, Field(description="zip holds the stems; mid the notes; json the recipe")] = "mp3",
        part: Annotated[str, Field(description="track, karaoke, or one of the take's stems")] = "track",
        loudness: Loudness = "streaming",
    ) -> Exported:
        """A link to a take in another format, to one of its stems, its notes or its recipe."""
        wanted: dict[str, str | int | None] = {"format": format, "part": part, "loudness": loudness}
        async with self._reach(ctx) as service:
            await service.take(take_id)
            saved = None if self._exports is None else await service.save(take_id, self._exports, **wanted)
            about = await service.about()
        return Exported(
            link=service.link(take_id, **wanted),
            key_needed=about.key_required,
            saved_to=None if saved is None else str(saved),
        )

    @in_words
    async def analyse_audio(
        self,
        ctx: Context,
        upload_id: Annotated[str, Field(description="the id of an uploaded recording (POST /v1/uploads)")],
    ) -> HeardRecording:
        """What is heard in a recording: tempo, metre, key, chords by bar, sections, players, loudness."""
        async with self._reach(ctx) as service:
            heard = await service.analysis(upload_id)
        return HeardRecording.model_validate(heard.model_dump(exclude={"score", "bar_starts_s", "energies"}))

    @in_words
    async def cancel_music(self, ctx: Context, job_id: str) -> JobSummary:
        """Stop a job. Takes it has finished stay in the library."""
        async with self._reach(ctx) as service:
            return _job(await service.cancel(job_id), service)

    @in_words
    async def list_library(
        self,
        ctx: Context,
        words: Annotated[str, Field(description="words of the title, prompt, genre, key or instruments")] = "",
        starred: bool | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        after: Annotated[str | None, Field(description="cursor of the page before")] = None,
    ) -> Library:
        """The music made so far, newest first."""
        async with self._reach(ctx) as service:
            page = await service.takes(words, starred=starred, limit=limit, after=after)
        return Library(takes=[_take(take, service) for take in page.data], after=page.after)

    @in_words
    async def list_styles(
        self,
        ctx: Context,
        kind: StyleKind | None = None,
        words: Annotated[str, Field(description="words that must occur in the id or the description")] = "",
    ) -> StyleList:
        """The genres, moods, instruments, textures and singing voices that can be asked for by id."""
        async with self._reach(ctx) as service:
            styles = await service.styles()
        wanted = words.lower().split()
        found = [
            StyleSummary(kind=name, id=style.id, description=style.description if kind or wanted else None)
            for name in (STYLE_KINDS if kind is None else (kind,))
            for style in getattr(styles, name)
            if all(word in f"{style.id} {style.description}".lower() for word in wanted)
        ]
        return StyleList(styles=found[:_STYLES_SHOWN], left_out=max(0, len(found) - _STYLES_SHOWN))

    @in_words
    async def list_models(self, ctx: Context) -> ModelSummaries:
        """The models there are, with licence, what each can do, and whether it is ready on this machine."""
        async with self._reach(ctx) as service:
            models = await service.models()
        return ModelSummaries(
            models=[
                ModelSummary(
                    name=model.name,
                    available=model.available,
                    how_to_get=model.how_to_get,
                    licence=model.licence,
                    restricts_use=model.restricted,
                    can=list(model.features),
                    duration_range_s=model.duration_range_s,
                    music_seconds_per_second=model.speed,
                )
                for model in models.data
            ]
        )


async def _waited(ctx: Context, service: Client, job_id: str, wait_s: float) -> JobSummary:
    async def heard(job: schemas.Job) -> None:
        await ctx.report_progress(job.progress, 100, job.stage or job.status)

    return _job(await service.finished(job_id, wait_s, heard), service)


def _job(job: schemas.Job, service: Client) -> JobSummary:
    takes = [_take(take, service) for take in job.outputs]
    unknown = sorted({word for take in job.outputs for word in take.not_understood})
    advice = None
    if job.status in ("queued", "in_progress"):
        advice = f"not finished: ask music_status for {job.id} until it is; do not make it again"
    return JobSummary(
        job_id=job.id,
        status=job.status,
        progress=job.progress,
        stage=job.stage,
        seconds_left=job.eta_s,
        queue_position=job.queue_position,
        error=None if job.error is None else job.error.message,
        not_understood=unknown,
        takes=takes,
        advice=advice,
    )


def _take(take: schemas.Take, service: Client) -> TakeSummary:
    return TakeSummary(
        take_id=take.id,
        title=take.title,
        duration_s=round(take.duration_s, 2),
        tempo_bpm=take.tempo_bpm,
        key=f"{take.key} {take.mode or ''}".strip() if take.key else None,
        seed=take.seed,
        model=take.model,
        licence=take.licence,
        stems=list(take.stems),
        starred=take.starred,
        link=service.link(take.id, format="wav" if take.loop else "mp3"),
    )


class Endpoint:
    """The tools as an ASGI application inside the service ``app``, which they call without leaving the process.

    Host names, origins and the key are the service's own business: it checks them before a request comes here, and
    the calls made here carry the caller's key. ``running`` belongs into the service's lifespan.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inner: ASGIApp | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        made = server(self._reach)
        inner = made.streamable_http_app(
            streamable_http_path="/mcp",
            stateless_http=True,
            json_response=True,
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        async with made.session_manager.run():
            self._inner = inner
            try:
                yield
            finally:
                self._inner = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = self._inner or PlainTextResponse("the service is starting or stopping", 503)
        await inner(scope, receive, send)

    @asynccontextmanager
    async def _reach(self, ctx: Context) -> AsyncIterator[Client]:
        request: HttpRequest = ctx.request_context.request  # pyright: ignore[reportAssignmentType]
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        bearer = key if scheme.lower() == "bearer" else None
        async with Client.within(self._app, str(request.base_url), bearer) as service:
            yield service
