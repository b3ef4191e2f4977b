"""`costspan up`: the local ledger, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from costspan.config import read_settings


@click.command(short_help="Run the local ledger")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4318, show_default=True, help="HTTP: OTLP, page and API."
)
@click.option("--grpc-port", type=click.IntRange(0, 65535), default=4317, show_default=True, help="OTLP over gRPC.")
@click.option("--no-grpc", is_flag=True, help="Do not listen for gRPC.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="The ledger's file.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--token", envvar="COSTSPAN_TOKEN", default="", help="What clients must send as `authorization: Bearer …`."
)
@click.option("--open", "open_", is_flag=True, help="Let everyone in who reaches --host, without a token.")
def command(port: int, grpc_port: int, no_grpc: bool, db: Path | None, host: str, token: str, open_: bool) -> None:  # noqa: PLR0913 one per option
    """Run the local ledger: OTLP over HTTP and gRPC in, reports and the page out. Ctrl-C ends it; nothing is lost."""
    from costspan.ledger.schema import LedgerError
    from costspan.ledger.server import Listen, start

    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    listen = Listen(host, port, None if no_grpc else grpc_port, token, open_)
    try:
        running = start(db or read_settings().ledger or None, listen=listen)
    except LedgerError as error:
        raise click.ClickException(str(error)) from error
    with running:
        click.echo(f"costspan ledger {running.db}")
        click.echo(f"  page and API   {running.url}")
        click.echo(f"  OTLP over HTTP {running.url}   (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)")
        if running.grpc_port:
            click.echo(f"  OTLP over gRPC http://{host}:{running.grpc_port}")
        click.echo("Ctrl-C ends it.")
        try:
            asked_to_stop.wait()
        except KeyboardInterrupt:
            click.echo()
    click.echo("stopped; everything acknowledged is stored")
