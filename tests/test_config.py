import os
from pathlib import Path

import pytest

from costspan.config import SettingError, Settings, read_settings, tolerant_settings, warn_of_slips


def test_settings_come_from_the_environment():
    settings = read_settings(
        {
            "COSTSPAN_STREAM_USAGE": "never",
            "COSTSPAN_METRIC_ATTRIBUTES": "team, user",
            "COSTSPAN_HOSTS": "gw.example.com=openai, 10.0.0.1:8000=vllm",
            "COSTSPAN_EXIT_TIMEOUT": "2.5",
            "COSTSPAN_METRIC_CARDINALITY": "50",
            "COSTSPAN_PROMPT_PARTS": "true",
            "COSTSPAN_DIALECTS": "openlit,logfire",
        }
    )

    assert settings.stream_usage == "never"
    assert settings.metric_attributes == ("team", "user")
    assert settings.hosts == {"gw.example.com": "openai", "10.0.0.1:8000": "vllm"}
    assert settings.exit_timeout == 2.5
    assert settings.metric_cardinality == 50
    assert settings.prompt_parts is True
    assert settings.dialects == ("openlit", "logfire")


@pytest.mark.parametrize("read", [read_settings, tolerant_settings])
def test_an_environment_that_a_program_has_put_in_place_of_its_own_is_heard(monkeypatch, read):
    monkeypatch.setattr(os, "environ", {"COSTSPAN_EVENTS": "always"})

    assert read().events == "always"


def test_what_is_given_in_code_wins_over_the_environment():
    assert read_settings({"COSTSPAN_EVENTS": "always"}, events="never").events == "never"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"hosts": {"a": "openai"}}, {"a": "openai"}),
        ({"dialects": ["openlit"]}, ("openlit",)),
        ({"prompt_parts": True}, True),
        ({"exit_timeout": 3}, 3.0),
        ({"prices": Path("prices.json")}, "prices.json"),
    ],
)
def test_a_value_of_its_own_type_is_taken_in_code(given, wanted):
    (name,) = given

    assert getattr(read_settings({}, **given), name) == wanted


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("COSTSPAN_STREAM_USAGE", "sometimes", "auto or never"),
        ("COSTSPAN_PROMPT_PARTS", "perhaps", "true or false"),
        ("COSTSPAN_EXIT_TIMEOUT", "-1", "seconds from 0 to 3600"),
        ("COSTSPAN_EXIT_TIMEOUT", "soon", "seconds from 0 to 3600"),
        ("COSTSPAN_METRIC_CARDINALITY", "0", "a whole number above 0"),
        ("COSTSPAN_HOSTS", "gateway", "pairs of host=provider"),
        ("COSTSPAN_TOKENIZERS", "llama", "pairs of model=path"),
        ("COSTSPAN_DIALECTS", "langfuse", "openinference, openlit, logfire"),
    ],
)
def test_a_bad_value_is_one_line_naming_variable_value_and_what_is_allowed(name, value, allowed):
    with pytest.raises(SettingError) as caught:
        read_settings({name: value})

    assert f"{name}={value} is not allowed" in str(caught.value)
    assert allowed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_of_no_use_at_all_is_refused():
    with pytest.raises(SettingError, match="COSTSPAN_EVENTS=None"):
        read_settings({}, events=None)


def test_an_unknown_setting_is_refused():
    with pytest.raises(SettingError, match="no setting colour"):
        read_settings({}, colour="blue")


def test_inside_an_instrumented_program_a_bad_value_is_a_warning_and_the_default(caplog):
    settings = tolerant_settings({"COSTSPAN_EVENTS": "sometimes", "COSTSPAN_STREAM_USAGE": "never"}, prices="")

    assert settings.events == "unsampled"
    assert settings.stream_usage == "never"
    assert "COSTSPAN_EVENTS=sometimes is not allowed" in caplog.text


@pytest.mark.parametrize(("given", "default"), [({"hosts": "gateway"}, "{}"), ({"exit_timeout": "soon"}, "5.0")])
def test_the_warning_names_the_default_that_is_used(caplog, given, default):
    assert tolerant_settings({}, **given) == Settings()
    assert f"the default {default} is used" in caplog.text


def test_where_nothing_is_set_all_is_the_default_and_nothing_is_said(caplog):
    assert tolerant_settings({}) == read_settings({}) == Settings()
    assert caplog.text == ""


def test_a_bad_value_is_told_once_however_many_sdks_read_it(caplog):
    for _ in range(3):
        tolerant_settings({"COSTSPAN_DIALECTS": "klingon"})

    assert len(caplog.records) == 1


def test_a_variable_with_a_slip_is_told_and_one_that_kubernetes_makes_is_not(caplog, monkeypatch):
    monkeypatch.setenv("COSTSPAN_BUDGET", "budgets.yaml")
    monkeypatch.setenv("COSTSPAN_LEDGER_SERVICE_HOST", "10.0.0.7")
    monkeypatch.setenv("COSTSPAN_PORT", "tcp://10.0.0.7:4318")
    monkeypatch.setenv("COSTSPAN_TOKEN", "secret")
    warn_of_slips()

    [said] = caplog.messages
    assert said == "COSTSPAN_BUDGET is no setting of costspan, and nothing happens: did you mean COSTSPAN_BUDGETS?"


def test_an_empty_variable_is_no_value():
    assert read_settings({"COSTSPAN_EVENTS": ""}) == Settings()
