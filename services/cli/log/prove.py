"""`huizhi log prove`: what the log has of a message, as a file that anybody can check offline."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.proofs import LeafProof, ProofDocument, ProofError, decode_proof, tlog_proof
from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption
from services.cli.errors import CommandError
from services.cli.posting import new_id
from services.cli.proof_file import write_proof


def prove(
    id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there. Default: standard output.")
    ] = None,
    as_tlog_proof: Annotated[
        bool, typer.Option("--tlog-proof", help="One entry only, as a C2SP tlog-proof that other tools check.")
    ] = False,
    entry: Annotated[
        int | None, typer.Option(metavar="INDEX", help="With --tlog-proof: which entry. Default: the message's newest.")
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Get the proof of what the log has of a message: its entries, and their way to the root that the ledger signed.

    `huizhi log check` checks it without any network.
    """
    if entry is not None and not as_tlog_proof:
        raise typer.BadParameter("it goes with --tlog-proof; a proof document has all entries", param_hint="--entry")
    with API(data) as api:
        content, _ = api.download(f"messages/{new_id(id, 'ID')}/proof")
    if as_tlog_proof:
        content = _of_one_entry(content, entry)
    write_proof(content, out)


def _of_one_entry(content: bytes, entry: int | None) -> bytes:
    try:
        document = decode_proof(content)
        return tlog_proof(_leaf_of(document, entry), document.checkpoint).encode()
    except ProofError as error:
        raise CommandError(f"the ledger answered with something that is no proof: {error}") from error


def _leaf_of(document: ProofDocument, entry: int | None) -> LeafProof:
    proofs = {proof.index: proof for proof in document.leaves}
    if not proofs or (entry is not None and entry not in proofs):
        raise CommandError(f"the message's entries are {', '.join(map(str, sorted(proofs)))}; name one with --entry")
    return proofs[max(proofs) if entry is None else entry]
