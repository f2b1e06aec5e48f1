"""The page's files, as answers to HTTP requests."""

import http
import mimetypes
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Response

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".ktx2": "image/ktx2",
}
HASHED_FOLDER = "assets"
"""Where the bundler puts files whose names carry a hash of what is in them: these never change."""

MISSING_BUNDLE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tutti</title>
<body style="font:18px/1.5 Georgia,serif;background:#17120e;color:#f0e6d6;max-width:36em;margin:12vh auto">
<h1 style="font-weight:normal">The orchestra is here, its page is not</h1>
<p>The relay runs, but the page that it should show has not been built.
Build it in the source folder, then reload:</p>
<p><code>python -m tutti.studio.web_build</code></p></body></html>
"""


LOST = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tutti</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body style="font:20px/1.5 Georgia,serif;background:#17120e;color:#f0e6d6;
    max-width:30em;margin:12vh auto;padding:0 1em">
<h1 style="font-weight:normal">There is no such page here</h1>
<p>The studio is: <a href="/" style="color:#e0bb78">go to the hall</a>.</p></body></html>
"""


class StaticSite:
    """Serves the files under ``root``, and nothing else. Values in, values out: it sends nothing itself."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def respond(self, target: str, request: Headers) -> Response:
        """The answer to ``GET target``. Reads the file: call it from a worker thread."""
        path = self._file(target)
        if path is None:
            if not (self.root / "index.html").is_file():
                return reply(http.HTTPStatus.SERVICE_UNAVAILABLE, MISSING_BUNDLE.encode(), TYPES[".html"])
            if "text/html" in request.get("Accept", ""):  # a person who mistyped the address
                return reply(http.HTTPStatus.NOT_FOUND, LOST.encode(), TYPES[".html"])
            return reply(http.HTTPStatus.NOT_FOUND, b"There is no such file.\n", TYPES[".txt"])
        status = path.stat()
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        modified = int(status.st_mtime)
        kind = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        hashed = path.relative_to(self.root).parts[0] == HASHED_FOLDER
        extra = {
            "ETag": etag,
            "Last-Modified": formatdate(modified, usegmt=True),
            "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
        }
        if _unchanged(request, etag, modified):
            return reply(http.HTTPStatus.NOT_MODIFIED, b"", kind, extra)
        return reply(http.HTTPStatus.OK, path.read_bytes(), kind, extra)

    def _file(self, target: str) -> Path | None:
        """The file that a request's target names (``/phone``: ``phone.html``), None where none is ours."""
        try:
            name = unquote(urlsplit(target).path, errors="strict")
        except (UnicodeDecodeError, ValueError):
            return None
        if not name.startswith("/") or "\\" in name or "\0" in name or ":" in name:
            return None
        parts = PurePosixPath(name).parts[1:]
        if any(part == ".." or part.startswith(".") for part in parts):
            return None
        path = self.root.joinpath(*parts)
        try:
            if path.is_dir():
                path = path / "index.html"
            elif not path.suffix and not path.exists():
                path = path.with_suffix(".html")
            resolved = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return resolved if resolved.is_relative_to(self.root) and resolved.is_file() else None


def _unchanged(request: Headers, etag: str, modified: int) -> bool:
    tags = request.get_all("If-None-Match")
    if tags:
        return any(tag.strip().removeprefix("W/") in (etag, "*") for line in tags for tag in line.split(","))
    since = request.get_all("If-Modified-Since")
    if not since:
        return False
    try:
        return modified <= parsedate_to_datetime(since[0]).timestamp()
    except ValueError:
        return False


def reply(status: http.HTTPStatus, body: bytes, kind: str, extra: dict[str, str] | None = None) -> Response:
    """An HTTP answer that lets the page use shared memory and high-resolution time (cross-origin isolation)."""
    fields = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "frame-ancestors 'self'",
    }
    if status == http.HTTPStatus.NOT_MODIFIED:
        del fields["Content-Length"]  # it would be that of the file (RFC 9110, section 15.4.5)
    return Response(status.value, status.phrase, Headers(fields | (extra or {})), body)
