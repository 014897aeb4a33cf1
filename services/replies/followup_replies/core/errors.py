"""What can be wrong with the rule data.

RuleError (ValueError)  a rule file that cannot be understood; a fault of ours, found by the
                        first reading, never by what somebody wrote to us.
"""


class RuleError(ValueError):
    """A rule file says something that is no rule; the message names the place."""
