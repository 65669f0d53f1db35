"""What can go wrong, as a tree.

    FoveaError             a sentence for the user: what is wrong with what, and what to do
      PictureError         a file that cannot be read or written
      UpscalerError        weights, a device or a network that cannot do what was asked
      BudgetError          a budget out of range
      SettingsError        settings that cannot be met, or folders that cannot be used

Anything else that is raised is a defect of the program.
"""


class FoveaError(Exception):
    """The base of all errors whose message is meant for the user."""


class PictureError(FoveaError):
    """A picture file cannot be read or written."""


class UpscalerError(FoveaError):
    """Weights, a device or a network cannot do what was asked."""


class BudgetError(FoveaError):
    """A budget out of range."""


class SettingsError(FoveaError):
    """Settings that cannot be met, or folders that cannot be used."""
