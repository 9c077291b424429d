"""Bayesian hierarchical meta-analysis, from raw tables of studies to named contrasts with their checks.

::

    import bayesmeta

    frame = bayesmeta.example()                              # or bayesmeta.read("mine.csv"), or your own DataFrame
    tree = bayesmeta.fit(frame, moderators="valence:phase")
    bayesmeta.terms(tree)
    bayesmeta.contrasts(tree, "fear:memory - neutral:memory")

The functions are those of `bayesmeta.interface`; numpy, JAX and the rest are imported when one is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bayesmeta.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from bayesmeta import interface
    from bayesmeta.interface import (
        ModelSpec,
        Prior,
        RemlSummary,
        compare,
        diagnostics,
        example,
        fit,
        heterogeneity,
        marginal_contrasts,
        marginal_means,
        parameters,
        plot,
        predict,
        prediction,
        read,
        read_spec,
        spec_of,
        terms,
    )

    # rooms of the package that can be called, too (`_Room`); a type checker takes what else is in them as it comes
    class _Contrasts(ModuleType):
        __call__ = staticmethod(interface.contrasts)

    class _Effects(ModuleType):
        __call__ = staticmethod(interface.effects)

    class _Reml(ModuleType):
        __call__ = staticmethod(interface.reml)

    contrasts: _Contrasts
    effects: _Effects
    reml: _Reml

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "ModelSpec",
    "Prior",
    "RemlSummary",
    "__version__",
    "compare",
    "contrasts",
    "diagnostics",
    "effects",
    "example",
    "fit",
    "heterogeneity",
    "interface",
    "marginal_contrasts",
    "marginal_means",
    "parameters",
    "plot",
    "predict",
    "prediction",
    "read",
    "read_spec",
    "reml",
    "spec_of",
    "terms",
]

_ROOMS = frozenset({"contrasts", "effects", "reml"})  # functions of the interface that are called as rooms are


def __getattr__(name: str) -> Any:
    if name in _ROOMS or name == "interface":
        return import_module(f"{__name__}.{name}")
    if name in __all__:
        return getattr(import_module(f"{__name__}.interface"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Room(ModuleType):
    """A module that is also the function of the interface of the same name: `bayesmeta.contrasts(tree, ...)`."""

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(_function(self))

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return _function(self)(*arguments, **options)

    def __reduce__(self) -> "tuple[Callable[[str], ModuleType], tuple[str]]":
        return import_module, (self.__name__,)


class _Package(ModuleType):
    """The package, which makes a room callable when the import system binds it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _ROOMS and type(value) is ModuleType:
            value.__class__ = _Room
        super().__setattr__(name, value)


def _function(room: ModuleType) -> "Callable[..., Any]":
    found: Callable[..., Any] = getattr(import_module(f"{__name__}.interface"), room.__name__.rpartition(".")[2])
    return found


sys.modules[__name__].__class__ = _Package
