"""Settings: a wrong one stops the start and says what would be right."""

import pytest
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from tunekin.errors import SettingsError
from tunekin.settings import Settings, forbid_unknown, names_of, read


class Group(Settings):
    """Some settings."""

    model_config = SettingsConfigDict(env_prefix="TUNEKIN_TEST_")
    limit_s: float = Field(default=1.5, gt=0)


def test_a_value_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIN_TEST_LIMIT_S", "3")
    assert read(Group).limit_s == 3.0


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIN_TEST_LIMIT_S", "")
    assert read(Group).limit_s == 1.5


@pytest.mark.parametrize("value", ["-1", "soon"])
def test_an_impossible_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TUNEKIN_TEST_LIMIT_S", value)
    with pytest.raises(SettingsError) as caught:
        read(Group)
    assert f"TUNEKIN_TEST_LIMIT_S is {value!r}" in caught.value.message


def test_an_unknown_variable_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(SettingsError) as caught:
        forbid_unknown([Group], {"TUNEKIN_TEST_LIMITS": "3", "HOME": "/", "TUNEKIN_TEST_AUDIO": "x"})
    assert "TUNEKIN_TEST_LIMITS" in caught.value.message
    assert caught.value.hint == "did you mean TUNEKIN_TEST_LIMIT_S?"


def test_known_variables_are_accepted() -> None:
    forbid_unknown([Group], dict.fromkeys(names_of(Group), "1"))


def test_variables_of_parts_that_the_program_does_not_have_are_passed_over() -> None:
    forbid_unknown([Group], {"TUNEKIN_KAFKA_PREFIX": "x", "TUNEKIN_RANKER_ANYTHING": "x", "TUNEKIN_WORKERS": "2"})
    with pytest.raises(SettingsError, match="TUNEKIN_RANKING_K"):
        forbid_unknown([Group], {"TUNEKIN_RANKING_K": "x"})


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Group().limit_s = 2.0  # type: ignore[misc]
