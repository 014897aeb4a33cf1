import pytest
from race import people

from chaos import scene
from followup_scheduler.lint.linter import has_errors, lint

DOCUMENTS = scene.documents() | people.documents()


@pytest.mark.parametrize("key", DOCUMENTS)
def test_what_is_injured_may_be_published(key):
    """A document that the service refuses would end a run before it has begun."""
    found = lint(DOCUMENTS[key], file=key)
    assert not has_errors(found), found
