"""The command line of the spiking classifier: `vitrine snn`. `vitrine.cli` puts it beside the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrine.cli_classifier import Data, ManyHot
from vitrine.cli_options import Json, Mapping, get_settings
from vitrine.console import errors_as_exit_codes

snn_app = typer.Typer(
    help="Convert a trained network to spikes, and compare the two. Needs the extra snn.", no_args_is_help=True
)

Converted = Annotated[
    Path | None, typer.Option("--network", help="Folder of a converted network; the one under DATA where unset.")
]
Threads = Annotated[int, typer.Option(min=0, max=1_024, help="Threads; 0 for the libraries' own choice.")]


@snn_app.command("convert")
def convert(
    context: typer.Context,
    network: Annotated[Path, typer.Argument(help="Folder that 'vitrine train network' gave.")],
    data: Data,
    mapping: Mapping = None,
    many_hot: ManyHot = "",
    levels: Annotated[
        list[str] | None,
        typer.Option(
            "--levels",
            help="8; or 4,8,16 to learn with all of them (4,8 where unset). Repeatable; the best is kept.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=0, help="Of finetuning with levels, before that with spikes.")] = 0,
    rate: Annotated[float, typer.Option(min=0, help="Of that, as a share of the network's own.")] = 0.1,
    penalty: Annotated[float, typer.Option(min=0, help="How much a spike costs in that.")] = 0.0,
    spike_epochs: Annotated[int, typer.Option(min=0, help="Of finetuning with spikes; 0 for none.")] = 1,
    spike_steps: Annotated[str, typer.Option(help="Time steps to learn with, one of them a batch.")] = "4,8",
    spike_rate: Annotated[float, typer.Option(min=0, max=1, help="Learning rate of that.")] = 2e-4,
    percentile: Annotated[float, typer.Option(min=50, max=100, help="Of activations: the first threshold.")] = 97.0,
    tolerance: Annotated[
        float, typer.Option(min=0, max=1, help="By how much the score on validation may be below the CNN's.")
    ] = 0.002,
    max_steps: Annotated[int, typer.Option(min=1, max=256, help="Most time steps that are tried.")] = 32,
    threads: Threads = 0,
    to: Annotated[
        Path | None, typer.Option("--out", help="Folder for the converted network; the one under DATA where unset.")
    ] = None,
    json: Json = False,
) -> None:
    """Quantise, finetune, check and convert a network; steps and thresholds are chosen on validation images."""
    from vitrine.commands.snn_convert import ConvertRequest, convert, read_levels

    with errors_as_exit_codes():
        # Imported here: it loads torch.
        from classifier.spiking.conversion import ConversionOptions

        options = ConversionOptions(
            levels=read_levels(levels or ["4,8"]),
            percentile=percentile,
            epochs=epochs,
            rate=rate,
            penalty=penalty,
            spike_epochs=spike_epochs,
            spike_steps=read_levels([spike_steps])[0],
            spike_rate=spike_rate,
            tolerance=tolerance,
            max_steps=max_steps,
            threads=threads,
        )
        request = ConvertRequest(
            network=network, data=data, mapping=tuple(mapping or ()), many_hot=many_hot, options=options, out=to
        )
        convert(get_settings(context), request, as_json=json)


@snn_app.command("compare")
def compare(
    context: typer.Context,
    data: Data,
    network: Converted = None,
    mapping: Mapping = None,
    many_hot: ManyHot = "",
    part: Annotated[str, typer.Option(help="Which images: test or val.")] = "test",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Images at most; 0 for all.")] = 0,
    steps: Annotated[
        list[int] | None, typer.Option("--steps", min=1, max=256, help="Time steps to report. May be repeated.")
    ] = None,
    systems: Annotated[
        list[str] | None,
        typer.Option("--system", help="quantised_cnn, nengo_default, nengo_scaled, snn, snn_early. May be repeated."),
    ] = None,
    timed: Annotated[int, typer.Option(min=0, help="Images for the clock; 0 for no clock.")] = 200,
    threads: Threads = 0,
    to: Annotated[Path | None, typer.Option("--out", help="Folder for tables, JSON and plots.")] = None,
    json: Json = False,
) -> None:
    """Run the same images through the CNN, its quantised form, NengoDL's own conversion, and ours."""
    from vitrine.commands.snn_compare import CompareRequest, compare

    request = CompareRequest(
        data=data,
        mapping=tuple(mapping or ()),
        many_hot=many_hot,
        network=network,
        part=part,
        limit=limit,
        steps=tuple(steps or ()),
        systems=tuple(systems or ()),
        timed=timed,
        threads=threads,
        out=to,
    )
    with errors_as_exit_codes():
        compare(get_settings(context), request, as_json=json)


@snn_app.command("show")
def show(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(help="A photo.")],
    network: Converted = None,
    steps: Annotated[int, typer.Option(min=0, max=256, help="Time steps to draw; twice an answer's where 0.")] = 0,
    to: Annotated[Path, typer.Option("--out", help="PNG to write.")] = Path("spikes.png"),
    threads: Threads = 0,
    json: Json = False,
) -> None:
    """Draw which neuron spikes when, layer by layer, and how the evidence of each label grows."""
    from vitrine.commands.snn_show import show

    with errors_as_exit_codes():
        show(get_settings(context), photo, network=network, steps=steps, to=to, threads=threads, as_json=json)
