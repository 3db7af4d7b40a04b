"""Objects with parameters.

Lives here: `Module`, `model`.
Never here: recording of calls, files' formats (`opto.trace.codec`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from opto.trace.base import Node
from opto.trace.errors import TraceError
from opto.trace.gather import NodeContainer
from opto.trace.nodes import ParameterNode

if TYPE_CHECKING:
    from pathlib import Path

    from opto.trace.projections import Projection

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
M = TypeVar("M", bound="ParameterContainer")
K = TypeVar("K", bound=type)
_OURS = "__TRACE_RESERVED_"


class ParameterContainer(NodeContainer):
    """Anything that has parameters: as attributes, as items, or in its trainable methods."""

    def parameters_dict(self) -> dict[str, Any]:
        """Attribute to parameter, trainable method or container of parameters."""
        return {
            name: part
            for name, part in _parts(self)
            if isinstance(part, ParameterNode) or part.parameters()
        }

    def parameters(self) -> list[ParameterNode[Any]]:
        """Every parameter below this, each once, in the order of definition."""
        found: dict[int, ParameterNode[Any]] = {}
        _collect(self, found, {})
        return list(found.values())

    def copy(self: M) -> M:
        """A deep copy that shares the parameters."""
        import copy  # noqa: PLC0415

        return copy.deepcopy(self, {id(part): part for part in self.parameters()})

    def save(self, file: str | Path) -> None:
        """Write the values of the parameters as JSON; code as its source text.

        Raises:
            TraceError: A value is nothing JSON can hold (say what with `opto.trace.codec`).
        """
        from opto.trace.codec import save_parameters  # noqa: PLC0415

        save_parameters(self, file)

    def load(self, file: str | Path) -> None:
        """Read values that `save` wrote into the parameters of the same names.

        Loaded code is text until it is called; then it is checked and runs as any rewrite does.

        Raises:
            TraceError: The file is not one of `save`, or has other parameters.
        """
        from opto.trace.codec import load_parameters  # noqa: PLC0415

        load_parameters(self, file)

    def _set(self, values: Mapping[str, Any]) -> None:
        """Assign parameters by the names of `parameters_dict`."""
        parts = self.parameters_dict()
        for name, value in values.items():
            part = parts.get(name)
            if isinstance(part, ParameterNode):
                part._set(value)
            elif isinstance(part, ParameterContainer) and isinstance(value, ParameterContainer):
                part._set(value.parameters_dict())
            elif isinstance(part, ParameterContainer) and isinstance(value, Mapping):
                part._set(value)
            else:
                raise TraceError(
                    f"{type(self).__name__} has no parameter {name!r} to set.",
                    fix=f"It has: {', '.join(parts) or 'none'}.",
                )


class Module(ParameterContainer, Generic[P, R_co]):
    """A callable object with parameters; subclasses write `forward`."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What a call does."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward().")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        result: R_co = self.forward(*args, **kwargs)
        return result


class Model(Module[..., Any]):
    """What `@model` adds to a class."""

    def export(self, path: str | Path, projections: list[Projection] | None = None) -> None:
        """Write the trained class as plain Python: values for parameters, no decorators."""
        from opto.trace.export import export_model  # noqa: PLC0415

        export_model(self, path, projections or [])


def model(cls: K) -> K:
    """Make a class trainable: it gets `parameters()`, `copy`, `save`, `load` and `export`.

    The new class is called `<Name>Model` and derives from the old one. (Type checkers see the old
    class; derive from `Model` instead of decorating where they shall know the new methods.)
    """
    name = f"{cls.__name__}Model"
    about = {"__module__": cls.__module__, "__doc__": cls.__doc__, "__wrapped__": cls}
    made: K = type(cls)(name, (cls, Model), about)
    made.__qualname__ = cls.__qualname__  # where the decorated class is found, so that it pickles
    return made


def _parts(holder: Any) -> Iterator[tuple[str, Any]]:
    """What directly below `holder` may have parameters, by name; properties are not evaluated."""
    from opto.trace.bundle import FunModule  # noqa: PLC0415  (bundled functions are modules)

    if isinstance(holder, FunModule):
        if holder.parameter is not None:
            yield "parameter", holder.parameter
        return
    for name, part in _class_attributes(type(holder)).items():
        if isinstance(part, FunModule) and part.parameter is not None:
            yield name, getattr(holder, name)
    for name, part in (*getattr(holder, "__dict__", {}).items(), *_items(holder)):
        bound = getattr(part, "func", None)  # of functools.partial
        if isinstance(bound, FunModule) and bound.parameter is not None:
            raise TraceError(
                f"{name} is a partial of a trainable function; its code cannot be reached.",
                fix="Keep the function itself, and fix arguments with a lambda or a method.",
            )
        if isinstance(part, ParameterNode | ParameterContainer) and not name.startswith(_OURS):
            yield name, part


def _class_attributes(kind: type) -> dict[str, Any]:
    """What instances find in their class, base classes first, overridden names once."""
    return {name: part for base in reversed(kind.__mro__) for name, part in vars(base).items()}


def _items(holder: Any) -> Iterator[tuple[str, Any]]:
    """The items of a container of parameters (`Seq`, `Map`)."""
    data = getattr(holder, "data", None)
    if isinstance(holder, Node) or not hasattr(holder, "__getitem__"):
        return
    if isinstance(data, Mapping):
        for key, item in data.items():
            if isinstance(key, ParameterNode):
                yield f"key {key.name}", key
            yield str(key.data if isinstance(key, Node) else key), item
    elif isinstance(data, list):
        yield from ((str(number), item) for number, item in enumerate(data))


def _collect(holder: Any, found: dict[int, ParameterNode[Any]], seen: dict[int, Any]) -> None:
    if id(holder) in seen:
        return
    seen[id(holder)] = holder  # held, so that a method made for this walk keeps its id
    for _, part in _parts(holder):
        if isinstance(part, ParameterNode):
            if part.trainable:
                found.setdefault(id(part), part)
        else:
            _collect(part, found, seen)


def for_all_methods(decorator: Callable[[Any], Any]) -> Callable[[K], K]:
    """Apply a decorator to every function defined in a class, except `__init__`."""

    def decorate(cls: K) -> K:
        for name, part in list(vars(cls).items()):
            if callable(part) and not isinstance(part, type) and name != "__init__":
                setattr(cls, name, decorator(part))
        return cls

    return decorate
