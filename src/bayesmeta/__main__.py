"""`bayesmeta` and `python -m bayesmeta`: the command line, which Ctrl-C ends at any stage."""

from bayesmeta.infrastructure.interrupts import stopped_by_interrupt


def main() -> None:
    """Run the command line; its modules are imported where Ctrl-C is waited for."""
    with stopped_by_interrupt():
        from bayesmeta.cli import main as run_command

        run_command()


if __name__ == "__main__":
    main()
