"""The browser that the page is tried in; a module that needs another one has its own."""

from collections.abc import Iterator

import pytest
from needs import CHROMIUM_FLAGS, chromium_path
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    assert path is not None, "these tests need Chromium: install the system's package `chromium`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()
