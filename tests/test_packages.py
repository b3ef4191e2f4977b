"""What `pip install` gets: all that the program needs, its licence, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_BYTES = 3 * 2**20  # of the wheel; half of it is the vocabularies that make counting offline


def build(folder, kind, out):
    """The one file that was built of the project in that folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    [built] = out.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    built = build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(built) as archive:
        yield archive


def below(folder, *, place=""):
    """The files of a folder of the checkout, as a wheel names them."""
    files = (each for each in (ROOT / folder).rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    return {f"{place or folder.removeprefix('src/')}/{each.relative_to(ROOT / folder).as_posix()}" for each in files}


def test_a_wheel_has_all_that_is_below_the_package(wheel):
    assert below("src/costspan") <= set(wheel.namelist())
    assert below("collector-config", place="costspan/operations/collector-config") <= set(wheel.namelist())
    assert below("grafana/dashboards", place="costspan/operations/dashboards") <= set(wheel.namelist())
    assert "costspan/py.typed" in wheel.namelist()


def test_a_wheel_has_its_licence_and_those_of_what_it_carries(wheel):
    licences = [name for name in wheel.namelist() if "LICENSE" in name]

    assert "costspan-0.1.0.dist-info/licenses/LICENSE" in licences
    assert "costspan/web/static/vendor/uPlot.LICENSE.txt" in licences


def test_a_wheel_has_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    odd = [name for name in wheel.namelist() if "test" in name or name.endswith((".pyc", ".db", ".log"))]

    assert tops == {"costspan", "costspan-0.1.0.dist-info"}
    assert odd == []
    assert len(wheel.namelist()) == len(set(wheel.namelist()))
    assert sum(each.compress_size for each in wheel.infolist()) < MOST_BYTES


def test_its_metadata_says_what_the_readme_says(wheel):
    metadata = wheel.read("costspan-0.1.0.dist-info/METADATA").decode()

    assert "\nRequires-Python: >=3.10\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert (ROOT / "README.md").read_text(encoding="utf-8") in metadata


def test_a_wheel_built_of_the_sdist_is_the_same(sdist, wheel, tmp_path):
    """Indexes and distributions build of that; it keeps no links."""
    shutil.unpack_archive(sdist, tmp_path / "source", **({"filter": "data"} if sys.version_info >= (3, 12) else {}))
    [source] = (tmp_path / "source").iterdir()
    with zipfile.ZipFile(build(source, "wheel", tmp_path / "wheel")) as again:
        assert sorted(again.namelist()) == sorted(wheel.namelist())
    assert {"tests", "examples", "Makefile", "CHANGELOG.md"} <= {each.name for each in source.iterdir()}
