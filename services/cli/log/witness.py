"""`huizhi log witness`: confirms the checkpoints of logs that only ever grow, for whoever trusts it and not the log."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from contracts.notes import VerifierKey
from services.cli.errors import CommandError
from services.runtime.lifecycle import Stop, run
from services.runtime.logging import configure_logging
from services.runtime.settings import HTTPSettings, LogSettings, SettingsError, read_settings
from services.witness.identity import IdentityError
from services.witness.record import RecordError
from services.witness.serving import Options, serve
from services.witness.trust import TrustError, read_trust

DEFAULT_PORT = 7410


def witness(
    *,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="The witness's own directory: its key, and what it has cosigned."),
    ],
    trust: Annotated[
        list[str],
        typer.Option(metavar="VKEY|FILE", help="A log's verifier key, or a file of them; may be given again."),
    ],
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="At which port; 0 is any.")] = DEFAULT_PORT,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What it cosigns as, chosen once. Default: by the host's name.")
    ] = None,
) -> None:
    """Run a witness (C2SP tlog-witness): it cosigns checkpoints of these logs, and never a fork or a step back.

    The key is made on the first start. Ctrl-C stops it.
    """
    try:
        options = Options(data, read_trust(trust), name, HTTPSettings(host=host, port=port))
        configure_logging("witness", read_settings(LogSettings).level)
    except (TrustError, SettingsError) as error:
        raise CommandError(str(error)) from error
    faults: list[Exception] = []

    async def until_stopped(stop: Stop) -> None:
        try:
            await serve(stop, options, _say)
        except (RecordError, IdentityError, OSError) as error:
            faults.append(error)

    status = run(until_stopped)
    if faults:
        raise CommandError(f"the witness cannot run: {faults[0]}") from faults[0]
    raise typer.Exit(status)


def _say(key: VerifierKey, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    for line in (
        f"witness {key.name}",
        f"vkey {key}",
        "The platform adds this line, with the address that it reaches this host by, to the file that its",
        "HUIZHI_PROOF_WITNESSES names:",
        f"  {key} http://{shown}:{port}",
        "ready",
    ):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
