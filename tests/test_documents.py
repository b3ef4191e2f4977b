"""What the documents tell to type is typed here: commands in a sandbox, programs against a simulated provider.

What cannot be run here is in ELSEWHERE, with what tries it instead.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click
import openai as sdk
import pytest
import trustme
import yaml
from fake_providers import openai
from ledger.ledger_served import Ledger
from ledger.ledger_spans import traces
from made_up_calls import realistic_calls, span_of
from starlette.applications import Starlette

import costspan
from costspan.cli.commands import costspan as command_line
from costspan.demo.provider import Provider
from costspan.limits import read_quotas
from costspan.pricing import Pricer

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    ROOT / name
    for name in (
        "README.md", "CONTRIBUTING.md", "grafana/README.md", "collector-config/README.md",
        "collector-config/clickhouse/README.md",
    )
]  # fmt: skip
BASH = shutil.which("bash") or "bash"
BIN = Path(sys.executable).parent
ELSEWHERE = {  # what is not typed here: who tries it
    r"pip install": "the extras are checked below; .ci/packages installs the wheel",
    r"make ": "the targets are checked below; .ci/run makes them",
    r"costspan demo": "tests/cli/test_demo.py",
    r"costspan prices (update|rollback)": "tests/cli/test_price_commands.py, with an index of its own",
    r"clickhouse-client|export COSTSPAN_LEDGER=clickhouse": "tests/ledger/test_clickhouse.py, on the real engine",
}
FAILS = {"costspan price my-model": "no price for 'my-model'"}  # and what it says then
FOR_EVER = "costspan up"
APP = """
import openai
with openai.OpenAI() as client:
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Where do cats sleep?"}])
"""


class Block(NamedTuple):
    """A block of code, and in which document."""

    document: str
    kind: str
    text: str


def blocks():
    """Every block of code: those between fences, and indented ones, which are commands."""
    for path in DOCUMENTS:
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        for kind, inner in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield Block(name, kind, inner)
        plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        for inner in re.findall(r"\n\n((?: {4,}\S.*\n)+)", plain):
            yield Block(name, "sh", inner)


def commands():
    """Every line that is told to type in a shell, once, with the document that tells it."""
    lines = {
        re.sub(r"\s+#.*", "", line).strip(): block.document
        for block in blocks()
        if block.kind in ("sh", "bash")
        for line in block.text.splitlines()
    }
    return [
        pytest.param(line, id=f"{document}: {line}")
        for line, document in lines.items()
        if line and not any(re.match(each, line) for each in ELSEWHERE)
    ]


def of_kind(kind):
    found = [block for block in blocks() if block.kind == kind]
    return [pytest.param(each.text, id=f"{each.document}: {each.text.splitlines()[0]}") for each in found]


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A home with a program, a ledger and the files that commands name."""
    home = tmp_path_factory.mktemp("home")
    book = Ledger(home / ".local/share/costspan/ledger.db")
    book.send(traces(*map(span_of, realistic_calls(300, days=20)), service="shop"))
    book.close()
    (home / "app.py").write_text(APP)
    (home / "usage.json").write_text('[{"date": "2026-11-20", "model": "gpt-4o", "input_tokens": 1, "cost": 0.1}]')
    (home / "before.txt").write_text("Be kind, be brief, and never promise a refund.")
    (home / "after.txt").write_text("Be kind and brief. Promise nothing.")
    made = trustme.CA().issue_cert("localhost")
    made.cert_chain_pems[0].write_to_path(home / "cert.pem")
    made.private_key_pem.write_to_path(home / "key.pem")
    return home


@pytest.fixture
def sandbox(folder, tmp_path):
    """The same for one test."""
    return shutil.copytree(folder, tmp_path / "home")


def environment(home, provider):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_", "XDG_"))}
    return kept | {
        "HOME": str(home), "PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "TOKEN": "secret", "NO_PROXY": "127.0.0.1",
        "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "k", "COSTSPAN_HOSTS": "127.0.0.1=openai", "COLUMNS": "200",
    }  # fmt: skip


@pytest.mark.parametrize("line", commands())
def test_a_command_does_what_it_should(sandbox, provider, line):
    known = next((said for start, said in FAILS.items() if line.startswith(start)), "")
    if line.startswith(FOR_EVER):
        code, printed = for_ever(line, sandbox, provider)
    else:
        done = subprocess.run(
            [BASH, "-c", line], cwd=sandbox, env=environment(sandbox, provider), capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        code, printed = done.returncode, done.stdout + done.stderr

    assert code == (1 if known else 0), printed
    assert known in printed
    assert printed.strip()
    assert "Traceback" not in printed


def for_ever(line, sandbox, provider):
    """Runs until it has said what it has to say; on ports of its own."""
    running = subprocess.Popen(
        [BASH, "-c", f"exec {line} --port 0 --grpc-port 0"], cwd=sandbox, env=environment(sandbox, provider),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # whoever runs the tests in the background has Ctrl-C ignored, and what it starts inherits that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 no threads here
    )  # fmt: skip
    printed = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=30)
    return running.returncode, printed + rest


@pytest.mark.parametrize("text", of_kind("python"))
def test_a_program_runs_and_says_what_its_comments_say(sandbox, telling, monkeypatch, text):
    monkeypatch.setenv("HOME", str(sandbox))
    monkeypatch.chdir(sandbox)
    program = telling(metric_attributes="team,feature")
    names = {
        "costspan": costspan,
        "client": program.client,
        "response": program.ask(),
        "run_agent": program.ask,
        "app": Starlette(),
    }
    told = text.replace("create(…)", 'create(model="gpt-4o", messages=[{"role": "user", "content": "Cats?"}])')
    exec(compile(told, "README.md", "exec"), names)  # noqa: S102 our own document

    for statement in ast.parse(told).body:
        line = told.splitlines()[statement.end_lineno - 1]
        shown = line.partition("  # ")[2]
        if isinstance(statement, ast.Expr) and re.match(r"[\[(\d]|Decimal", shown):
            value = eval(compile(ast.Expression(statement.value), "README.md", "eval"), names)  # noqa: S307 as above
            parts = value if type(value) is tuple and not shown.startswith("(") else (value,)
            for part, said in zip(parts, shown.split(", ") if len(parts) > 1 else [shown], strict=False):
                assert said in (repr(part), str(getattr(part, "value", part))) or " " in said  # words about it
    costspan.disable_token_counter = False


@pytest.mark.parametrize("text", of_kind("yaml"))
def test_a_file_is_taken_as_it_is_shown(tmp_path, text):
    path = tmp_path / "shown.yaml"
    path.write_text(text)
    if "budgets" in yaml.safe_load(text):
        assert len(read_quotas(str(path))) == len(yaml.safe_load(text)["budgets"])
    else:
        price = Pricer(str(path)).price(costspan.Usage(input=1_000_000), provider="acme", model="big")
        assert price.total == 4  # above 200,000 tokens


def test_the_span_that_is_shown_is_the_span_that_is_made(telling, fake_openai):
    [shown] = [block.text for block in blocks() if block.kind == "text" and block.text.startswith("chat ")]
    name, *lines = shown.splitlines()
    program = telling()
    fake_openai.play(openai.chat(usage=openai.CACHED))
    program.ask(name.removeprefix("chat "))
    attributes = program.span(name).attributes

    assert {key: str(attributes[key]) for key, _ in map(str.split, lines)} == dict(map(str.split, lines))
    assert {key for key in attributes if key.startswith("costspan.cost.")} <= set(shown.split())


def test_the_counters_have_the_labels_that_are_named(telling):
    text = (
        (ROOT / "README.md")
        .read_text(encoding="utf-8")
        .partition("Labels of the counters:")[2]
        .partition("A ledger")[0]
    )
    named = set(re.findall(r"`([a-z._]+)`", text))
    program = telling()
    program.ask()
    with pytest.raises(sdk.APIStatusError):
        program.client.models.retrieve("none")
    for metric in ("costspan.cost", "costspan.tokens", "costspan.calls"):
        assert {label for labels, _ in program.points(metric) for label in labels} <= named


def test_everything_in_backticks_that_is_a_command_is_one():
    """Its options too, all over the documents."""
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for line in re.findall(r"`(costspan [a-z][^`…]*)`", text):
            check_command(shlex.split(line.replace("|", " "))[1:])
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        assert set(re.findall(r"(?:`| {4})make ([a-z-]+)", text)) <= targets
        extras = {each for found in re.findall(r"costspan\[([a-z,]+)\]", text) for each in found.split(",")}
        assert extras <= set(metadata_extras())


def check_command(words):
    command = command_line
    context = click.Context(command)
    while isinstance(command, click.Group) and words and command.get_command(context, words[0]):
        command = command.get_command(context, words.pop(0))
    assert command is not command_line, words
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options | {"--help"}


def metadata_extras():
    return re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_link_leads_somewhere():
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        heads = {
            re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
            for head in re.findall(r"^#+ (.+)", text, re.MULTILINE)
        }
        for target in re.findall(r"\]\(([^)]+)\)", text):
            file, _, head = target.partition("#")
            assert target.startswith("http") or (path.parent / file).exists()
            assert file or not head or head in heads


def test_what_is_tried_elsewhere_is_still_told():
    told = "\n".join(block.text for block in blocks())

    assert all(re.search(each, told) for each in (*ELSEWHERE, *FAILS, FOR_EVER))
