"""What a request brings: files of a form, which have no name on the disk, or a JSON document."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from avfake.service.folder import shown_name
from avfake.service.problems import ProblemError

_MAX_FIELDS = 8
_MAX_FIELD = 4096  # bytes
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Upload:
    """A file of a form: its name as the sender has it, and its descriptor. It has no name on the disk."""

    name: str
    file: int


def is_form(request: Request) -> bool:
    """Whether the request is a form with files."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


@asynccontextmanager
async def uploaded(request: Request, most: int, seconds: float) -> AsyncIterator[list[Upload]]:
    """The files of a form, 1 to `most`; gone at the end.

    Raises:
        ProblemError: it is malformed, has none or too many, or takes longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            form = await request.form(max_files=most, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD)
    except TimeoutError:
        raise ProblemError("upload-timeout", f"it was not whole after {seconds:g} s") from None
    try:
        found = []
        for _, value in form.multi_items():
            if isinstance(value, UploadFile):
                file = value.file.fileno()  # from here on it is a file, however small
                value.file.flush()
                found.append(Upload(shown_name(value.filename), file))
        if not found:
            raise ProblemError("bad-request", "the form has no file")
        yield found
    finally:
        await form.close()


async def document(request: Request, model: type[Model], seconds: float) -> Model:
    """A request's JSON.

    Raises:
        ProblemError: it is no JSON or not as declared, or takes longer than `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            body = await request.body()
    except TimeoutError:
        raise ProblemError("upload-timeout", f"it was not whole after {seconds:g} s") from None
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        errors = [
            {"where": "/".join(map(str, item["loc"])), "what": item["msg"]}
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        detail = "; ".join(f"{item['where'] or 'body'}: {item['what']}" for item in errors)
        raise ProblemError("bad-request", detail[:1000], errors=errors[:20]) from None


def save(upload: Upload, path: Path) -> None:
    """Writes an upload to a file that is on the disk when this returns."""
    with path.open("xb") as out:
        offset = 0
        while sent := os.copy_file_range(upload.file, out.fileno(), 2**24, offset):
            offset += sent
        os.fsync(out.fileno())
