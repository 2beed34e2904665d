"""Author errors of a profile that show without a guide: fields, types, codes, conditions, shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edi_server.canonical import DOCUMENTS, Record
from edi_server.translation.checks import CHECKS
from edi_server.translation.codecs import CODECS
from edi_server.translation.formulas import FormulaError, parse_formula
from edi_server.translation.nearest import nearest_of
from edi_server.translation.profile import (
    CodeTable,
    Entry,
    Line,
    Profile,
    ProfileProblem,
    Shape,
    Source,
    record_class,
)
from edi_server.translation.records import Field, fields_of
from edi_server.translation.views import VIEWS

#: Sentence, and words of which the nearest to a wrong one was probably meant.
_Problem = tuple[str, str, Iterable[str]]


def check_static(profile: Profile) -> list[ProfileProblem]:
    """What is wrong with a profile whatever the guide."""
    found: list[ProfileProblem] = []
    for shape in profile.shapes.values():
        record = shape_record(profile, shape)
        if record is None:
            valid = [name for name in _record_names() if name not in DOCUMENTS]
            found.append(_problem(shape.source, f"shapes.{shape.name}.is", _unknown(shape.record, "record", valid)))
            continue
        found += _check_shape(profile, shape, record)
    found += _check_about(profile)
    found += [problem for table in profile.codes.values() for problem in _check_codes(table)]
    return found + _check_unused(profile)


def shape_record(profile: Profile, shape: Shape) -> type[Record] | None:
    """The class that a shape makes; the document's is the canonical class or its view's arrangement."""
    if shape.name != "document":
        return record_class(shape.record)
    view = VIEWS.get(profile.view or "")
    return view.arrangement if view else DOCUMENTS.get(profile.document)


def _record_names() -> list[str]:
    from edi_server.canonical import RECORDS
    from edi_server.translation.profile import ARRANGEMENTS

    return [*RECORDS, *ARRANGEMENTS]


def _check_about(profile: Profile) -> Iterator[ProfileProblem]:
    source = profile.shapes["document"].source
    view = VIEWS.get(profile.view or "")
    if profile.view and view is None:
        yield _problem(source, "profile.view", _unknown(profile.view, "view", VIEWS))
    if view and view.document is not DOCUMENTS.get(profile.document):
        yield _problem(source, "profile.view", (f"arranges a {view.document.__name__}", "", ()))
    for name in profile.checks:
        check = CHECKS.get(name)
        if check is None:
            yield _problem(source, "checks", _unknown(name, "check", CHECKS))
        elif DOCUMENTS.get(profile.document) not in check.documents:
            yield _problem(source, "checks", (f"{name} cannot judge the document type {profile.document}", "", ()))


def _check_shape(profile: Profile, shape: Shape, record: type[Record]) -> Iterator[ProfileProblem]:
    fields = fields_of(record)
    before: list[str] = []
    for entry in shape.entries:
        for line in dict.fromkeys(line for line in (entry.reading, entry.writing) if line):
            for problem in _check_line(profile, record, line, before):
                yield _problem(entry.source, _key(entry), problem)
        before.append(entry.key)
    bound = {entry.key for entry in shape.entries if entry.reading}
    for field in fields.values():
        if field.required and field.name not in bound and shape.entries:
            sentence = f"a {record.__name__} needs its {field.name}, which no line reads"
            yield _problem(shape.source, f"shapes.{shape.name}", (sentence, "", ()))


def _check_line(profile: Profile, record: type[Record], line: Line, before: list[str]) -> Iterator[_Problem]:
    if line.kind == "constant":
        return
    if line.kind == "computed":
        yield from _check_formula(line, record)
        return
    field = fields_of(record).get(line.field)
    if field is None:
        yield _unknown(line.field, f"field of {record.__name__}", fields_of(record))
        return
    if line.written_from and not hasattr(record, line.written_from):
        yield _unknown(line.written_from, f"property of {record.__name__}", dir(record))
    yield from _check_when(line, record, before)
    if line.kind == "value":
        yield from _check_value(profile, field, line)
    else:
        yield from _check_shaped(profile, field, line)


def _check_formula(line: Line, record: type[Record]) -> Iterator[_Problem]:
    try:
        parse_formula(line.value, record)
    except FormulaError as error:
        yield f"{line.value!r} {error}", "", ()


def _check_when(line: Line, record: type[Record], before: list[str]) -> Iterator[_Problem]:
    for name, value in line.when:
        field = fields_of(record).get(name)
        if field is None:
            yield _unknown(name, "field (in when)", fields_of(record))
        elif name not in before:
            yield f"when tests {name}, which is read later: put its line first", "", ()
        elif field.choices and value not in field.choices:
            yield _unknown(value, f"value of {name} (in when)", field.choices)
        elif field.kind not in ("text", "choice") or field.many:
            yield f"when tests {name}, which is not a text", "", ()


def _check_shaped(profile: Profile, field: Field, line: Line) -> Iterator[_Problem]:
    if field.record is None:
        yield f"{line.kind} makes records, but {field.name} holds {_holds(field)}: write at", "", ()
    elif field.many != (line.kind == "each"):
        yield f"{field.name} is {_holds(field)}: write {'each' if field.many else 'within'}", "", ()
    elif line.shape is None:
        yield "has no shape: say how the record is made", "", ()
    elif line.shape not in profile.shapes or line.shape == "document":
        yield _unknown(line.shape, "shape", [name for name in profile.shapes if name != "document"])
    else:
        made = record_class(profile.shapes[line.shape].record)
        if made is not None and made is not field.record:
            yield f"{field.name} holds {field.record.__name__}, but shape {line.shape} makes {made.__name__}", "", ()
    if len(line.at) > 1:
        yield f"{line.kind} takes one path", "", ()


def _check_value(profile: Profile, field: Field, line: Line) -> Iterator[_Problem]:
    if field.record is not None:
        yield f"{field.name} is {_holds(field)}: write {'each' if field.many else 'within'} and shape", "", ()
        return
    codec = CODECS[line.codec]
    kind = "text" if field.kind == "choice" else field.kind
    if codec.kind != kind:
        fitting = [one.name for one in CODECS.values() if one.kind == kind]
        yield f"as = {line.codec!r} makes {codec.kind}, but {field.name} holds {_holds(field)}", "", fitting[:1]
    if bool(line.many) != field.many and not (line.many and line.join is not None):
        yield f"{field.name} is {_holds(field)}: {'write' if field.many else 'leave out'} many", "", ()
    if line.when and line.many:
        yield "when does not go with many", "", ()
    if line.join is not None and codec.kind != "text":
        yield "join is for texts", "", ()
    if line.parts and len(line.parts) != codec.arity:
        yield f"as = {line.codec!r} takes {codec.arity} parts, not {len(line.parts)}", "", ()
    if not line.parts and codec.arity > 1 and not codec.elements:
        yield f"as = {line.codec!r} needs parts", "", ()
    yield from _check_coded(profile, field, line)
    yield from _check_default(field, line)


def _check_coded(profile: Profile, field: Field, line: Line) -> Iterator[_Problem]:
    if line.codes is None:
        if field.choices:
            yield f"{field.name} is one of {', '.join(field.choices)}: say by which codes", "", ()
        return
    table = profile.codes.get(line.codes)
    if table is None:
        yield _unknown(line.codes, "code table", profile.codes)
        return
    if line.codec != "text":
        yield "codes are for texts: leave out as", "", ()
    if line.open and field.choices:
        yield f"open keeps any code, but {field.name} is one of {', '.join(field.choices)}", "", ()
    for code in table.codes:
        if field.choices and code.value not in field.choices:
            word, kind, valid = _unknown(code.value, f"value of {field.name}", field.choices)
            yield f"codes.{table.name}.{code.code} ({code.source}): {word}", kind, valid


def _check_default(field: Field, line: Line) -> Iterator[_Problem]:
    if line.default is not None:
        if field.optional or field.many:
            yield f"default is for fields that cannot be absent, and {field.name} can: read absent as absent", "", ()
        elif field.choices and line.default not in field.choices:
            yield _unknown(line.default, f"value of {field.name}", field.choices)
    elif not field.optional and not field.required and not field.many:
        yield f"{field.name} cannot be absent: write the default, so that it can be read here", "", ()


def _holds(field: Field) -> str:
    one = field.record.__name__ if field.record else field.kind
    return f"a list of {one}" if field.many else f"one {one}"


def _check_codes(table: CodeTable) -> Iterator[ProfileProblem]:
    """Reading a code and writing it back must give the same code."""
    by_value: dict[str, str] = {}
    for code in table.codes:
        if code.read_only:
            continue
        other = by_value.setdefault(code.value, code.code)
        if other != code.code:
            sentence = (
                f"{other} and {code.code} both mean {code.value}: mark those that are never written with read = true"
            )
            yield _problem(code.source, f"codes.{table.name}.{code.code}", (sentence, "", ()))


def _check_unused(profile: Profile) -> list[ProfileProblem]:
    lines = [
        (shape.name, line)
        for shape in profile.shapes.values()
        for entry in shape.entries
        for line in (entry.reading, entry.writing)
        if line
    ]
    used_shapes, grown = {"document"}, True
    while grown:
        more = {line.shape for owner, line in lines if owner in used_shapes and line.shape} - used_shapes
        used_shapes |= more
        grown = bool(more)
    used_codes = {line.codes for _, line in lines}
    found = [
        _problem(shape.source, f"shapes.{shape.name}", ("is used by no line", "", ()))
        for shape in profile.shapes.values()
        if shape.name not in used_shapes
    ]
    return found + [
        _problem(table.codes[0].source, f"codes.{table.name}", ("is used by no line", "", ()))
        for table in profile.codes.values()
        if table.name not in used_codes
    ]


def _key(entry: Entry) -> str:
    return f"{entry.owner}.{entry.key}" if entry.owner == "document" else f"shapes.{entry.owner}.{entry.key}"


def _unknown(word: str, what: str, valid: Iterable[str]) -> _Problem:
    return f"{word!r} is not a {what}", word, list(valid)


def _problem(source: Source, key: str, problem: _Problem) -> ProfileProblem:
    sentence, word, valid = problem
    choices = list(valid)
    near = nearest_of(word, choices) if word else next(iter(choices), None)
    if word and not near and choices:
        sentence += f"; valid: {', '.join(sorted(choices))}"
    return ProfileProblem(file=source.file, line=source.line, key=key, sentence=sentence, nearest=near)
