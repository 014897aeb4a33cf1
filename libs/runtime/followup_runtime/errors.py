"""What can go wrong while a process is set up.

RuntimeFault
└── SettingsError       a setting is missing or wrong; the text names the variable
"""


class RuntimeFault(Exception):
    """The root of this package's exceptions."""


class SettingsError(RuntimeFault):
    """One line for whoever started the process."""
