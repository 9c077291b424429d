"""The application that commands are added to."""

import typer

app = typer.Typer(
    help="Bayesian hierarchical meta-analysis, from raw tables to named contrasts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
