"""`huizhi log check`: whether a proof holds, without any network."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.proofs import Checked, ProofDocument, ProofError, check_proof, decode_proof, figures_of
from contracts.rates import percentage, shown
from services.cli.context import JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import WHOLE_PLATFORM, Clock, show_table, table
from services.cli.log.trusted import KeyOption, trusted_keys

_LARGEST_BYTES = 64 * 2**20


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A proof document.")
    ],
    *,
    key: KeyOption,
    as_json: JSONOption = False,
) -> None:
    """Check a proof offline, and say what it proves. Status 1 where it proves nothing."""
    keys = trusted_keys(key)
    if file.stat().st_size > _LARGEST_BYTES:
        raise CommandError(f"{file} is larger than any proof, {_LARGEST_BYTES:,} bytes")
    try:
        proof = decode_proof(file.read_bytes())
        checked = check_proof(proof, keys)
    except ProofError as error:
        if as_json:
            print_json({"holds": False, "error": str(error)})
            raise typer.Exit(1) from None
        raise CommandError(f"{file} proves nothing: {error}") from None
    sentence = proved(proof.about, checked)
    if as_json:
        print_json(document(proof, checked, sentence))
        return
    typer.echo(f"{sentence}\n")
    _print(checked)


def proved(about: Mapping[str, Any], checked: Checked) -> str:
    """What the proof shows, as a sentence."""
    stand = f"in the log {checked.checkpoint.origin} when it had {checked.checkpoint.size:,} entries"
    if checked.figures is None:
        events = ", ".join(leaf.event for leaf in checked.leaves)
        return f"Proved: message {about['message']} is {events}, {stand}."
    figures = checked.figures
    whose = about["jurisdiction"] or WHOLE_PLATFORM
    what = "asked" if about["role"] == "sender" else "received"
    way = f" over the {about['tier']} tier" if about["tier"] else ""
    rate = shown(percentage(figures.answered, figures.received))
    when = f"as {about['period']} was closed" if about["closed"] else f"in {about['period']}, as the leaves state it"
    of = f"{whose} {what} {figures.received:,} and {figures.answered:,} were answered"
    return f"Proved: {of}{way}, {rate}, {when}, {stand}."


def document(proof: ProofDocument, checked: Checked, sentence: str) -> dict[str, Any]:
    """The same for programs."""
    figures = None
    if checked.figures is not None:
        fraction = f"{checked.figures.answered}/{checked.figures.received}"
        rate = percentage(checked.figures.answered, checked.figures.received)
        figures = {**figures_of(checked.figures), "rate": rate, "fraction": fraction}
    return {
        "holds": True,
        "sentence": sentence,
        "about": dict(proof.about),
        "log": checked.checkpoint.origin,
        "entries": checked.checkpoint.size,
        "root": base64.b64encode(checked.checkpoint.root).decode(),
        "signers": [str(key) for key in checked.signers],
        "figures": figures,
        "leaves": [
            {"index": leaf.index, "at": leaf.at, "event": leaf.event, "message": leaf.message_id, "data": leaf.data}
            for leaf in checked.leaves
        ],
    }


def _print(checked: Checked) -> None:
    clock = Clock.of_settings()
    leaves = table("entry", f"time ({clock.zone})", "event", "message", right=("entry",))
    for leaf in checked.leaves:
        leaves.add_row(f"{leaf.index:,}", clock.moment(leaf.at.isoformat()), leaf.event, str(leaf.message_id or ""))
    show_table(leaves)
    if checked.figures is not None:
        typer.echo("")
        counts = table("", "figures", right=("figures",))
        for name, count in figures_of(checked.figures).items():
            counts.add_row(name.replace("_", " "), f"{count:,}")
        show_table(counts)
    typer.echo(f"\nsigned by {', '.join(key.name for key in checked.signers)}")
