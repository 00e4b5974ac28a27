"""The installed drivers, and what they ask of a person."""

import pytest

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind
from latchwork.drivers import registry


def test_every_installed_driver_says_what_it_needs() -> None:
    factories = registry.load()
    found = {provider.name: provider for provider in registry.providers(factories)}
    assert set(found) == set(factories)
    for provider in found.values():
        names = [field.name for field in provider.fields]
        assert len(set(names)) == len(names), provider.name
        assert all(field.label for field in provider.fields), provider.name
    assert [field.name for field in found["zwave_js"].fields] == ["url", "time_zone"]
    assert found["zwave_js"].fields[0].kind is FieldKind.URL


def test_defaults_of_required_fields_are_taken_by_their_driver() -> None:
    checked = registry.check_settings(registry.load(), "simulator", {"count": 3})
    assert (checked.provider.name, checked.settings, checked.secrets) == (
        "simulator",
        {"count": 3},
        {},
    )


def test_spellings_of_a_provider_and_unknown_ones() -> None:
    factories = registry.load()
    checked = registry.check_settings(factories, "Zwave-JS", {"url": "ws://host"})
    assert checked.provider.name == "zwave_js"
    assert checked.settings == {"url": "ws://host:3000"}
    with pytest.raises(Rejected, match=r"installed are: .*simulator") as refused:
        registry.check_settings(factories, "abacus", {})
    assert refused.value.rule == "provider"
