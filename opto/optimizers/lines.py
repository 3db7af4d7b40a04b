"""The look of OptoPrime's problems: a line `(type) name=value` for each value, answers in JSON.

Lives here: that set of symbols.
Never here: prompts, models, types of values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from opto.optimizers.errors import OptionError
from opto.optimizers.problem import fence
from opto.optimizers.reading.json_reply import Keys
from opto.optimizers.symbols import OptimizerPromptSymbolSetJSON

if TYPE_CHECKING:
    from opto.trace.render import Shown


class LineSymbols(OptimizerPromptSymbolSetJSON):
    """Values on lines; those of several lines in fences."""

    _TITLES = {  # noqa: RUF012  (never changed)
        "instruction": "#Instruction",
        "code": "#Code",
        "documentation": "#Documentation",
        "variables": "#Variables",
        "constraints": "#Constraints",
        "inputs": "#Inputs",
        "others": "#Others",
        "outputs": "#Outputs",
        "feedback": "#Feedback",
    }

    def __init__(
        self,
        titles: Mapping[str, str] | None = None,
        json_keys: Mapping[str, str] | None = None,
    ) -> None:
        """Use other titles or keys, in this object only.

        Raises:
            OptionError: There is no such section or key.
        """
        keys = Keys()._asdict()
        for given, known in ((titles, self._TITLES), (json_keys, keys)):
            if odd := sorted((given or {}).keys() - known.keys()):
                raise OptionError(
                    f"There is no {odd[0]!r} in a problem.", fix=f"Known: {', '.join(known)}."
                )
        self._titles = {**self._TITLES, **(titles or {})}
        self._keys = Keys(**{**keys, **(json_keys or {})})

    @property
    def default_prompt_symbols(self) -> dict[str, str]:
        return dict(self._titles)

    @property
    def keys(self) -> Keys:
        return self._keys

    def variable(self, shown: Shown, mark: str = "") -> str:  # noqa: ARG002  (the base's signature)
        return self.node(shown)

    def node(self, shown: Shown, mark: str = "") -> str:  # noqa: ARG002
        name = " ".join(shown.name.split())
        head = f"({shown.type_name}) {name}="
        if shown.type_name == "code":
            return f"{head}\n{fence(shown.text, 'python')}"
        one_line = len(shown.text.splitlines()) == 1 and shown.text == shown.text.strip()
        return f"{head}{shown.text}" if one_line else f"{head}\n{fence(shown.text)}"

    def constraint(self, shown: Shown) -> str:
        """The constraint of a variable, on lines of its own."""
        text = shown.constraint or ""
        body = f"\n{fence(text)}" if "\n" in text else f" {text}"
        return f"({shown.type_name}) {' '.join(shown.name.split())}:{body}"

    def past(self, number: int, shown: Sequence[Shown], feedback: str, mark: str = "") -> str:  # noqa: ARG002
        variables = {item.name: item.text for item in shown}
        return json.dumps({"variables": variables, "feedback": feedback}, ensure_ascii=False)

    def hostile(self, texts: Sequence[str]) -> bool:  # noqa: ARG002
        return False  # lines and fences need no marks
