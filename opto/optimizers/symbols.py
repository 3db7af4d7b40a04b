"""How a problem looks and how an answer is written, as data: titles, tags, keys.

Users derive from these classes and change attributes. The optimizers only call the methods.

Lives here: the sets of OptoPrimeV2 (tags, other tags, JSON) and of OPROv2.
Never here: the text of prompts (`opto/prompts`), models, types of values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opto.optimizers.problem import guard
from opto.optimizers.reading.json_reply import Keys, read_json
from opto.optimizers.reading.suggestion import STOP_WORD, Suggestion
from opto.optimizers.reading.tag_reply import Tags, read_tags, write_tags

if TYPE_CHECKING:
    from opto.trace.render import Shown

_SCALARS = frozenset({"int", "float", "bool", "complex", "NoneType"})
"""Types whose text cannot hold a tag."""


class OptimizerPromptSymbolSet:
    """Values in tags, answers in tags."""

    variables_section_title = "# Variables"
    inputs_section_title = "# Inputs"
    outputs_section_title = "# Outputs"
    others_section_title = "# Others"
    feedback_section_title = "# Feedback"
    instruction_section_title = "# Instruction"
    code_section_title = "# Code"
    documentation_section_title = "# Documentation"

    node_tag = "node"
    variable_tag = "variable"
    value_tag = "value"
    constraint_tag = "constraint"
    reasoning_tag = "reasoning"
    improved_variable_tag = "variable"
    name_tag = "name"

    expect_json = False
    custom_output_format_instruction: str | None = None
    """Replaces the words that say how to answer."""

    @property
    def default_prompt_symbols(self) -> dict[str, str]:
        """Section to title."""
        return {
            "variables": self.variables_section_title,
            "inputs": self.inputs_section_title,
            "outputs": self.outputs_section_title,
            "others": self.others_section_title,
            "feedback": self.feedback_section_title,
            "instruction": self.instruction_section_title,
            "code": self.code_section_title,
            "documentation": self.documentation_section_title,
        }

    @property
    def tags(self) -> Tags:
        """The tags of an answer."""
        return Tags(self.improved_variable_tag, self.name_tag, self.value_tag, self.reasoning_tag)

    @property
    def output_format(self) -> str:
        """How to answer, in words and by a pattern."""
        if self.custom_output_format_instruction is not None:
            return self.custom_output_format_instruction.strip()
        example = self.example_output("why, in a few words", {"variable_name": "the new value"})
        return (
            "Answer in this form, with one block for each variable you change, and nothing "
            f"else:\n\n{example}\n\nIf nothing should change, write {STOP_WORD} instead of blocks."
        )

    def example_output(self, reasoning: str, variables: Mapping[str, Any]) -> str:
        """An answer as it should look."""
        blocks = [write_tags(name, str(value), self.tags) for name, value in variables.items()]
        why = f"<{self.reasoning_tag}>\n{reasoning}\n</{self.reasoning_tag}>"
        return "\n".join([why, *blocks])

    def output_response_extractor(self, response: str) -> dict[str, Any]:
        """`{"reasoning": text, "variables": {name: value}}`; override it to read another form."""
        said = self.read(response, ())
        return {"reasoning": said.reasoning, "variables": said.values}

    def read(self, text: str, names: Collection[str], mark: str = "") -> Suggestion:
        """What a reply says; `mark` is the id that values were to bear."""
        own = type(self).output_response_extractor
        if own not in _OURS:
            found = self.output_response_extractor(text)
            return Suggestion(dict(found.get("variables") or {}), str(found.get("reasoning") or ""))
        return self.parse(text, names, mark)

    def parse(self, text: str, names: Collection[str], mark: str) -> Suggestion:
        """`read` without the hook for users."""
        return read_tags(text, names, self.tags, mark=mark)

    def variable(self, shown: Shown, mark: str = "") -> str:
        """A value to rewrite, with its constraint."""
        return self._element(self.variable_tag, shown, mark)

    def node(self, shown: Shown, mark: str = "") -> str:
        """A value to read."""
        return self._element(self.node_tag, shown, mark)

    def _element(self, tag: str, shown: Shown, mark: str) -> str:
        sign = f" id={mark}" if mark else ""
        lines = [
            f'<{tag} name="{_attribute(shown.name)}" type="{_attribute(shown.type_name)}">',
            f"<{self.value_tag}{sign}>\n{shown.text}\n</{self.value_tag}{sign}>",
        ]
        if shown.constraint:
            lines.append(
                f"<{self.constraint_tag}{sign}>\n{shown.constraint}\n</{self.constraint_tag}{sign}>"
            )
        return "\n".join([*lines, f"</{tag}>"])

    def past(self, number: int, shown: Sequence[Shown], feedback: str, mark: str = "") -> str:
        """An earlier attempt: its variables and what was said."""
        body = "\n".join(self.variable(item, mark) for item in shown)
        said = guard(feedback, self.default_prompt_symbols.values())
        return f'<round number="{number}">\n{body}\n{said}\n</round>'

    def hostile(self, texts: Sequence[str]) -> bool:
        """Does one of `texts` hold a tag or a title of this set?"""
        tags = (
            self.node_tag, self.variable_tag, self.value_tag, self.constraint_tag,
            self.reasoning_tag, self.improved_variable_tag, self.name_tag, "round",
        )  # fmt: skip
        found = re.compile(rf"</?(?:{'|'.join(map(re.escape, dict.fromkeys(tags)))})[\s>]", re.I)
        titles = self.default_prompt_symbols.values()
        return any(found.search(text) or guard(text, titles) is not text for text in texts)

    def needs_mark(self, variables: Sequence[Shown]) -> bool:
        """Could an answer hold a tag? Not if all variables are numbers or truth values."""
        return any(shown.type_name not in _SCALARS for shown in variables)

    def ask_for_mark(self, mark: str) -> str:
        """Words that ask for values between marked tags."""
        return (
            f"Put each new value between <{self.value_tag} id={mark}> and "
            f"</{self.value_tag} id={mark}>, with that id in both tags."
        )


class OptimizerPromptSymbolSetJSON(OptimizerPromptSymbolSet):
    """Values in tags, answers in JSON."""

    expect_json = True
    reasoning_key = "reasoning"
    answer_key = "answer"
    suggestion_key = "suggestion"

    @property
    def keys(self) -> Keys:
        """The keys of an answer."""
        return Keys(self.reasoning_key, self.answer_key, self.suggestion_key)

    @property
    def output_format(self) -> str:
        if self.custom_output_format_instruction is not None:
            return self.custom_output_format_instruction.strip()
        return json_format(self.keys)

    def example_output(self, reasoning: str, variables: Mapping[str, Any]) -> str:
        return json_answer(self.keys, reasoning, variables)

    def output_response_extractor(self, response: str) -> dict[str, Any]:
        said = self.read(response, ())
        return {"reasoning": said.reasoning, "variables": said.values}

    def parse(self, text: str, names: Collection[str], mark: str) -> Suggestion:  # noqa: ARG002
        return read_json(text, names, self.keys)

    def needs_mark(self, variables: Sequence[Shown]) -> bool:  # noqa: ARG002
        return False  # JSON escapes


class OptimizerPromptSymbolSet2(OptimizerPromptSymbolSet):
    """Shorter tags."""

    node_tag = "const"
    variable_tag = "var"
    value_tag = "data"
    reasoning_tag = "reason"
    improved_variable_tag = "var"


class OPROPromptSymbolSet(OptimizerPromptSymbolSet):
    """For problems without a graph: earlier solutions and what was said about them."""

    instruction_section_title = "# Instruction"
    variables_section_title = "# Solution"
    feedback_section_title = "# Feedback"
    variable_tag = "solution"

    @property
    def default_prompt_symbols(self) -> dict[str, str]:
        return {
            "instruction": self.instruction_section_title,
            "variables": self.variables_section_title,
            "feedback": self.feedback_section_title,
        }


_OURS = (
    OptimizerPromptSymbolSet.output_response_extractor,
    OptimizerPromptSymbolSetJSON.output_response_extractor,
)


def json_answer(keys: Keys, reasoning: str, variables: Mapping[str, Any]) -> str:
    """An answer in JSON as it should look."""
    body = {keys.reasoning: reasoning, keys.answer: "", keys.suggestion: dict(variables)}
    return json.dumps(body, ensure_ascii=False)


def json_format(keys: Keys) -> str:
    """How to answer in JSON, in words and by a pattern."""
    pattern = json_answer(keys, "why, in a few words", {"variable_name": "the new value"})
    return (
        f"Answer with one JSON object and nothing else:\n\n{pattern}\n\n"
        f"Under {keys.suggestion!r} list only the variables you change, by their exact names, with "
        f"values of their types. If nothing should change, leave {keys.suggestion!r} empty."
    )


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
