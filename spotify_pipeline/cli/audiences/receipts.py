"""`spotify-pipeline receipts`: what was changed at Spotify, and whether that record is whole."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import project_state
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.mirror import ChainReport, Receipt, ReceiptBook
from spotify_pipeline.printable import printable

_SHOWN = 12


receipts = typer.Typer(
    no_args_is_help=True,
    help="Show what was changed at Spotify, by whom and why. Each receipt seals the one before it.",
)


@receipts.command("list")
def list_receipts(
    audience: Annotated[str, typer.Argument(help="The audience's folder name; NAME.2 and so on for further parts.")],
) -> None:
    """List an audience's receipts, the newest last."""
    columns = ("ad account", "number", "at (UTC)", "change", "snapshot", "rows", "file", "decided by", "digest")
    print_table("receipts that can be read", columns, [_line(each) for each in _receipts(audience)])
    for report in _reports():
        if report.audience == audience and not report.whole:
            sys.stderr.write(f"error: {_checked(report)}\n")


@receipts.command("show")
def show(
    audience: Annotated[str, typer.Argument(help="The audience's folder name.")],
    number: Annotated[int, typer.Argument(min=1, help="The receipt's number.")],
) -> None:
    """Print one receipt as JSON: what was sent, to which audience, by which rules, and who approved."""
    found = [each for each in _receipts(audience) if each.number == number]
    if not found:
        raise CommandError(
            f"{audience} has no receipt {number} that can be read. `spotify-pipeline receipts list {audience}` shows "
            "those there are, and what is wrong with others."
        )
    for each in found:
        sys.stdout.write(f"{json.dumps(each.to_json(), indent=2)}\n")


@receipts.command("verify")
def verify() -> None:
    """Walk every chain of receipts. Exits 1 if a receipt was removed, changed, or put in."""
    reports = _reports()
    if not reports:
        sys.stdout.write("No receipts.\n")
    for report in reports:
        sys.stdout.write(f"{'ok  ' if report.whole else 'FAIL'}  {_checked(report)}\n")
    if not all(report.whole for report in reports):
        raise typer.Exit(1)


def _reports() -> list[ChainReport]:
    return _book().verify()


def _checked(report: ChainReport) -> str:
    # Somebody may have put in a row of any name.
    return printable(f"{report.audience} in ad account {report.ad_account_id}: {report.sentence}")


def _line(receipt: Receipt) -> list[str]:
    said: dict[str, Any] = receipt.to_json()
    file: dict[str, Any] = said.get("file") or {}
    approval: dict[str, Any] = said.get("approval") or said.get("evidence") or {}
    return [
        receipt.ad_account_id,
        str(receipt.number),
        receipt.at[:19].replace("T", " "),
        receipt.kind,
        str(said.get("snapshot") or ""),
        f"{file['rows']:,}" if "rows" in file else "",
        str(file.get("sha256", ""))[:_SHOWN],
        str(approval.get("by", "")),
        receipt.digest[:_SHOWN],
    ]


def _receipts(audience: str) -> list[Receipt]:
    book = _book()
    return [receipt for account, key in book.known() if key == audience for receipt in book.read(audience, account)]


def _book() -> ReceiptBook:
    return ReceiptBook(project_state())
