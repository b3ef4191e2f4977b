"""`costspan up`: the local ledger, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import click

from costspan.cli.asking import one_line
from costspan.config import read_settings

if TYPE_CHECKING:
    from costspan.ledger.server import RunningLedger

_PORT = click.IntRange(0, 65535)


def _days(ctx: click.Context, param: click.Parameter, text: str) -> int:
    """`400d` as 400, `all` as 0."""
    if text == "all":
        return 0
    if not (text.endswith("d") and text[:-1].isdigit() and int(text[:-1])):
        raise click.BadParameter(f"{text!r} is no number of days: write 400d, or all", ctx, param)
    return int(text[:-1])


@click.command()
@click.option("--port", type=_PORT, default=4318, show_default=True, help="HTTP: OTLP, page and API.")
@click.option("--grpc-port", type=_PORT, default=4317, show_default=True, help="OTLP over gRPC.")
@click.option("--no-grpc", is_flag=True, help="Do not listen for gRPC.")
@click.option("--db", default="", help="The ledger's file.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option("--token", envvar="COSTSPAN_TOKEN", default="", help="Clients must send `authorization: Bearer TOKEN`.")
@click.option("--tls-cert", default="", metavar="FILE", help="Answer over TLS, with these certificates (PEM).")
@click.option("--tls-key", default="", metavar="FILE", help="Their key, if it is not in the same file.")
@click.option("--open", is_flag=True, help="Let everyone in who reaches --host, without a token.")
@click.option("--keep", callback=_days, default="400d", show_default=True, help="Days to keep single calls, or all.")
@click.option(
    "--keep-traces", callback=_days, default="30d", show_default=True, help="Days to keep the spans around calls."
)
def command(db: str, *, no_grpc: bool, **options: Any) -> None:
    """Run the local ledger: OTLP over HTTP and gRPC in, reports and the page out. Ctrl-C ends it; nothing is lost."""
    from costspan.ledger.schema import identity, require_same
    from costspan.ledger.server import Listen, start
    from costspan.ledger.store import Keep

    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    keep = Keep(options.pop("keep"), options.pop("keep_traces"))
    listen = Listen(**options | ({"grpc_port": None} if no_grpc else {}), keep=keep)
    with one_line():
        running = start(db or read_settings().ledger or None, listen=listen)
        file = identity(running.db)
    with running:
        try:
            _greet(running)
            asked_to_stop.wait()
        except KeyboardInterrupt:
            click.echo()
    with one_line():
        require_same(running.db, file)
    click.echo("stopped; everything acknowledged is stored")


def _greet(running: RunningLedger) -> None:
    click.echo(f"costspan ledger {running.db}")
    click.echo(f"  page and API   {running.url}")
    click.echo(f"  OTLP over HTTP {running.url}   (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)")
    if running.grpc_port:
        click.echo(f"  OTLP over gRPC {running.url.rpartition(':')[0]}:{running.grpc_port}")
    click.echo("Ctrl-C ends it.")
