"""`costspan tokens`: the pieces of a text as a model reads them, and their number."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from costspan.tokens.count import TokenCount

SHOWN = 2000  # pieces; more than that nobody reads
COLOURS = ("black on bright_cyan", "black on bright_yellow", "black on bright_green", "black on bright_magenta")


@click.command()
@click.argument("text", required=False)
@click.option("-m", "--model", default="gpt-4o", show_default=True, help="Model id, as any provider writes it.")
@click.option("-f", "--file", type=click.File("rb"), help="Read the text from a file; - is standard input.")
@click.option("--tokenizer", metavar="PATH", help="Use this tokenizer.json, or a name on the Hugging Face hub.")
@click.option("--ids", is_flag=True, help="Show the token ids too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(text: str | None, model: str, file: Any, tokenizer: str | None, ids: bool, as_json: bool) -> None:
    """Split TEXT into the tokens of a model, and count them. Without TEXT, standard input is read."""
    from costspan.tokens.custom import TokenizerError, create_pretrained_tokenizer
    from costspan.tokens.functions import encode, token_counter

    given = _read(text, file)
    try:
        own = create_pretrained_tokenizer(tokenizer) if tokenizer else None
        count = token_counter(model, text=given, custom_tokenizer=own)
        tokens = encode(model, given, own)
    except TokenizerError as error:
        raise click.ClickException(str(error)) from None
    pieces = _pieces(model, tokens[:SHOWN], own)
    if as_json:
        click.echo(json.dumps(_report(count, model, pieces, tokens), ensure_ascii=False))
    else:
        _show(count, pieces, tokens, ids=ids)


def _read(text: str | None, file: BinaryIO | None) -> str:
    if text is not None and file is not None:
        raise click.UsageError("give TEXT or --file, not both")
    if text is not None and text != "-":
        return text
    if file is None:
        if _is_terminal():
            raise click.UsageError('no text: costspan tokens "hello world", or --file PATH, or pipe it in')
        file = sys.stdin.buffer
    return file.read().decode("utf-8", "replace")


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _pieces(model: str, tokens: list[int], own: Any) -> list[str]:
    """The text of each token; bytes that are only a part of a character are written in hexadecimal."""
    from costspan.tokens.tokenizers import StandIn, tokenizer_of

    if own is not None:
        return [own.decode([token]) for token in tokens]
    tokenizer: Any = tokenizer_of(model)
    base = tokenizer.base if isinstance(tokenizer, StandIn) else tokenizer
    if not hasattr(base, "pieces"):
        return [base.decode([token]) for token in tokens]
    return [piece.decode("utf-8", "backslashreplace") for piece in base.pieces(tokens)]


def _report(count: TokenCount, model: str, pieces: list[str], tokens: list[int]) -> dict[str, Any]:
    return {
        "model": model,
        "tokens": int(count),
        "source": count.source.value,
        "error": count.error,
        "pieces": pieces,
        "ids": tokens[:SHOWN],
        "shown": len(pieces),
    }


def _show(count: TokenCount, pieces: list[str], tokens: list[int], *, ids: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(_line(count, pieces, len(tokens)), soft_wrap=True)
    if ids:
        console.print(" ".join(map(str, tokens[:SHOWN])))
    if not count.exact:
        console.print(
            f"The model's own tokenizer is not here: an estimate, good to about ±{count.error:.0%}, with the pieces "
            "of a similar one. If it is public, --tokenizer PATH of its tokenizer.json makes it exact.",
            style="dim",
        )


def _line(count: TokenCount, pieces: list[str], made: int) -> Text:
    from rich.text import Text

    line = Text("[")
    for part in _coloured(pieces):
        line.append_text(part)
    if made > len(pieces):
        line.append(f", … {made - len(pieces):,} more")
    line.append("]")
    about = "" if count.exact else "about "
    return line.append(f"  {about}{count:,} token{'' if count == 1 else 's'}", style="bold")


def _coloured(pieces: list[str]) -> Iterator[Text]:
    from rich.text import Text

    for number, piece in enumerate(pieces):
        if number:
            yield Text(", ")
        yield Text(json.dumps(piece, ensure_ascii=False), style=COLOURS[number % len(COLOURS)])
