"""Write tables of the options of a command from the typer app, so that they are always up to date.

A fence `{options}` with the name of a command in a Markdown page becomes the table.
"""

from pathlib import Path
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from bayesmeta.cli import app as command_line

KINDS = {str: "text", int: "whole number", float: "number", bool: "", Path: "path"}
HEAD = "| option | takes | default | what it sets |\n|---|---|---|---|"


def commands() -> dict[str, Any]:
    """Return every command of `bayesmeta` by its name."""
    return dict(typer.main.get_command(command_line).commands)  # type: ignore[attr-defined]


def option_table(command: Any) -> str:
    """Return the arguments and options of a command as a Markdown table."""
    return "\n".join(
        [HEAD, *(_row(parameter) for parameter in command.params if not parameter.hidden)]
    )


def _row(parameter: Any) -> str:
    names = (
        parameter.opts
        if parameter.param_type_name == "option"
        else [parameter.metavar or parameter.name.upper()]
    )
    takes = "" if getattr(parameter, "is_flag", False) else _takes(parameter)
    default = "required" if parameter.required else _default(parameter.default)
    name = ", ".join(f"`{option}`" for option in names)
    return f"| {name} | {takes} | {default} | {_escaped(parameter.help or '')} |"


def _takes(parameter: Any) -> str:
    kind = parameter.type_descriptor
    if kind.choices:
        return " or ".join(f"`{choice}`" for choice in kind.choices)
    words = KINDS.get(kind.annotation, "text")
    words += f" from {parameter.min}" if parameter.min is not None else ""
    return words + (", repeatable" if parameter.multiple else "")


def _default(value: Any) -> str:
    return "" if value is None or value == () else f"`{value}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


class Options(SphinxDirective):
    """Directive for the options of the command that the fence names."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table as nodes."""
        name = " ".join(self.content).strip()
        known = commands()
        if name not in known:
            raise self.error(f"bayesmeta has no command {name!r}; it has: {', '.join(known)}")
        return self.parse_text_to_nodes(option_table(known[name]))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("options", Options)
    return {"parallel_read_safe": True}
