"""The page's files, and nothing else."""

from pathlib import Path

import pytest
from websockets.datastructures import Headers

from tutti.studio.relay.static_site import StaticSite


@pytest.fixture
def site(tmp_path: Path) -> StaticSite:
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<p>hall</p>")
    (root / "assets" / "main-1a2b.js").write_text("1")
    (root / "assets" / "hall-1a2b.glb").write_bytes(bytes(100))
    (root / "assets" / "font.woff2").write_bytes(b"f")
    (root / "a b.txt").write_text("space")
    (root / ".secret").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    return StaticSite(root)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?display=1", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/assets/main-1a2b.js", "text/javascript; charset=utf-8"),
        ("/assets/hall-1a2b.glb", "model/gltf-binary"),
        ("/assets/font.woff2", "font/woff2"),
        ("/a%20b.txt", "text/plain; charset=utf-8"),
    ],
)
def test_files_have_their_types(site: StaticSite, target: str, kind: str) -> None:
    answer = site.respond(target, Headers())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "//secret.txt",
        "/link.txt",
        "/up/secret.txt",
        "/.secret",
        "/C:/secret.txt",
        "/index.html%00.js",
        "/index.html/secret",
        "/%ff",
        "/nothing.js",
        "/assets/",
        "/" + "a" * 5000,
        "http://[",
        "secret.txt",
        "*",
    ],
)
def test_nothing_else_is_given(site: StaticSite, target: str) -> None:
    answer = site.respond(target, Headers())
    assert answer.status_code == 404
    assert b"secret" not in answer.body


def test_who_mistypes_the_address_is_led_to_the_hall(site: StaticSite) -> None:
    asked = Headers({"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    answer = site.respond("/hal", asked)
    assert answer.status_code == 404 and b'href="/"' in answer.body
    assert answer.headers["Content-Type"].startswith("text/html")


def test_only_hashed_names_are_kept_by_browsers(site: StaticSite) -> None:
    assert "immutable" in site.respond("/assets/main-1a2b.js", Headers()).headers["Cache-Control"]
    assert site.respond("/", Headers()).headers["Cache-Control"] == "no-cache"


def test_what_did_not_change_is_not_sent_again(site: StaticSite) -> None:
    first = site.respond("/", Headers())
    for headers in ({"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}):
        again = site.respond("/", Headers(headers))
        assert (again.status_code, again.body) == (304, b"")
    (site.root / "index.html").write_text("<p>new hall</p>")
    changed = site.respond("/", Headers({"If-None-Match": first.headers["ETag"]}))
    assert changed.status_code == 200
    assert site.respond("/", Headers({"If-Modified-Since": "never"})).status_code == 200


def test_a_missing_page_says_how_to_build_it(tmp_path: Path) -> None:
    answer = StaticSite(tmp_path / "dist").respond("/", Headers())
    assert answer.status_code == 503
    assert b"tutti.studio.web_build" in answer.body
