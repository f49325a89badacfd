"""Values from words."""

from __future__ import annotations

import pytest

from neural_style import SettingsError
from neural_style.settings.words import parse_shares


def test_shares_whose_sum_is_no_number_are_refused():
    for words in ("1e308,1e308", "inf,1", "nan,1"):
        with pytest.raises(SettingsError, match="Shares of the iterations are written"):
            parse_shares(words)
