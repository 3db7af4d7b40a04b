"""The recorded value and its root form: a constant or an input of the program.

A node holds its parents; parents know their children by weak references only, so dropping an
output frees its trace. Equality compares data (as Trace's users expect); hashing and membership
in the graph go by identity.

Lives here: `Node`, what every kind of node has.
Never here: operators, feedback rules, rendering, I/O, third-party imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import ref

from opto.trace import state
from opto.trace.errors import NodeError
from opto.trace.traced import Traced

if TYPE_CHECKING:
    from opto.trace.nodes import ParameterNode

T_co = TypeVar("T_co", covariant=True)


class Node(Traced, Generic[T_co]):
    """One value of the program. A plain `Node` is a root: a constant or an input."""

    __slots__ = (
        "__weakref__",
        "_base",
        "_index",
        "_info",
        "_kids",
        "_level",
        "_needs",
        "_text",
        "_value",
        "serial",
    )

    _KIND = "Node"
    _value: Any
    serial: int
    """Position in the order of creation, over the whole process; parents come before children."""

    def __init__(
        self,
        value: Any,
        *,
        name: str | None = None,
        trainable: bool = False,
        description: str | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        """Make a root; `node` is the usual way.

        Raises:
            NodeError: The name is no plain text, or holds `:`, or the description is no text; or a
                trainable node is asked for, which is a `ParameterNode`.
        """
        if trainable:
            raise NodeError("A plain node cannot be trained.", fix="Say node(x, trainable=True).")
        self._open(value.data if isinstance(value, Node) else value, name)
        self._text = _checked_text(description)
        self._needs = False
        self._info = info

    def _open(self, value: Any, base: str | None) -> None:
        """Set what every node has."""
        if base is None:
            base = type(value).__name__
        elif type(base) is not str or ":" in base or not base:
            raise NodeError(
                f"A node cannot be named {base!r}.",
                fix="Use text without ':'; the part after ':' is the number the graph gives.",
            )
        if scopes := state.scope.get():
            base = f"{scopes[-1]}/{base}"
        self._value = value
        self._base = base
        self._index = state.GRAPH.number(base)
        self._kids: dict[ref[Any], None] = {}
        self._level = 0
        self.serial = state.next_serial()

    def _rename(self, base: str) -> None:
        """Take another name; for nodes that nobody has seen yet."""
        if scopes := state.scope.get():
            base = f"{scopes[-1]}/{base}"
        self._base, self._index = base, state.GRAPH.number(base)

    @property
    def data(self) -> T_co:
        """The value. Inside a bundled function, reading it is noted as a dependency."""
        note = state.reads.get()
        if note is not None:
            note.note(self)
        value: T_co = self._value
        return value

    @property
    def _now(self) -> Any:
        """The value, read without being noted."""
        return self._value

    @property
    def _data(self) -> Any:
        """The value; assignable on roots and parameters, between runs."""
        return self._value

    @_data.setter
    def _data(self, value: Any) -> None:
        self._value = value

    def _set(self, value: Any) -> None:
        """Assign a value, or the value of a node."""
        self._data = value.data if isinstance(value, Node) else value

    @property
    def name(self) -> str:
        """`base:index`, unique in this process since the last `GRAPH.clear()`."""
        return f"{self._base}:{self._index}"

    @property
    def py_name(self) -> str:
        """The name as an identifier: without the colon."""
        return f"{self._base}{self._index}"

    @property
    def id(self) -> str:
        """The number in the name."""
        return str(self._index)

    @property
    def level(self) -> int:
        """0 for a root, else one more than the highest level of the parents."""
        return self._level

    @property
    def parents(self) -> list[Node[Any]]:
        """The distinct nodes this one was computed from, in the order of the arguments."""
        return []

    @property
    def children(self) -> list[Node[Any]]:
        """The nodes computed from this one that somebody still holds, oldest first."""
        return [child for kid in tuple(self._kids) if (child := kid()) is not None]

    @property
    def is_root(self) -> bool:
        """Was this not computed from other nodes?"""
        return not self.parents

    @property
    def is_leaf(self) -> bool:
        """Has nothing that is still alive been computed from this?"""
        return not self.children

    @property
    def trainable(self) -> bool:
        """May an optimizer propose another value?"""
        return False

    @property
    def type(self) -> type:
        """The type of the data."""
        return type(self._value)

    @property
    def info(self) -> dict[str, Any] | None:
        """What was given as `info`."""
        return self._info

    @property
    def description(self) -> str | None:
        """What the value is for, in words; for a parameter, the constraint on its values."""
        return self._text

    @property
    def op_name(self) -> str:
        """The operation that made the node; for a root its kind."""
        return self._KIND

    @property
    def _description(self) -> str:
        return f"[{self.op_name}] {self._text or ''}".rstrip()

    @property
    def feedback(self) -> dict[Node[Any], list[Any]]:
        """Feedback by the child it came from. Only parameters keep it after `backward`."""
        inbox = state.inbox.get()
        return {} if inbox is None else inbox.get(id(self), {})

    @property
    def inner(self) -> Node[Any] | None:
        """The output of a recorded inner graph, if there is one."""
        return None

    @property
    def parameter_dependencies(self) -> set[ParameterNode[Any]]:
        """The trainable parameters this was computed from. O(ancestors), worked out when asked."""
        from opto.trace.subgraph import ancestors  # noqa: PLC0415  (the walk knows nodes)

        return {n for n in ancestors([self]) if n.trainable}  # type: ignore[misc]

    @property
    def expandable_dependencies(self) -> set[Node[Any]]:
        """The ancestors with a recorded inner graph (`traceable_code=True`)."""
        from opto.trace.subgraph import ancestors  # noqa: PLC0415

        return {n for n in ancestors([self]) if n.inner is not None}

    def zero_feedback(self) -> None:
        """Forget the feedback received so far."""

    def backward(
        self,
        feedback: Any = "",
        propagator: Any = None,
        retain_graph: bool = False,
        visualize: bool = False,
        **drawing: Any,
    ) -> Any:
        """Send feedback on this node to every trainable parameter it was computed from.

        Args:
            feedback: What to say about this output; any text, or what the propagator takes.
            propagator: The rule from a node's feedback to that of its parents; None carries the
                text and the subgraph between parameter and output.
            retain_graph: Accepted for Trace's programs. Backward consumes nothing here: giving
                feedback twice adds a second feedback.
            visualize: Return a drawing of the graph that was walked.
            drawing: `simple_visualization`, `reverse_plot`, `print_limit`: as in `draw`.

        Returns:
            None, or the `Drawing`.
        """
        from opto.trace.propagators import backward  # noqa: PLC0415

        del retain_graph
        return backward(self, feedback, propagator, visualize=visualize, **drawing)

    def detach(self) -> Node[T_co]:
        """A deep copy with no parents, children or feedback, named `<py_name>_copy`."""
        import copy  # noqa: PLC0415  (rarely needed)

        return copy.deepcopy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy  # noqa: PLC0415

        twin = self.__class__.__new__(self.__class__)
        memo[id(self)] = twin
        twin._open(copy.deepcopy(self._now, memo), None)
        twin._base = f"{self.py_name}_copy"
        twin._index = state.GRAPH.number(twin._base)
        twin._text = getattr(self, "_text", None)  # computed nodes have their operation instead
        twin._info, twin._needs = None, self.trainable
        twin._forget_origin(self)
        return twin

    def _forget_origin(self, origin: Any) -> None:
        """Set what a copy has beyond the slots of `Node`."""

    def __eq__(self, other: object) -> bool:
        """Is the data equal? Use `is` for identity."""
        return bool(self.data == (other.data if isinstance(other, Node) else other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.data)

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self._KIND}: ({self.name}, dtype={type(self._value)}, data={self._value})"

    def __repr__(self) -> str:
        from opto.trace.text import preview  # noqa: PLC0415

        return f"<{self._KIND} {self.name} = {preview(self._value, 60)}>"

    def _repr_html_(self) -> str:
        from opto.trace.page import node_html  # noqa: PLC0415

        return node_html(self)

    def __getstate__(self) -> dict[str, Any]:
        names = {name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ())}
        kept = names - {"__weakref__", "_kids", "_maker", "serial"}
        return {name: getattr(self, name) for name in kept if hasattr(self, name)}

    def __setstate__(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._join()

    def _join(self) -> None:
        """Have a place among the nodes of this process; a child may ask for it first."""
        if not hasattr(self, "_kids"):
            self._kids = {}
            self.serial = state.next_serial()


def _checked_text(description: str | None) -> str | None:
    if description is not None and not isinstance(description, str):
        raise NodeError(
            f"A description is text, not {type(description).__name__}.",
            fix="Say in words what the value is for, or leave it out.",
        )
    return description
