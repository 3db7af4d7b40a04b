"""What of a program is searched: instructions, demonstrations, descriptions of fields.

Components are called `PREDICTOR.instructions`, `PREDICTOR.demos`, `PREDICTOR.FIELD.desc`, where
PREDICTOR is the path that `named_predictors` gives.

Lives here: `Parts`: values of a program, and programs with other values.
Never here: running programs, scores.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import dspy

from opto.interop.dspy.errors import ProgramError
from opto.interop.dspy.rows import plain
from opto.search.canon import JSON, canonical
from opto.search.demos import is_demos

CALLS, ANSWER = "calls", "answer"
"""Keys of an output in the ledger: the fields of each predictor's last call, and the answer."""
_SHOWN = 200


class Parts:
    """The searched parts of one program; the program itself is never changed."""

    def __init__(self, program: Any, *, demos: bool, descriptions: bool) -> None:
        """Find them.

        Args:
            program: A `dspy.Module`.
            demos: Are demonstrations searched?
            descriptions: Are the descriptions of fields searched?

        Raises:
            ProgramError: It is no module, or has no predictor that is not frozen.
        """
        if not isinstance(program, dspy.Module):
            raise ProgramError(
                f"{type(program).__name__} is no dspy.Module.",
                fix="Give an instance, e.g. dspy.ChainOfThought('question -> answer').",
            )
        self.program = program
        self.predictors: dict[str, Any] = dict(program.named_predictors())
        if not self.predictors:
            raise ProgramError(
                "The program has no predictor to train.",
                where=type(program).__name__,
                fix="Give it one as an attribute; a module that was compiled before is frozen: "
                "set its _compiled to False.",
            )
        self.values: dict[str, JSON] = {}
        self.about: dict[str, str] = {}
        for path, predictor in self.predictors.items():
            for name, about, value in _components(
                path, predictor, demos=demos, descriptions=descriptions
            ):
                self.values[name], self.about[name] = value, about
        self._lms = [
            held
            for _, module in program.named_sub_modules()
            for held in vars(module).values()
            if isinstance(held, dspy.BaseLM)
        ]

    def admit(self, values: Mapping[str, JSON]) -> dict[str, JSON]:
        """Proposed values as they will be used; demonstrations may be written as plain fields.

        Raises:
            ValueError: An instruction is no text or empty, or a demonstration has an odd field.
        """
        found: dict[str, JSON] = {}
        for name, value in values.items():
            path = name.rpartition(".")[0]
            if isinstance(self.values[name], list):
                found[name] = _demos(name, value, self.predictors[path].signature)
            elif not isinstance(value, str) or not value.strip():
                raise ValueError(f"{name} must be text, and not empty.")
            else:
                found[name] = value
        return found

    def built(self, values: Mapping[str, JSON]) -> Any:
        """A copy of the program with these values; models are shared with the original."""
        program = self._copied()
        for path, predictor in program.named_predictors():
            mine = self.predictors[path]
            predictor.signature = self._signature(path, mine.signature, values)
            if (name := f"{path}.demos") in values:
                predictor.demos = self._examples(name, values[name], mine)
        return program

    def write(self, values: Mapping[str, JSON]) -> None:
        """Put these values into the program itself."""
        for path, predictor in self.predictors.items():
            demos = values.get(f"{path}.demos")
            if demos is not None:
                predictor.demos = self._examples(f"{path}.demos", demos, predictor)
            predictor.signature = self._signature(path, predictor.signature, values)

    def _copied(self) -> Any:
        shared = {id(lm): lm for lm in self._lms}
        try:
            return copy.deepcopy(self.program, shared)
        except Exception:  # noqa: BLE001  (a lock, a socket: dspy knows how to go around it)
            copied = self.program.deepcopy()
        for path, predictor in copied.named_predictors():
            predictor.lm = self.predictors[path].lm
        return copied

    def _signature(self, path: str, signature: Any, values: Mapping[str, JSON]) -> Any:
        for field in signature.fields:
            name = f"{path}.{field}.desc"
            if name in values and values[name] != _desc(signature, field):
                signature = signature.with_updated_fields(field, desc=values[name])
        wanted = values[f"{path}.instructions"]
        if wanted != signature.instructions:
            signature = signature.with_instructions(wanted)
        return signature

    def _examples(self, name: str, value: JSON, predictor: Any) -> list[Any]:
        """Demonstrations as dspy takes them; the program's own are kept as they are."""
        path = name.rpartition(".")[0]
        own = {canonical(_demo(demo, predictor.signature)): demo for demo in predictor.demos}
        given = value if isinstance(value, list) else []
        shown = [item for item in given if isinstance(item, Mapping)]
        read = [(item, fields_of(item, path, predictor.signature)) for item in shown]
        return [
            own.get(canonical(item)) or dspy.Example(**fields) for item, fields in read if fields
        ]


def fields_of(demo: Mapping[str, JSON], path: str, signature: Any) -> dict[str, JSON]:
    """What a demonstration shows to one predictor; empty where it has nothing for it.

    One that was made of a run of the whole program has the fields of each predictor's call; any
    other has the fields of an example, of which a predictor takes those that it knows.
    """
    inputs, output = demo.get("input"), demo.get("output")
    if isinstance(output, Mapping) and output.keys() == {CALLS, ANSWER}:
        calls = output[CALLS]
        fields = calls.get(path) if isinstance(calls, Mapping) else None
        given = dict(fields) if isinstance(fields, Mapping) else {}
    else:
        given = {**_mapping(inputs), **_mapping(output)}
    known = {name: value for name, value in given.items() if name in signature.fields}
    return known if any(name in known for name in signature.output_fields) else {}


def _components(
    path: str, predictor: Any, *, demos: bool, descriptions: bool
) -> Iterator[tuple[str, str, JSON]]:
    signature = predictor.signature
    fields = _clip(f"{', '.join(signature.input_fields)} -> {', '.join(signature.output_fields)}")
    told = f"what the model is told to do at this step: {fields}"
    yield f"{path}.instructions", told, str(signature.instructions)
    if demos:
        told = (
            "worked examples the model is shown at this step; a list, maybe empty, of "
            '{"input": {field: value}, "output": {field: value}}, fields: ' + fields
        )
        yield f"{path}.demos", told, [_demo(demo, signature) for demo in predictor.demos]
    for field in signature.fields if descriptions else ():
        told = f"what the model is told about the field {field}"
        yield f"{path}.{field}.desc", told, _desc(signature, field)


def _desc(signature: Any, field: str) -> str:
    return str((signature.fields[field].json_schema_extra or {}).get("desc") or field)


def _demo(demo: Any, signature: Any) -> JSON:
    """One of dspy's demonstrations, an Example or a mapping, as JSON."""
    given = plain(dict(demo.items()))
    return {
        "input": {name: given[name] for name in signature.input_fields if name in given},
        "output": {name: given[name] for name in signature.output_fields if name in given},
    }


def _demos(name: str, value: JSON, signature: Any) -> JSON:
    """Proposed demonstrations in our form.

    Raises:
        ValueError: They are no list of mappings, or one has a field that the signature lacks.
    """
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list of demonstrations.")  # noqa: TRY004  (malformed)
    return [_read(f"{name}[{at}]", item, signature) for at, item in enumerate(value)]


def _read(where: str, item: JSON, signature: Any) -> JSON:
    if not isinstance(item, Mapping):
        raise ValueError(f"{where} must be a mapping of fields.")  # noqa: TRY004  (malformed)
    if is_demos([item]):
        output = item["output"]
        if isinstance(output, Mapping) and output.keys() == {CALLS, ANSWER}:
            return {**item}
        given = {
            **_fields(where, item["input"], signature.input_fields),
            **_fields(where, output, signature.output_fields),
        }
    else:
        given = {**item}
    if odd := [field for field in given if field not in signature.fields]:
        known = ", ".join(signature.fields)
        raise ValueError(f"{where} has no field {odd[0]!r}; the fields are: {known}.")
    return _demo(given, signature)


def _fields(where: str, value: JSON, known: Mapping[str, Any]) -> Mapping[str, JSON]:
    """A mapping of fields; where there is one field only, its value alone will do."""
    if isinstance(value, Mapping):
        return value
    if len(known) == 1:
        return {next(iter(known)): value}
    raise ValueError(f"{where} must name its fields: {', '.join(known)}.")


def _mapping(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, Mapping) else {}


def _clip(shown: str) -> str:
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
