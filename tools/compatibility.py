"""Tell what would break those who were written against what was published.

    python tools/compatibility.py             what breaks, a line each; 1 if anything does
    python tools/compatibility.py --publish   take today's documents for the published ones

Published are the documents in tests/contracts/published. What is asked may become more
than it was, what is answered may not become less: so the same comparison serves both ways,
with today's document as the reader of requests and the published one as that of answers.
A word that is new in an answer breaks nobody: readers are told to expect some.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "tests/contracts/published"
CURRENT = ROOT / "docs/reference"
HTTP, MESSAGES = "openapi.json", "asyncapi.json"

Schema = Any
"""A JSON Schema: a mapping, or whether anything at all is meant."""

_AT_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_AT_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_AS_IT_IS = ("pattern", "format", "multipleOf", "uniqueItems")
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


@dataclass(frozen=True)
class Reading:
    """What the schemas of a writer's document allow and those of a reader's do not.

    That is what the reader would refuse. `answers`: it reads answers; it takes words it does
    not know, and misses every field that is not there any more.
    """

    reader: Mapping[str, Any]
    writer: Mapping[str, Any]
    answers: bool = False
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def refusals(self, reads: Schema, writes: Schema, at: str) -> Iterator[str]:
        """Why something of `writes` would be refused by `reads`, with the place."""
        known = (json.dumps(reads, sort_keys=True), json.dumps(writes, sort_keys=True))
        if known in self._seen:
            return  # compared already, or just being compared
        self._seen.add(known)
        taken = alternatives(self.reader, reads)
        for written in alternatives(self.writer, writes):
            reasons = [list(self._plainly(each, written, at)) for each in taken]
            if all(reasons):
                yield from min(reasons, key=lambda found: (_of_kind(found), len(found)))

    def _plainly(self, reads: Schema, writes: Schema, at: str) -> Iterator[str]:
        """The same for two schemas without alternatives."""
        kind, written = reads.get("type"), writes.get("type")
        if kind is not None and kind != written and (kind, written) != ("number", "integer"):
            yield f"{at}: {written or 'anything'} is no {kind}"
            return
        yield from self._values(reads, writes, at)
        yield from _limits(reads, writes, at)
        if "properties" in reads or "required" in reads or "additionalProperties" in reads:
            yield from self._properties(reads, writes, at)
        if "items" in reads:
            yield from self.refusals(reads["items"], writes.get("items", {}), f"{at}/*")

    def _values(self, reads: Schema, writes: Schema, at: str) -> Iterator[str]:
        words, written = _words(reads), _words(writes)
        if words is None or (self.answers and written is not None):
            return
        for word in [None] if written is None else written:
            if word not in words:
                yield f"{at}: {'any value' if written is None else json.dumps(word)} is refused"

    def _properties(self, reads: Schema, writes: Schema, at: str) -> Iterator[str]:
        known, others = reads.get("properties", {}), reads.get("additionalProperties", True)
        gone = known.keys() - writes.get("properties", {}).keys() if self.answers else set()
        for name in gone:
            yield f"{at}/{name}: it is gone"
        for name in reads.get("required", ()):
            if name not in gone and name not in writes.get("required", ()):
                yield f"{at}/{name}: it is required"
        for name, written in writes.get("properties", {}).items():
            if name in known:
                yield from self.refusals(known[name], written, f"{at}/{name}")
            elif others is False:
                yield f"{at}/{name}: it is not known"
            else:
                yield from self.refusals(others, written, f"{at}/{name}")
        if others is not True:
            more = writes.get("additionalProperties", True)
            if more is not False and others is False:
                yield f"{at}: properties of other names are refused"
            elif more is not False:
                yield from self.refusals(others, more, f"{at}/*")


def alternatives(document: Mapping[str, Any], schema: Schema) -> list[Schema]:
    """The schemas of which a value fits one; references followed, types apart."""
    if isinstance(schema, bool):
        return [{}] if schema else []
    schema = resolved(document, schema)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return [one for each in schema[word] for one in alternatives(document, each)]
    if len(schema.get("allOf", ())) == 1:
        return alternatives(document, schema["allOf"][0])
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def resolved(document: Mapping[str, Any], value: Any) -> Any:
    """What a reference of a document leads to."""
    while isinstance(value, Mapping) and isinstance(reference := value.get("$ref"), str):
        value = document
        for part in reference.removeprefix("#/").split("/"):
            value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def broken_http(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What of an OpenAPI document breaks clients of an older one."""
    for path, methods in old["paths"].items():
        for method in _METHODS & methods.keys():
            at = f"{method.upper()} {path}"
            operation = new["paths"].get(path, {}).get(method)
            if operation is None:
                yield f"{at}: it is gone"
            else:
                yield from _of_operation(old, new, (methods[method], operation), at)


def _of_operation(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    both: tuple[Mapping[str, Any], Mapping[str, Any]],
    at: str,
) -> Iterator[str]:
    asked = Reading(reader=new, writer=old)
    before, after = both
    if after.get("security", []) not in ([], before.get("security", [])):
        yield f"{at}: it needs another scope"
    yield from _parameters(asked, before, after, at)
    yield from _bodies(asked, before, after, at)
    for status, response in before["responses"].items():
        if status >= "400":
            continue  # refusals have one form, and clients meet any
        if status not in after["responses"]:
            yield f"{at} {status}: it is gone"
            continue
        told = Reading(reader=old, writer=new, answers=True)
        was = resolved(old, response).get("content", {})
        now = resolved(new, after["responses"][status]).get("content", {})
        yield from _contents(told, (was, now), f"{at} {status}", swapped=True)


def _parameters(
    asked: Reading, before: Mapping[str, Any], after: Mapping[str, Any], at: str
) -> Iterator[str]:
    known = {(p["in"], p["name"]): p for p in before.get("parameters", ())}
    taken = {(p["in"], p["name"]): p for p in after.get("parameters", ())}
    for place, name in known:
        if (place, name) not in taken:
            yield f"{at} {place} {name}: it is gone"
    for key, parameter in taken.items():
        was = known.get(key)
        if parameter.get("required") and not (was and was.get("required")):
            yield f"{at} {' '.join(key)}: it is required"
        if was:
            yield from asked.refusals(parameter["schema"], was["schema"], f"{at} {' '.join(key)}")


def _bodies(
    asked: Reading, before: Mapping[str, Any], after: Mapping[str, Any], at: str
) -> Iterator[str]:
    was, now = before.get("requestBody", {}), after.get("requestBody", {})
    if now.get("required") and not was.get("required"):
        yield f"{at} body: it is required"
    if was:
        both = (was["content"], now.get("content", {}))
        yield from _contents(asked, both, f"{at} body", swapped=False)


def _contents(
    reading: Reading, both: tuple[Mapping[str, Any], Mapping[str, Any]], at: str, *, swapped: bool
) -> Iterator[str]:
    """`swapped`: the older one reads."""
    was, now = both
    for kind in was:
        if kind not in now:
            yield f"{at}: {kind} is gone"
            continue
        older, newer = was[kind].get("schema", {}), now[kind].get("schema", {})
        reads, writes = (older, newer) if swapped else (newer, older)
        yield from reading.refusals(reads, writes, at)


def broken_messages(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What of an AsyncAPI document breaks publishers and consumers of an older one.

    Their payloads are held to their golden schemas; here it is where they go.
    """
    for name, channel in old["channels"].items():
        now = new["channels"].get(name)
        if now is None:
            yield f"{name}: it is gone"
            continue
        if now.get("address") != channel.get("address"):
            yield f"{name}: its address is another"
        if now.get("bindings") != channel.get("bindings"):
            yield f"{name}: its bindings are others"
        for message in channel.get("messages", {}).keys() - now.get("messages", {}).keys():
            yield f"{name}: {message} is gone from it"


def _limits(reads: Schema, writes: Schema, at: str) -> Iterator[str]:
    for words, tighter in ((_AT_LEAST, 1), (_AT_MOST, -1)):
        for word in words:
            if word in reads and (word not in writes or tighter * (reads[word] - writes[word]) > 0):
                yield f"{at}: {word} is {reads[word]}"
    for word in _AS_IT_IS:
        if word in reads and reads[word] != writes.get(word):
            yield f"{at}: {word} is {reads[word]}"


def _words(schema: Schema) -> Sequence[Any] | None:
    """The only values there are, if they are named."""
    found: Sequence[Any] | None = [schema["const"]] if "const" in schema else schema.get("enum")
    return found


def _of_kind(reasons: Sequence[str]) -> bool:
    """Whether the very kind of value is another: the least telling of reasons."""
    return any(" is no " in reason for reason in reasons)


def broken(published: Path, current: Path) -> list[str]:
    """What of the documents of one folder breaks who reads those of another."""
    documents = [
        (json.loads((published / name).read_text()), json.loads((current / name).read_text()))
        for name in (HTTP, MESSAGES)
    ]
    return sorted([*broken_http(*documents[0]), *broken_messages(*documents[1])])


def main(arguments: Sequence[str]) -> int:
    """Check, or publish; 1 when something breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--publish", action="store_true")
    if parser.parse_args(arguments).publish:
        PUBLISHED.mkdir(parents=True, exist_ok=True)
        for name in (HTTP, MESSAGES):
            (PUBLISHED / name).write_text((CURRENT / name).read_text())
        return 0
    found = broken(PUBLISHED, CURRENT)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
