"""The kinds of nodes: parameters, computed values, exceptions; and `node`, the way to make roots.

Computed nodes never change. A parameter's value changes between runs only: through an optimizer,
through `_data`, or for one context through `trial_values`.

Lives here: `ParameterNode`, `MessageNode`, `ExceptionNode`, `node`.
Never here: operators, feedback rules, rendering, I/O, third-party imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Never, NoReturn, TypeVar, overload
from weakref import ref

from opto.trace import state
from opto.trace.base import Node, T_co
from opto.trace.errors import ImmutableNodeError, NodeError
from opto.trace.gather import CONTAINERS, gathered, holds_node
from opto.trace.text import get_op_name, split_description

if TYPE_CHECKING:
    from opto.trace.bundle import FunModule
    from opto.trace.projections import Projection

__all__ = [
    "GRAPH",
    "IDENTITY_OPERATORS",
    "NAME_SCOPES",
    "AbstractNode",
    "ExceptionNode",
    "Graph",
    "MessageNode",
    "Node",
    "ParameterNode",
    "get_op_name",
    "node",
]

T = TypeVar("T")
GRAPH = state.GRAPH
NAME_SCOPES = state.NAME_SCOPES


class ParameterNode(Node[T]):
    """A root whose value an optimizer may change.

    `description` is the constraint that proposed values must keep, in words.
    """

    __slots__ = ("_feedback", "_trainable", "projections")
    _KIND = "ParameterNode"
    holds_code = False
    """Is the value the source of a function?"""

    def __init__(
        self,
        value: Any,
        *,
        name: str | None = None,
        trainable: bool = True,
        description: str | None = None,
        projections: Sequence[Projection] | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(value, name=name, description=description, info=info)
        self._needs = self._trainable = trainable
        self.projections = list(projections or ())
        self._feedback: dict[Node[Any], list[Any]] = {}

    @property
    def data(self) -> T:
        """The value: the trial's, where one is running in this context, else the parameter's."""
        if (note := state.reads.get()) is not None:
            note.note(self)
        return self._now  # type: ignore[no-any-return]

    @property
    def _now(self) -> Any:
        trial = state.trial.get()
        return self._value if trial is None else trial.get(self, self._value)

    @property
    def trainable(self) -> bool:
        return self._trainable

    @property
    def feedback(self) -> dict[Node[Any], list[Any]]:
        """Feedback by the child it came from, kept until `zero_feedback`."""
        return self._feedback

    def zero_feedback(self) -> None:
        self._feedback = {}

    def _forget_origin(self, origin: ParameterNode[T]) -> None:
        self._feedback = {}
        self._trainable = origin._trainable
        self.projections = list(origin.projections)


class MessageNode(Node[T_co]):
    """A computed value: the output of one operation on its inputs. Immutable."""

    __slots__ = ("_doc", "_extra", "_hidden", "_maker", "_names", "_op", "_parents")
    _KIND = "MessageNode"
    _maker: FunModule[..., Any] | None
    _extra: dict[str, Any] | None
    _hidden: tuple[Node[Any], ...]

    def __init__(
        self,
        value: Any,
        *,
        inputs: Mapping[str, Node[Any]] | Sequence[Node[Any]],
        description: str,
        name: str | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        """Record an operation done elsewhere.

        Args:
            value: What it gave.
            inputs: Parameter name to node; a list is numbered.
            description: `"[operation] what it does"`.
            name: Base of the name; the operation when None.
            info: Anything to keep with the node.

        Raises:
            NodeError: The description does not start with `[operation]`, an input is no node.
        """
        if not isinstance(inputs, Mapping):
            inputs = {f"args_{number}": parent for number, parent in enumerate(inputs)}
        if odd := [key for key, parent in inputs.items() if not isinstance(parent, Node)]:
            raise NodeError(f"The inputs {odd} are no nodes.", fix="Wrap them: `node(value)`.")
        self._op, self._doc = split_description(description)
        self._open(value.data if isinstance(value, Node) else value, name or self._op)
        self._info, self._maker, self._extra, self._hidden = info, None, None, ()
        self.link(tuple(inputs), tuple(inputs.values()) if state.tracing.get() else ())

    @classmethod
    def record(
        cls,
        value: Any,
        maker: FunModule[..., Any],
        names: tuple[str, ...],
        inputs: tuple[Node[Any], ...],
    ) -> MessageNode[Any]:
        """The node of one call of `maker`; the quick way, without checks."""
        self = cls.__new__(cls)
        self._open(value, maker.output_name or maker.op_name)
        self._op, self._doc, self._maker = maker.op_name, maker.doc, maker
        self._info, self._extra, self._hidden = None, None, ()
        self.link(names, inputs if state.tracing.get() else ())
        return self

    def link(self, names: tuple[str, ...], inputs: tuple[Node[Any], ...]) -> None:
        """Set the parents, once, and let them know of this child."""
        self._names, self._parents = names, inputs
        level, needs, previous = 0, False, None
        seen = {id(parent): parent for parent in inputs} if len(inputs) > 2 else None  # noqa: PLR2004
        for parent in inputs if seen is None else seen.values():
            if parent is previous:
                continue
            previous = parent
            level = max(level, parent._level + 1)
            needs = needs or parent._needs
            kids = parent._kids
            kids[ref(self, kids.__delitem__)] = None
        self._level, self._needs = level, needs

    @property
    def _data(self) -> Any:
        return self._value

    @_data.setter
    def _data(self, _: Any) -> NoReturn:
        raise ImmutableNodeError(
            f"{self.name} was computed by {self._op}; it cannot be given another value.",
            fix="Change a parameter or an input and compute it again.",
        )

    @property
    def inputs(self) -> dict[str, Node[Any]]:
        """Parameter name to node, in the order of the arguments."""
        return dict(zip(self._names, self._parents, strict=False))

    @property
    def _inputs(self) -> dict[str, Node[Any]]:
        return self.inputs

    @property
    def parents(self) -> list[Node[Any]]:
        return list({id(parent): parent for parent in self._parents}.values())

    @property
    def hidden_dependencies(self) -> set[Node[Any]]:
        """Nodes read inside the function without being given to it: no parents, yet they hear."""
        return set(self._hidden)

    @property
    def _sources(self) -> tuple[Node[Any], ...]:
        """The nodes that feedback goes on to: inputs, then hidden dependencies."""
        return self._parents + self._hidden if self._hidden else self._parents

    def _hide(self, outside: tuple[Node[Any], ...]) -> None:
        """Set the hidden dependencies, once."""
        if state.tracing.get():
            self._hidden = outside
            self._level = max(self._level, *(node._level + 1 for node in outside))
            self._needs = self._needs or any(node._needs for node in outside)

    @property
    def inner(self) -> Node[Any] | None:
        """The output of the inner graph of a function with `traceable_code=True`."""
        found = (self._extra or {}).get("output")
        return found if isinstance(found, Node) else None

    @property
    def info(self) -> dict[str, Any] | None:
        """What is known of the call: the function, its source and place, arguments, output."""
        return self._info if self._maker is None else self._maker.info_of(self)

    @property
    def description(self) -> str | None:
        return self._doc or None

    @property
    def op_name(self) -> str:
        return self._op

    @property
    def _description(self) -> str:
        return f"[{self._op}] {self._doc or ''}".rstrip()

    def _forget_origin(self, origin: MessageNode[T_co]) -> None:
        self._op, self._doc = origin._op, origin._doc
        self._maker, self._extra, self._hidden = None, None, ()
        self._names, self._parents = (), ()

    def __setstate__(self, values: Mapping[str, Any]) -> None:
        for parent in (*values["_parents"], *values["_hidden"]):
            parent._join()  # feedback may lead from a parameter, half loaded, to its child
        super().__setstate__(values)
        self._maker = None
        for parent in self.parents:
            parent._kids[ref(self, parent._kids.__delitem__)] = None


class ExceptionNode(MessageNode[str]):
    """An exception that a bundled function raised, as a value that feedback can reach.

    Its data is `"(TypeName) message"`.
    """

    __slots__ = ()
    _KIND = "ExceptionNode"

    def __init__(
        self,
        value: BaseException | str,
        *,
        inputs: Mapping[str, Node[Any]] | Sequence[Node[Any]],
        description: str = "[exception] The operator raises an exception.",
        name: str | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        from opto.trace.frames import describe  # noqa: PLC0415

        text = describe(value) if isinstance(value, BaseException) else value
        super().__init__(text, inputs=inputs, description=description, name=name, info=info)

    @property
    def traceback(self) -> str:
        """The traceback with the failing line of each of the user's frames marked."""
        return str((self.info or {}).get("traceback") or self._value)

    def create_feedback(self, style: Literal["simple", "full"] = "simple") -> str:
        """Feedback for an optimizer: the message, or each frame's source with the line marked."""
        if style not in {"simple", "full"}:
            raise NodeError(f"No style {style!r}.", fix="Use 'simple' or 'full'.")
        full = (self.info or {}).get("error_comment") if style == "full" else None
        return str(full or self._value)


AbstractNode = Node
Graph = state.Graph
IDENTITY_OPERATORS = ("identity", "clone")


@overload
def node(
    data: Node[T], name: str | None = None, trainable: Literal[False] = False,
    description: str | None = None,
) -> Node[T]: ...  # fmt: skip
@overload
def node(
    data: T, name: str | None = None, trainable: Literal[False] = False,
    description: str | None = None,
) -> Node[T]: ...  # fmt: skip
@overload
def node(
    data: Node[T], name: str | None = None, *, trainable: Literal[True],
    description: str | None = None,
) -> ParameterNode[T]: ...  # fmt: skip
@overload
def node(
    data: T, name: str | None = None, *, trainable: Literal[True],
    description: str | None = None,
) -> ParameterNode[T]: ...  # fmt: skip
@overload
def node(
    data: Any, name: str | None = None, trainable: bool = False,
    description: str | None = None,
) -> Node[Any]: ...  # fmt: skip


def node(
    data: Any,
    name: str | None = None,
    trainable: bool = False,
    description: str | None = None,
    **unknown: Never,
) -> Node[Any]:
    """Put a value into the graph.

    Args:
        data: Any value. A node is returned as it is, unless it is to become a parameter: then its
            value and, without `name`, its base name are taken over. A container that holds nodes
            becomes a node computed from them.
        name: Base of the name, without `:`; the type of the data when None.
        trainable: May an optimizer change the value? Then a `ParameterNode` is made.
        description: What the value is for; for a parameter, the constraint on its values.
        **unknown: An ArgumentError that names a near miss.

    Raises:
        NodeError: `name` or `description` cannot be used.
    """
    if unknown:
        from opto.trace.wrong import unknown_option  # noqa: PLC0415  (a call that is wrong)

        raise unknown_option("node", unknown, ("data", "name", "trainable", "description"))
    if trainable:
        if isinstance(data, Node):
            name = name or data._base.rpartition("/")[2]
        return ParameterNode(data, name=name, description=description)
    if isinstance(data, Node):
        return data
    if type(data) in CONTAINERS and holds_node(data):
        return gathered(data, name)
    return Node(data, name=name, description=description)
