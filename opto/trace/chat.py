"""Asking a language model from inside a traced program.

Lives here: the one way from the graph to `opto.llm`, and the shapes of clients it understands.
Never here: retries, prices, keys (`opto.llm`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opto.trace.errors import TraceError


def reply_of(
    llm: Any, system_prompt: Any, user_prompts: Sequence[Any], options: Mapping[str, Any]
) -> str:
    """The text a model replies to a system prompt and user prompts.

    Raises:
        TraceError: `llm` is nothing that can be asked, or it gave no text.
        NoModel: `llm` is None and no model is configured.
    """
    messages = [{"role": "system", "content": str(system_prompt)}] if system_prompt else []
    messages += [{"role": "user", "content": str(prompt)} for prompt in user_prompts]
    return text_of(client(llm)(messages=messages, **options))


def client(llm: Any) -> Any:
    """`llm` as a callable that takes `messages=`; None stands for the configured model."""
    if llm is None or hasattr(llm, "ask"):
        from opto.llm.chat import chat_client  # noqa: PLC0415  (loads the model layer when used)

        return chat_client(llm)
    if callable(llm):
        return llm
    raise TraceError(
        f"{type(llm).__name__} is no language model.",
        fix="Give an opto.LM, or a callable that takes messages=[...].",
    )


def text_of(reply: Any) -> str:
    """The text of a reply: text itself, or `.choices[0].message.content`."""
    if isinstance(reply, str):
        return str(reply)
    choices = getattr(reply, "choices", None)
    content = choices[0].message.content if choices else getattr(reply, "text", None)
    if not isinstance(content, str):
        raise TraceError(
            f"The model gave no text but {type(content).__name__}: a refusal or a tool call.",
            fix="Ask without tools; look at the reply in the run's log.",
        )
    return content
