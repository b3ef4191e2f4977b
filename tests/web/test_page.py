"""The page's files: how they are served, that all of them are there, and that they need nothing from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from costspan import web
from costspan.cli import prices
from costspan.ledger.question import NAMES

STATIC = Path(str(files("costspan.web"))) / "static"
OWN = sorted(path for path in STATIC.rglob("*") if path.is_file() and "vendor" not in path.parts)
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'


@pytest.fixture(scope="module")
def client():
    return TestClient(Starlette(routes=web.routes("unused")))


def name(path):
    return path.relative_to(STATIC).as_posix()


def linked(path):
    """What a file names of its fellows."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return [STATIC / each for each in re.findall(r'(?:src|href)="/page/([^"]+)"', text)]
    return [(path.parent / each).resolve() for each in re.findall(r"from '(\.[^']+)'", text)]


def test_the_page_may_run_and_reach_only_its_own_server(client):
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("page.js", "text/javascript"),
        ("views/models.js", "text/javascript"),
        ("page.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
        ("vendor/uPlot.iife.min.js", "text/javascript"),
        ("vendor/uPlot.LICENSE.txt", "text/plain"),
    ],
)
def test_files_have_their_type_and_the_same_policy(client, path, kind):
    answer = client.get(f"/page/{path}")

    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["content-security-policy"] == client.get("/").headers["content-security-policy"]


def test_a_file_that_has_not_changed_is_not_sent_again(client):
    mark = client.get("/page/page.js").headers["etag"]
    again = client.get("/page/page.js", headers={"if-none-match": mark})

    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/page/page.css", headers={"if-none-match": mark}).status_code == 200


@pytest.mark.parametrize("path", ["/page/none.js", "/page/../__init__.py", "/page/%2e%2e/__init__.py", "/page/vendor"])
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404


def test_every_file_is_reached_from_the_page_and_every_link_leads_to_a_file():
    reached, ahead = set(), [STATIC / "index.html"]
    while ahead:
        path = ahead.pop()
        if path not in reached:
            reached.add(path)
            ahead += linked(path) if path.suffix in (".html", ".js") and "vendor" not in path.parts else []

    assert all(path.is_file() for path in reached)
    assert set(OWN) <= reached


@pytest.mark.parametrize("path", OWN, ids=name)
def test_no_address_outside_is_named(path):
    text = path.read_text(encoding="utf-8").replace(_NAMESPACE, "")

    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
    assert "@import" not in text


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_text_never_becomes_markup_or_code(path):
    unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\('style'"

    assert not re.findall(unsafe, path.read_text(encoding="utf-8"))


def test_the_chart_library_says_its_version_and_licence():
    told = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    version = re.search(r"\(v([\d.]+)\)", (STATIC / "vendor" / "uPlot.iife.min.js").read_text(encoding="utf-8"))

    assert version
    assert version[1] in told
    assert "MIT" in (STATIC / "vendor" / "uPlot.LICENSE.txt").read_text(encoding="utf-8")


def test_the_page_filters_by_what_the_api_does():
    state = (STATIC / "state.js").read_text(encoding="utf-8")
    lists = re.findall(r"const (NAMES|FILTERS) = \[(.*?)\]", state)

    assert {name for _, names in lists for name in re.findall(r"'(\w+)'", names)} == set(NAMES)


def test_a_price_list_is_old_on_the_page_when_it_is_in_the_terminal():
    assert f"const OLD_DAYS = {prices._OLD_DAYS};" in (STATIC / "views/sure.js").read_text(encoding="utf-8")
