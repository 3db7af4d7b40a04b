"""Operators that call: the function in a node, a method that changes its object, a language model.

Lives here: `call`, `call_llm`, `pop`, `append`.
Never here: how a model is reached (`opto.llm`).
"""

from __future__ import annotations

from typing import Any

from opto.trace.base import Node
from opto.trace.bundle import bundle
from opto.trace.errors import ImmutableNodeError
from opto.trace.gather import as_node, to_data
from opto.trace.nodes import MessageNode
from opto.trace.table import OPS
from opto.trace.value_operators import operator


@bundle(_process_inputs=False, allow_external_dependencies=True)
def call(fun: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of calling fun with the arguments; with none, fun is called as it is."""
    return as_node(fun)._now(*args, **kwargs)


_SAYS = "[call_llm] The reply of a language model to the system prompt and the user prompts."


@bundle(_SAYS)
def _ask(llm: Any, system_prompt: Any, *user_prompts: Any, **options: Any) -> Any:
    from opto.trace.chat import reply_of  # noqa: PLC0415  (the only way from here to a model)

    return reply_of(llm, system_prompt, user_prompts, options)


@bundle(_SAYS)
def _ask_configured(system_prompt: Any, *user_prompts: Any, **options: Any) -> Any:
    from opto.trace.chat import reply_of  # noqa: PLC0415

    return reply_of(None, system_prompt, user_prompts, options)


def call_llm(*prompts: Any, **options: Any) -> Node[Any]:
    """Ask a language model; the reply is a node computed from the prompts.

    Args:
        prompts: `(llm, system_prompt, *user_prompts)`, or without `llm` to ask the model that is
            configured (`OPTO_MODEL`, `opto.toml`). `llm` is an `opto.LM`, or any callable that
            takes `messages=[{"role": ..., "content": ...}, ...]` and gives text or an object with
            `.choices[0].message.content`.
        options: Given to `llm` as they are.
    """
    first = to_data(prompts[0]) if prompts else None
    ask = _ask if callable(first) or hasattr(first, "ask") else _ask_configured
    asked: Node[Any] = ask(*prompts, **options)
    return asked


def _changeable(x: Any, method: str) -> Any:
    """The data of a root, to be changed in place; a computed value is refused."""
    if isinstance(x, MessageNode):
        raise ImmutableNodeError(
            f"{x.name} was computed by {x.op_name}; {method} would change it afterwards.",
            fix=f"Compute a new value: `operators.list_{method}(x, ...)` returns a changed copy.",
        )
    return as_node(x)


def pop(x: Any, index: Any = -1) -> Any:
    """The item of x at index, which is taken out of x. x must be a root."""
    return _pop(_changeable(x, "pop"), index)


def append(x: Any, value: Any) -> Any:
    """Gives x with value put at its end, in place. x must be a root."""
    return _append(_changeable(x, "append"), value)


@operator
def _pop(x: Any, index: Any) -> Any:
    """[pop] The item of x at index, which is taken out of x."""
    return x.pop(index)


@operator
def _append(x: Any, value: Any) -> Any:
    """[append] Gives x with value put at its end."""
    x.append(value)
    return x


OPS.update(call=call, call_llm=call_llm, pop=pop, append=append)
