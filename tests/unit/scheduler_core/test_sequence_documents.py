from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_scheduler.core import durations, source
from followup_scheduler.core.document import Sequence, from_json, json_schema, parse, to_json
from followup_scheduler.core.errors import BadDocument, Fault
from followup_scheduler.core.library import files_of, library, load

SMALL = """\
format: 1
key: small
name: Small
steps:
  - id: first
    at: {after: 0m, window: at_once}
    touches:
      - channel: voice
        template: call
  - id: second
    at: {day: 2}
    touches:
      - channel: sms
        template:
          - when: {voicemail_left: first}
            use: told
          - use: plain
templates:
  call: {text: Hello, voicemail: Hello}
  told: {text: I left a message}
  plain: {text: Hi}
"""


def answered(read: Callable[[], Sequence]) -> bool:
    """Whether reading gives a sequence, or says what is wrong."""
    try:
        return isinstance(read(), Sequence)
    except BadDocument as bad:
        return bool(bad.errors)


def faults(text: str) -> list[Fault]:
    with pytest.raises(BadDocument) as caught:
        parse(text, file="mine.yaml")
    return list(caught.value.errors)


def the_fault(text: str) -> Fault:
    found = faults(text)
    assert len(found) == 1, found
    return found[0]


def test_a_small_document_is_read() -> None:
    """A document gives its steps in order, with choices of templates kept in theirs."""
    sequence = parse(SMALL)
    assert [step.id for step in sequence.steps] == ["first", "second"]
    assert [choice.use for choice in sequence.steps[1].touches[0].choices()] == ["told", "plain"]
    assert sequence.step_after(None) == sequence.steps[0]
    assert sequence.step_after("first") == sequence.steps[1]
    assert sequence.step_after("second") is None
    assert sequence.step_after("no such step") is None


def test_the_library_is_known_by_the_keys_inside_its_files() -> None:
    """A file's name says more than its key; enrollments hold the key, whatever the name."""
    names = [file.name for file in (files("followup_scheduler") / "library").iterdir()]
    named = {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b1", "b2", "b3", "c1", "c3"}
    assert named | {"d1", "d1-web", "d2-cold", "d2-google", "d2-referral"} <= library().keys()
    assert sorted(n for n in names if n.endswith(".yaml")) == sorted(files_of().values())
    assert all(name.startswith(key.split("-")[0]) for key, name in files_of().items())
    assert [load(key).key for key in library()] == list(library())


@pytest.mark.parametrize("key", sorted(library()))
def test_json_brings_back_the_same_sequence(key: str) -> None:
    """What is stored as JSON is the sequence that was read, defaults written out."""
    sequence = load(key)
    stored = to_json(sequence)
    assert from_json(stored) == sequence
    assert stored["limits"].keys() == {"slide", "call", "unknown", "anchor"}


@pytest.mark.parametrize("key", sorted(library()))
def test_the_published_schema_accepts_the_library(key: str) -> None:
    """Editors that check with the JSON Schema agree with the reader on good documents."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(source.read(library()[key], file=key).values, schema)
    jsonschema.validate(to_json(load(key)), schema)


def test_the_published_schema_refuses_what_the_reader_refuses() -> None:
    """A misspelt field is found by the schema too."""
    wrong = to_json(parse(SMALL)) | {"stpes": []}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema())


def test_a_misspelt_field_is_named_with_its_line_and_a_suggestion() -> None:
    """The first thing a person gets wrong is a name."""
    fault = faults(SMALL.replace("channel: sms", "chanel: sms"))[0]
    assert fault == Fault(13, "/steps/1/touches/0/chanel", "no such field", "did you mean channel?")


def test_a_misspelt_template_is_suggested() -> None:
    """A reference to no template names the nearest one."""
    found = faults(SMALL.replace("use: plain", "use: plian"))
    assert (
        Fault(17, "/steps/1/touches/0/template/1", "no template 'plian'", "did you mean plain?")
        in found
    )


def test_a_misspelt_intent_is_suggested() -> None:
    """Reactions are keyed by intents, and the nearest one is offered."""
    fault = the_fault(SMALL + "on: {intrested: {do: hold}}\n")
    assert (fault.path, fault.suggestion) == ("/on/intrested", "did you mean interested?")


@pytest.mark.parametrize(
    ("change", "to", "path", "says"),
    [
        ("id: second", "id: first", "/steps/1/id", "another step"),
        ("{day: 2}", "{day: 2, after: 1h}", "/steps/1/at", "either day or after"),
        ("{day: 2}", "{}", "/steps/1/at", "either day or after"),
        ("{day: 2}", "{after: 2 days}", "/steps/1/at/after", "is no duration"),
        ("{day: 2}", "{day: -1}", "/steps/1/at/day", "greater than or equal to 0"),
        ("{after: 0m, window: at_once}", "{day: 5}", "/steps/1/at", "before the step above"),
        ("voicemail_left: first", "voicemail_left: second", "/steps/1/touches/0", "no step before"),
        ("voicemail: Hello", "subject: Hello", "/templates/call", "a call has no subject"),
        ("plain: {text: Hi}", "plain: {text: Hi, subject: Hi}", "/templates/plain", "an SMS has"),
        ("key: small", "key: Small One", "/key", "lower-case"),
        ("format: 1", "format: 2", "/format", "1"),
        ("- when: {voicemail_left: first}\n            use: told", "- use: told",
         "/steps/1/touches/0/template/0", "never used"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_path(change: str, to: str, path: str, says: str) -> None:
    """Every kind of fault points to its place and says what is wrong there."""
    assert change in SMALL
    found = faults(SMALL.replace(change, to))
    assert any(fault.path == path and says in fault.message for fault in found), found
    assert all(fault.line for fault in found)


def test_a_template_that_nobody_uses_is_a_fault() -> None:
    """Content that can never be sent is a mistake, most often of spelling."""
    fault = the_fault(SMALL + "  spare: {text: Hi}\n")
    assert (fault.path, fault.message) == ("/templates/spare", "no touch uses it")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("[1, 2]", "a map"),
        ("just words", "a map"),
        ("a: [1", "not YAML"),
        ("a: 1\na: 2", "already on line 1"),
        ("a: &x [1]\nb: *x", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [ls]", "tags are not supported"),
        ("a: 1\n---\nb: 2", "one document"),
        ("{" * 31 + "}" * 31, "deeper than"),
        ("[" * 50_000, "deeper than"),
        ("a: \x00", "not YAML"),
        ("a: \ud800", "not YAML"),
        ("? [a, b]\n: 1", "must be a word"),
        ("a: " + "x" * 300_000, "larger than 256 KB"),
    ],
)
def test_text_that_is_no_plain_yaml_is_refused(text: str, says: str) -> None:
    """Bombs, tags, doubles and torn text are refused before anything is built of them."""
    assert says in faults(text)[0].message


def test_words_stay_words() -> None:
    """`on` is a field and `10:30` a text, whatever YAML 1.1 makes of them."""
    fault = faults("on: yes\nkey: 10:30\nname: 0x10\n" + SMALL.partition("name: Small\n")[2])
    assert {f.path for f in fault} == {"/on", "/key"}


@given(st.text(max_size=300) | st.text(alphabet="{}[]:-&*!\n ab'\"|>", max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever is sent, the answer is a sequence or a list of faults."""
    assert answered(lambda: parse(text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["key", "steps", "at", "touches", "templates", "on", "text"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_breaks_the_reader(values: object) -> None:
    """Whatever JSON is put, the answer is a sequence or a list of faults."""
    assert answered(lambda: from_json(values))


@given(st.integers(0, 1_830).map(lambda n: timedelta(days=n)) | st.integers(1, 9_999).map(
    lambda n: timedelta(seconds=n)))  # fmt: skip
def test_durations_come_back_as_they_were(length: timedelta) -> None:
    """Writing a duration and reading it gives the same."""
    assert durations.read(durations.write(length)) == length


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-1h", "1.5h", "1 h", "05m", "9999d", "1w", "1h30m"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A whole number and a unit, at most five years."""
    with pytest.raises(ValueError, match=r"duration|longer"):
        durations.read(text)
