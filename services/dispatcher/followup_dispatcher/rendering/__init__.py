"""From a template and what is known of a person to the words that go out."""
