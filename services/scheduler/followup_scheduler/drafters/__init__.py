"""Who writes the draft of a touch: the template as it is, or a language model."""
