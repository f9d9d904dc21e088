"""The OpenAPI document: what the framework knows of the routes, completed by what it does not."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from noisician.service.schemas import Event
from noisician.service.settings import Settings
from noisician.service.web.understanding import music_schema
from noisician.service.web.watching import REQUEST_ID

_DESCRIPTION = """Music from words, made on this machine.

`POST /v1/music` puts a job into the queue; `GET /v1/music/{id}`, its events or `Prefer: wait=N` say how far it is; its
takes are heard at `GET /v1/takes/{id}/content`. Every error is `{"error": {message, type, param, code}}`.
"""
_TAGS = (
    ("music", "Jobs."),
    ("changes", "New music from a take."),
    ("takes", "The library."),
    ("content", "Sound, notes, words and pictures of a take."),
    ("events", "Server-sent events."),
    ("uploads", "Files handed in."),
    ("catalogue", "What there is to know beforehand."),
    ("session", "A cookie in place of the key."),
)
_MUSIC_EXAMPLES = {
    "words": {"summary": "Words alone", "value": {"prompt": "dreamy lofi in F# minor, no drums"}},
    "controls": {
        "summary": "With what is fixed exactly",
        "value": {"prompt": "calm piano", "duration_s": 20, "tempo_bpm": 72, "takes": 2, "seed": 7},
    },
}
_CHANGE_EXAMPLE = {"changes": {"tempo_bpm": 90, "key": None}, "takes": 1}
#: What the framework says of parameters that do not fit; here that is an error like any other.
_FRAMEWORKS_ERROR = {"$ref": "#/components/schemas/HTTPValidationError"}
#: Operations that need no key.
_OPEN = frozenset({"about", "health", "openSession", "closeSession"})


def install(app: FastAPI, settings: Settings) -> None:
    """Makes ``app.openapi()`` the whole document."""
    framework = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(framework(), settings)
        return app.openapi_schema

    app.openapi = openapi


def _completed(document: dict[str, Any], settings: Settings) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    schemas["MusicBody"] = music_schema(settings)
    schemas["Event"] = Event.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name in ("ChangeBody", "LoopBody", "RepaintBody", "ExtendBody"):
        schemas[name]["properties"]["takes"]["maximum"] = settings.takes_limit
    schemas["ChangeBody"]["example"] = _CHANGE_EXAMPLE
    document["info"]["description"] = _DESCRIPTION
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    document["tags"] = [{"name": name, "description": text} for name, text in _TAGS]
    _plain_tuples(document)
    for operations in document["paths"].values():
        for operation in operations.values():
            _complete(operation, settings)
    if settings.api_key is not None:
        document["components"]["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "NOISICIAN_API_KEY of the service"},
        }
        document["security"] = [{"key": []}]
    return document


def _plain_tuples(schema: Any) -> None:
    """Tuples of one kind as arrays of a fixed length, which says the same to more readers."""
    if isinstance(schema, dict):
        parts = schema.get("prefixItems")
        if parts and all(part == parts[0] for part in parts):
            schema["items"] = schema.pop("prefixItems")[0]
        for entry in schema.values():
            _plain_tuples(entry)
    elif isinstance(schema, list):
        for entry in schema:
            _plain_tuples(entry)


def _complete(operation: dict[str, Any], settings: Settings) -> None:
    for parameter in operation.get("parameters", ()):
        # What is sent as a parameter is never null: it is left out.
        choices = [choice for choice in parameter["schema"].pop("anyOf", ()) if choice != {"type": "null"}]
        parameter["schema"].update(*choices)
    if operation["operationId"] in ("makeMusic", "explain"):
        content = operation["requestBody"]["content"]["application/json"]
        content["schema"] = {"$ref": "#/components/schemas/MusicBody"}
        content["examples"] = _MUSIC_EXAMPLES
    if settings.api_key is not None and operation["operationId"] in _OPEN:
        operation["security"] = []
    for response in operation["responses"].values():
        for content in response.get("content", {}).values():
            if content.get("schema") == _FRAMEWORKS_ERROR:
                content["schema"] = {"$ref": "#/components/schemas/ErrorAnswer"}
        response.setdefault("headers", {})[REQUEST_ID] = {
            "description": "names this request in the service's log",
            "required": True,
            "schema": {"type": "string"},
        }
