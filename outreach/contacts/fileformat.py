"""The shape of a known file: the column names that give it away, and where each field is read from. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Format:
    """A known file. `opt_outs_only`: a row that stops nobody is of no use, and never makes a contact."""

    key: str
    label: str
    signature: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    suppression: Literal["", "unsubscribed", "bounced"] = ""
    opt_outs_only: bool = False
