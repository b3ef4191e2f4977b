"""The tools that are compared, each pinned in an environment of its own under ~/.cache/costspan/benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "costspan" / "benchmarks"
OPENAI, SDK = "openai==3.54.0", "opentelemetry-sdk==1.45.2"
COSTSPAN = f"costspan @ {ROOT.as_uri()}"
PACKAGES = {
    "costspan": (OPENAI, SDK, COSTSPAN),
    "official": (OPENAI, SDK, "opentelemetry-instrumentation-genai-openai==1.3b0"),
    "openllmetry": (OPENAI, SDK, "opentelemetry-instrumentation-openai==0.62.4"),
    "openinference": (OPENAI, SDK, "openinference-instrumentation-openai==0.1.66"),
    "logfire": (OPENAI, "logfire==5.2.0"),  # 5.4.0 asks for a certifi that our package index does not have yet
    "langfuse": (OPENAI, "langfuse==5.0.4"),
    "openlit": ("openai<3", "openlit==1.45.0"),  # it does not take a newer openai
    "litellm": ("litellm==1.106.2", SDK, "genai-prices==0.2.3", COSTSPAN),  # as openlit, and the newest as logfire
}
ANTHROPIC, GOOGLE, BEDROCK = "anthropic==2.12.0", "google-genai==3.4.0", "boto3==1.44.5"
SDKS = (ANTHROPIC, GOOGLE, BEDROCK)
OLDER_GOOGLE = "google-genai==2.34.0"  # the official instrumentation, which Logfire uses, takes none from 3 on
OFFICIAL_GOOGLE = "opentelemetry-instrumentation-google-genai==1.3b0"
SDK_PACKAGES = {  # the tools once more, beside the three SDKs
    "costspan-sdks": (*SDKS, SDK, COSTSPAN),
    "official-sdks": (
        *(ANTHROPIC, OLDER_GOOGLE, BEDROCK, SDK, OFFICIAL_GOOGLE),
        "opentelemetry-instrumentation-genai-anthropic==1.3b0",
        "opentelemetry-instrumentation-genai-bedrock==1.3b0",
    ),
    "openllmetry-sdks": (
        *SDKS,
        SDK,
        "opentelemetry-instrumentation-anthropic==0.62.4",
        "opentelemetry-instrumentation-google-generativeai==0.62.4",
        "opentelemetry-instrumentation-bedrock==0.62.4",
    ),
    "openinference-sdks": (
        *SDKS,
        SDK,
        "openinference-instrumentation-anthropic==3.1.0",
        "openinference-instrumentation-google-genai==1.4.14",
        "openinference-instrumentation-bedrock==0.1.61",
    ),
    "logfire-sdks": (ANTHROPIC, OLDER_GOOGLE, OFFICIAL_GOOGLE, "logfire==5.2.0"),  # it has none for Bedrock
    "openlit-sdks": ("anthropic<1", GOOGLE, BEDROCK, "openlit==1.45.0"),  # it does not take a newer anthropic
}
PINNED = PACKAGES | SDK_PACKAGES


class Row(NamedTuple):
    """What is switched on, where, around which calls; and what its ratios are to."""

    name: str
    environment: str
    tool: str
    client: str = "openai"
    bare: str = "openai"  # the client of the calls that it is compared with
    shapes: tuple[str, ...] = ("sync", "async", "stream")


ROWS = (
    *(Row(each, each, each) for each in PACKAGES if each != "litellm"),
    Row("litellm, to openai", "litellm", "bare", "litellm"),
    Row("litellm with its otel callback, to litellm", "litellm", "litellm_otel", "litellm", "litellm"),
    Row("litellm with costspan, to litellm", "litellm", "costspan", "litellm", "litellm"),
)


def sdk_rows(client: str, *tools: str) -> tuple[Row, ...]:
    """The tools that support an SDK; boto3 has no async."""
    shapes = ("sync", "stream") if client == "bedrock" else Row._field_defaults["shapes"]
    return tuple(Row(tool, f"{tool}-sdks", tool, client, client, shapes) for tool in tools)


SDK_ROWS = (
    *sdk_rows("anthropic", "costspan", "official", "openllmetry", "openinference", "logfire", "openlit"),
    Row("the SDK's own spans", "costspan-sdks", "own", "anthropic", "anthropic"),
    *sdk_rows("google", "costspan", "official", "openllmetry", "openinference", "logfire", "openlit"),
    *sdk_rows("bedrock", "costspan", "official", "openllmetry", "openinference", "openlit"),
)


def environment(name: str) -> Path:
    """The Python of an environment, made or made anew if it is not there as it is pinned.

    Raises:
        subprocess.CalledProcessError: A package is not to be had.
    """
    home, wanted = CACHE / name, "\n".join(PINNED[name])
    python, stamp = home / "bin" / "python", home / "pinned.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"building the environment of {name} …", file=sys.stderr, flush=True)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install(python, [part for each in PINNED[name] for part in arguments(each)])
        stamp.write_text(wanted)
    return python


def arguments(package: str) -> list[str]:
    """Our own is installed as it is edited."""
    return ["-e", str(ROOT)] if package == COSTSPAN else [package]


def install(python: Path, packages: list[str]) -> None:
    uv = Path(sys.executable).with_name("uv")
    tool = [uv, "pip", "install", "--python", python] if uv.exists() else [python, "-m", "pip", "install"]
    subprocess.run([*tool, "-q", *packages], check=True)


def versions(name: str) -> str:
    """What is installed, as `package version, …`; our own by its version here."""
    packages = [each.split("=")[0].split("<")[0].split(" ")[0] for each in PINNED[name]]
    code = "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    return subprocess.check_output([environment(name), "-c", code, *packages], text=True).strip()


if __name__ == "__main__":
    for each in PINNED:
        print(f"{each}: {versions(each)}")
