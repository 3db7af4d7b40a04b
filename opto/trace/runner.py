"""Running rewritten source in the sandbox.

The text travels with what it needs: plain values it names, modules it names (imported inside), and
functions of the program, which stay outside and are called back with plain data. The object a
method belongs to becomes a stub with its plain attributes and its methods.

Lives here: the one way from the trace to `opto.sandbox`.
Never here: running text in this process, deciding what is safe (`opto.sandbox`).
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import functools
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from opto.sandbox.plain import is_plain
from opto.trace.base import Node
from opto.trace.errors import TraceError, UntrustedCode
from opto.trace.frames import Place
from opto.trace.gather import to_data
from opto.trace.listing import list_source
from opto.trace.shorten import cut, visible
from opto.trace.source import FunctionAst
from opto.trace.surroundings import Surroundings

if TYPE_CHECKING:
    from opto.sandbox import NotPlainError, SandboxedError

_ENTRY = "_opto_entry"
_TAIL = f"""

def {_ENTRY}(*args, **kwargs):
    made = %s(*args, **kwargs)
    if hasattr(made, "__aiter__"):
        async def collect():
            return [item async for item in made]
        return _opto_await(collect())
    if hasattr(made, "__await__"):
        return _opto_await(made)
    return list(made) if type(made).__name__ == "generator" else made

def _opto_await(made):
    import asyncio, selectors
    class Loop(asyncio.SelectorEventLoop):  # no sockets in here, so nothing to wake it from outside
        _make_self_pipe = _close_self_pipe = lambda self: None
    loop = Loop(selectors.SelectSelector())
    try:
        return loop.run_until_complete(made)
    finally:
        loop.close()
"""
_MOST_PRINTED = 10_000
"""Characters of what one call prints that are shown."""
_ARGUMENT = re.compile(r"args\[(\d+)\]|(?:kwargs|names)\['(\w+)'\]")
_TOOL = re.compile(r"result of the tool '(\w+)'")


class SandboxFault(TraceError):  # noqa: N818
    """Rewritten code raised in the sandbox; told as if it had raised here."""

    code = "opto.trace.sandboxed"

    def __init__(self, message: str, places: list[Place], *, fix: str = "") -> None:
        self.message, self.places = message, places
        super().__init__(message, fix=fix)


class Rewrite(NamedTuple):
    """A text, looked at once for all its runs."""

    text: str
    name: str
    file: str
    """Under which tracebacks find its lines."""
    parameters: tuple[str, ...]
    """Those that may be given by position."""
    free: tuple[str, ...]
    """Names it uses and does not define at its top."""
    of_self: tuple[str, ...]
    """Attributes of `self` that it uses."""
    is_async: bool

    @classmethod
    def read(cls, text: str, name: str) -> Rewrite:
        """Take apart a text that `check_code` let pass."""
        tree = ast.parse(text)
        [own] = [part for part in tree.body if isinstance(part, FunctionAst) and part.name == name]
        defined = {part.name for part in tree.body if hasattr(part, "name")}
        parts = list(ast.walk(tree))
        return cls(
            text,
            name,
            list_source(text, name),
            tuple(argument.arg for argument in (*own.args.posonlyargs, *own.args.args)),
            tuple(sorted({part.id for part in parts if isinstance(part, ast.Name)} - defined)),
            tuple(sorted({part.attr for part in parts if _is_of_self(part)})),
            isinstance(own, ast.AsyncFunctionDef),
        )


def _is_of_self(part: ast.AST) -> TypeGuard[ast.Attribute]:
    if not isinstance(part, ast.Attribute):
        return False
    return isinstance(part.value, ast.Name) and part.value.id == "self"


class Needs(NamedTuple):
    """What a text takes along."""

    imports: tuple[str, ...]
    values: Mapping[str, Any]
    tools: Mapping[str, Callable[..., Any]]
    left_out: Mapping[str, str]
    """Names that cannot go along, with the type of their value."""


def sandboxed(text: str, name: str, around: Surroundings, timeout_s: float) -> Callable[..., Any]:
    """A function that runs `text` in the sandbox at each call. Asynchronous if the text is.

    Changes that the text makes to its arguments are not seen outside; what it returns is, and
    what it prints goes to `sys.stdout` when the call ends, shortened and without terminal controls.

    Raises (when called):
        UntrustedCode: An argument cannot be handed over.
        SandboxFault: The code raised, took too long or needed too much memory; or it called a
            function of the program that gave what cannot be handed over.
        SandboxUnavailable: This machine has no sandbox.
    """
    run = functools.partial(_run, rewrite := Rewrite.read(text, name), around, timeout_s)
    if not rewrite.is_async:
        return run

    async def later(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(run, *args, **kwargs)

    return later


def _run(
    rewrite: Rewrite, around: Surroundings, timeout_s: float, *args: Any, **kwargs: Any
) -> Any:
    from opto.sandbox import Limits, NotPlainError, SandboxedError, default  # noqa: PLC0415

    needs = needs_of(rewrite, around)
    header = "".join(f"{line}\n" for line in needs.imports)
    names = rewrite.parameters
    values = [
        _handed_over(value, names[index] if index < len(names) else str(index), rewrite)
        for index, value in enumerate(args)
    ]
    named = {key: _handed_over(value, key, rewrite) for key, value in kwargs.items()}
    try:
        return default().call(
            header + rewrite.text + _TAIL % rewrite.name,
            _ENTRY,
            values,
            named,
            names=needs.values,
            tools=needs.tools,
            filename=rewrite.file,
            limits=Limits(wall_s=timeout_s),
            printed=_print,
        )
    except NotPlainError as refused:
        raise _not_handed_over(refused, rewrite) from None
    except SandboxedError as fault:
        _print(fault.stdout)
        raise _told(fault, rewrite, needs) from None


def needs_of(rewrite: Rewrite, around: Surroundings) -> Needs:
    """What of its surroundings a text names now, sorted by how it can be handed over."""
    imports: list[str] = []
    values: dict[str, Any] = {}
    tools: dict[str, Callable[..., Any]] = {}
    left_out: dict[str, str] = {}
    for name in rewrite.free:
        try:
            value = around.find(name)
        except KeyError:
            continue
        if line := _import_line(name, value):
            imports.append(line)
        elif is_plain(value):
            values[name] = value
        elif callable(value) and not isinstance(value, type):
            tools[name] = _tool(value)
        elif not hasattr(builtins, name):
            left_out[name] = type(value).__name__
    return Needs(tuple(imports), values, tools, left_out)


def _import_line(name: str, value: Any) -> str:
    """How the sandbox gets `value` by itself: it is, or is in, an installed module."""
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}" if _installed(value.__name__) else ""
    module, qualified = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(qualified, str) or not _installed(module):
        return ""
    if getattr(sys.modules.get(module), qualified, None) is not value:
        return ""
    return f"from {module} import {qualified} as {name}"


def _installed(module: str) -> bool:
    """Is it of the standard library or of an installed package, not of the user's program?"""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return top not in {"__main__", "builtins"}
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    return "site-packages" in str(spec and spec.origin)


def _tool(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: to_data(function(*args, **kwargs))


def _handed_over(value: Any, name: str, rewrite: Rewrite) -> Any:
    """An argument as the sandbox takes it; `self` becomes a stub of what the text uses of it."""
    if name != "self" or type(value).__module__ == "builtins" or is_plain(value):
        return value
    from opto.sandbox import Stub  # noqa: PLC0415

    attributes: dict[str, Any] = {}
    tools: dict[str, Callable[..., Any]] = {}
    for attribute in rewrite.of_self:
        found = getattr(value, attribute, None)
        if is_plain(found) and hasattr(value, attribute):
            attributes[attribute] = found
        elif callable(found) and not isinstance(found, Node):
            tools[attribute] = _tool(found)
    return Stub(attributes, tools)


def _print(text: str) -> None:
    """Show what was printed inside, where the program itself would have printed it."""
    if not text or sys.stdout is None:
        return
    shown, _ = cut(visible(text), _MOST_PRINTED)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(shown.encode(encoding, "backslashreplace").decode(encoding))


def _not_handed_over(refused: NotPlainError, rewrite: Rewrite) -> TraceError:
    """What could not be handed over, in the words of the program."""
    if found := _TOOL.match(refused.path):  # other code need not call it
        said = f"{found[1]}() gave what cannot go to the sandbox: {_rest(refused, found)}"
        return SandboxFault(
            f"(TypeError) {said}. Let it give plain data, or say bundle(trust=True).", []
        )
    what = "What goes along"
    if found := _ARGUMENT.match(refused.path):
        index, name = found.groups()
        if index:
            names = rewrite.parameters
            name = names[int(index)] if int(index) < len(names) else f"number {index}"
        what = f"The {'value' if refused.path.startswith('names') else 'argument'} {name}"
    return UntrustedCode(
        f"{what} of the rewritten {rewrite.name} cannot go to the sandbox: "
        f"{_rest(refused, found)}.",
        fix="Convert it: numbers, text, bytes, dates, paths, arrays of numpy, and lists, tuples, "
        "sets and dicts of them can go. Or say bundle(trust=True) to run rewrites in this process.",
    )


def _rest(refused: NotPlainError, found: re.Match[str] | None) -> str:
    inside = refused.path[found.end() :] if found else refused.path
    return f"{inside}: {refused.problem}" if inside else refused.problem


def _told(fault: SandboxedError, rewrite: Rewrite, needs: Needs) -> SandboxFault:
    """The guest's exception with the lines of the text, and a hint where a name was left out."""
    shift = len(needs.imports)
    last = len(rewrite.text.splitlines())
    places = [
        Place(rewrite.file, line - shift, function)
        for line, function, _ in fault.lines
        if 0 < line - shift <= last
    ]
    hints = [
        f"{name} is of type {kind}, which the sandbox cannot take: pass what is needed of it as an "
        "argument, or say bundle(trust=True)."
        for name, kind in needs.left_out.items()
        if f"'{name}'" in fault.message
    ]
    if fault.type_name == "AttributeError" and "'Stub'" in fault.message:
        hints.append(
            "In the sandbox self has its plain attributes and its methods only: pass the rest as "
            "an argument, or say bundle(trust=True)."
        )
    message = f"({fault.type_name}) {fault.message}".rstrip()
    told = ". ".join([message.rstrip("."), *hints])
    return SandboxFault(told, places, fix=" ".join(hints))
