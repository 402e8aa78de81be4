"""Commands that are imported when they run: help, version and shell completion read a table and nothing else.

A table is a sequence of `OnUse`, each of which says a command's name, where its function stands, and the line of help
that a list of commands shows. The line is the first sentence of the function's docstring
(tests/unit/test_command_tables.py), which this module does not read because reading it means importing the function.

Help is plain text: it names what a value is (FILE, FOLDER, URL) and never a type of Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from retally_verify.exit_codes import COULD_NOT_RUN


class Command(TyperCommand):
    """A command whose help says of an argument what it is, and not its type too."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments, options = [], []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if isinstance(param, TyperArgument):
                arguments.append((param.display_name_raw, record[1]))
            else:
                options.append(record)
        for title, records in (("Arguments", arguments), ("Options", options)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class OnUse(TyperCommand):
    """Stands in a list for a command, and imports it when it is run or asked for its own help."""

    def __init__(self, name: str, place: str, line: str) -> None:
        """`place` is `module:attribute`: a function with Typer's annotations, or a `Typer` with commands of its own."""
        super().__init__(name, help=line, rich_markup_mode=None)
        self.place = place
        self.line = line

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        return self.load().make_context(info_name, args, parent, **extra)

    def get_short_help_str(self, limit: int = 0) -> str:
        return self.line

    def load(self) -> Any:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        target = getattr(import_module(module), attribute)
        if isinstance(target, typer.Typer):
            return typer.main.get_group(target)
        alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
        alone.command(self.name, cls=Command)(target)
        return typer.main.get_command(alone)


class Commands(TyperGroup):
    """A group that ends with 3 for a command line that cannot be run."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _usage_is_no_verdict():
            return super().make_context(*args, **kwargs)

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)
        for option in params:
            if isinstance(option, TyperOption) and option.is_flag and option.default is None:
                # Typer's own: --help and those of completion. To make a bool of None it would load pydantic.
                option.default = False
        return params

    def invoke(self, ctx: Any) -> Any:
        with _usage_is_no_verdict():
            return super().invoke(ctx)

    def get_short_help_str(self, limit: int = 0) -> str:
        return self.help or ""


@contextmanager
def _usage_is_no_verdict() -> Iterator[None]:
    # Typer ends with 2 after wrong usage and with 1 at an abandoned prompt: here these are INCOMPLETE and FAIL.
    try:
        yield
    except TyperException as error:
        error.exit_code = COULD_NOT_RUN
        raise
    except typer.Abort:
        raise typer.Exit(COULD_NOT_RUN) from None


def listed(*table: OnUse) -> type[Commands]:
    """The class of a group with these commands: `typer.Typer(cls=listed(...))`."""

    class Listed(Commands):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands = {str(command.name): command for command in table} | dict(self.commands)

    return Listed


def group(line: str, *table: OnUse) -> typer.Typer:
    """A group of these commands, with its own line of help, to be added to another."""
    return typer.Typer(cls=listed(*table), help=line, no_args_is_help=True, rich_markup_mode=None)
