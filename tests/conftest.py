"""What holds for every test."""

import os
from collections.abc import Sequence

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
"""CI judges a change, not its luck; other runs look for new examples."""
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Acceptance tests share what their file starts: one process gets the whole file. A long one is
    divided, by the values of the parameter that its `DIVIDED_BY` names."""
    for item in items:
        if item.get_closest_marker("acceptance") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def _group_of(item: pytest.Item) -> str:
    file = item.nodeid.partition("::")[0]
    divided_by = getattr(getattr(item, "module", None), "DIVIDED_BY", None)
    if not isinstance(item, pytest.Function) or divided_by is None:
        return file
    return f"{file} of {item.callspec.params[divided_by]}"
