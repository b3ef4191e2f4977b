"""Limits from a file: for whom, for how long, and how they are told."""

import json
import logging
import os
import sys
import time
from contextlib import nullcontext
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import costspan
from costspan import BudgetExceededError
from costspan.budgets import Limit
from costspan.config import SettingError
from costspan.instrumentors import PLUGIN
from costspan.limits import Period, Quota, read_quotas
from costspan.rollup import Spend


@pytest.fixture
def limited(telling, tmp_path):
    def switch_on(*entries, **settings):
        path = tmp_path / "budgets.json"
        path.write_text(json.dumps({"budgets": entries}))
        return telling(budgets=str(path), **settings)

    return switch_on


class Clock:
    def __init__(self, zone, *when):
        self.zone = ZoneInfo(zone)
        self.set(*when)

    def set(self, *when):
        self.now = datetime(*when, tzinfo=self.zone).timestamp()

    def __call__(self):
        return self.now


def test_a_limit_for_a_team_refuses_only_that_team(limited, caplog):
    program = limited({"team": "search", "tokens": 29, "per": "day", "on_exceed": "raise"})
    for team in ("search", "support", "support"):
        with costspan.attribution(team=team):
            program.ask()
    with costspan.attribution(team="search"), pytest.raises(BudgetExceededError, match="'team=search per day'"):
        program.ask()
    program.ask()
    assert not caplog.records


@pytest.mark.parametrize("strict", [{"strict": True}, {}])
def test_after_a_call_without_a_price_a_strict_limit_refuses(limited, strict):
    program = limited({"usd": 1, "on_exceed": "raise", **strict})
    program.ask(model="no-such-model")
    with pytest.raises(BudgetExceededError) if strict else nullcontext():
        program.ask()


def test_a_limit_for_a_tag_refuses_only_calls_with_it(limited):
    program = limited({"tag.plan": "trial", "tokens": 29, "on_exceed": "raise"})
    for plan in ("trial", "gold", "gold"):
        with costspan.attribution(plan=plan):
            program.ask()
    with costspan.attribution(plan="trial"), pytest.raises(BudgetExceededError, match="'plan=trial per process'"):
        program.ask()


def test_what_a_budget_around_refuses_no_limit_lets_pass(limited):
    program = limited({"usd": 100})
    with costspan.budget(tokens=29):
        program.ask()
        with pytest.raises(BudgetExceededError):
            program.ask()


def test_a_star_gives_every_value_a_limit_of_its_own(limited):
    program = limited({"user": "*", "model": "gpt-4o", "tokens": 29, "on_exceed": "raise", "name": "per user"})

    def ask(user, model="gpt-4o"):
        with costspan.attribution(user=user):
            program.ask(model=model)

    ask("alice")
    ask("bob")
    ask("alice", "gpt-4o-mini")
    with pytest.raises(BudgetExceededError):
        ask("alice")


def test_a_file_warns_unless_it_says_raise(limited, caplog):
    program = limited({"usd": 0.00002, "warn_at": [0.5, 0.8], "name": "all"})
    with caplog.at_level(logging.WARNING, "costspan"):
        for _ in range(4):
            program.ask()
    assert [each.getMessage() for each in caplog.records] == [
        "budget 'all' has reached 50%: 1.77e-05 of 2e-05 USD",
        "budget 'all' has reached 80%: 1.77e-05 of 2e-05 USD",
        "budget 'all' has reached 100%: 2.655e-05 of 2e-05 USD",
    ]
    assert [attributes["costspan.budget.threshold"] for _, attributes in program.events] == [0.5, 0.8, 1.0]
    assert [attributes["costspan.budget.spent"] for _, attributes in program.events] == [1.77e-05, 1.77e-05, 2.655e-05]


def test_a_limit_that_refuses_warns_before(limited, caplog):
    program = limited({"tokens": 58, "warn_at": [0.5], "on_exceed": "raise"})
    for _ in range(2):
        program.ask()
    assert [each.getMessage() for each in caplog.records] == ["budget 'per process' has reached 50%: 29 of 58 tokens"]


def test_what_is_left_of_a_limit_that_was_crossed_is_below_0(limited):
    program = limited({"tokens": 20})
    program.ask()
    assert [point.value for _, point in program.points("costspan.quota.remaining.tokens")] == [-9]


def test_limits_are_gauges(limited):
    program = limited(
        {"team": "search", "usd": 0.5, "per": "month", "name": "search"}, {"tokens": 100, "per": "day", "name": "all"}
    )
    with costspan.attribution(team="search"):
        program.ask()
    labels = {
        "costspan.budget.name": "search",
        "costspan.budget.period": "month",
        "costspan.budget.keys": "team",
        "costspan.team": "search",
    }
    for gauge, value in (("limit", 0.5), ("spent", 8.85e-06), ("remaining", 0.5 - 8.85e-06)):
        [(attributes, point)] = program.points(f"costspan.budget.{gauge}")
        assert attributes == labels
        assert point.value == pytest.approx(value)
    for gauge, value in (("limit", 100), ("spent", 29), ("remaining", 71)):
        [(attributes, point)] = program.points(f"costspan.quota.{gauge}.tokens")
        assert point.value == value


def test_a_gauge_says_whose_budget_it_is_also_by_keys_that_no_metric_has(limited):
    """Else the alerts on a team's budget would take one user's share for that of the team."""
    program = limited({"team": "search", "user": "*", "usd": 0.5}, {"usd": 1})
    with costspan.attribution(team="search", user="alice"):
        program.ask()
    found = {labels["costspan.budget.keys"]: labels for labels, _ in program.points("costspan.budget.limit")}
    assert found.keys() == {"team,user", ""}
    assert "user.id" not in found["team,user"]


def test_after_off_and_on_again_the_gauges_show_the_file_of_now(tmp_path):
    reader, path = InMemoryMetricReader(), tmp_path / "budgets.json"
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for most in (1, 2):
        path.write_text(json.dumps({"budgets": [{"usd": most, "name": f"of {most}"}]}))
        costspan.instrument(budgets=str(path), meter_provider=provider)
        costspan.uninstrument()
    read = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    provider.shutdown()

    (limit,) = [each.data.data_points for each in read if each.name == "costspan.budget.limit"]
    assert [(each.attributes["costspan.budget.name"], each.value) for each in limit] == [("of 2", 2.0)]


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_workers_that_have_one_instance_id_from_the_environment_have_gauges_of_their_own(
    limited, monkeypatch, temporality
):
    """Each knows what it has spent itself: of one series, the last to send would be what one reads."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=ns.pod.app")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality)
    program = limited({"tokens": 29, "name": "all", "on_exceed": "raise"}, {"usd": 1, "name": "money"})
    program.ask()
    with pytest.raises(BudgetExceededError):
        program.ask()

    gauges = (f"costspan.{kind}" for kind in ("budget.spent", "quota.spent.tokens", "quota.remaining.tokens"))
    for name in gauges:
        assert [each["process.pid"] for each, _ in program.points(name)] == [str(os.getpid())]
    [(labels, refused)] = program.points("costspan.budget.refusals")
    assert refused.value == 1
    assert ("process.pid" in labels) == (temporality == "cumulative")  # deltas of one id are one sum


def test_a_gauge_is_there_before_the_first_call(limited):
    program = limited({"team": "search", "usd": 0.5})
    assert [point.value for _, point in program.points("costspan.budget.spent")] == [0.0]


def test_gauges_name_users_only_where_users_may_be_on_metrics(limited):
    entry = {"user": "*", "usd": 1, "name": "each"}
    program = limited(entry)
    for user in ("alice", "alice", "bob", "bob", "bob"):
        with costspan.attribution(user=user):
            program.ask()
    [(attributes, point)] = program.points("costspan.budget.spent")
    assert "user.id" not in attributes
    assert point.value == pytest.approx(3 * 8.85e-06)


def test_a_gauge_that_may_not_name_the_user_names_the_model_of_the_worst_and_one_user_may_be_named(limited):
    program = limited(
        {"user": "*", "model": "*", "tokens": 90, "name": "each"}, {"user": "bob", "model": "*", "tokens": 99}
    )
    for model in ("gpt-4o", "gpt-4o-mini"):
        with costspan.attribution(user="bob"):
            program.ask(model=model)
    found = [attributes for attributes, _ in program.points("costspan.quota.spent.tokens")]
    named = [(each["costspan.budget.name"], each.get("user.id"), each["gen_ai.request.model"]) for each in found]
    assert named == [("each", None, "gpt-4o")] + [
        ("user=bob model=* per process", "bob", model) for model in ("gpt-4o", "gpt-4o-mini")
    ]


def test_gauges_name_each_model(limited):
    program = limited({"model": "*", "usd": 1, "name": "each"})
    program.ask()
    [(attributes, _)] = program.points("costspan.budget.spent")
    assert "gpt-4o-mini" in attributes.values()


def test_gauges_name_each_team(limited):
    program = limited({"team": "*", "usd": 1, "name": "each"})
    assert program.points("costspan.budget.spent") == []
    for team in ("search", "support"):
        with costspan.attribution(team=team):
            program.ask()
    assert {attributes["costspan.team"] for attributes, _ in program.points("costspan.budget.limit")} == {
        "search",
        "support",
    }


def test_gauges_name_no_more_than_may_be_on_metrics(limited):
    program = limited({"model": "*", "tokens": 90}, metric_cardinality=2)
    for model in ("gpt-4o", "gpt-4o-mini", "gpt-4.1"):
        program.ask(model=model)
    assert len(program.points("costspan.quota.spent.tokens")) == 2


def test_a_gauge_that_may_name_no_one_says_nothing_before_anyone_spends(limited):
    program = limited({"user": "*", "usd": 1})
    assert program.points("costspan.budget.spent") == []


def quota(period, **limit):
    return Quota(Limit("test", **(limit or {"tokens": 100})), {}, period)


def test_a_day_begins_at_midnight_of_its_zone():
    clock = Clock("Europe/Zurich", 2026, 3, 28, 23, 59)
    each = quota(Period("day", "Europe/Zurich", clock))
    each.add((), Spend(0, 60, 1))
    assert each.spent(()).tokens == 60
    clock.set(2026, 3, 29, 0, 0)
    assert each.spent(()).tokens == 0
    each.add((), Spend(0, 10, 1))
    clock.set(2026, 3, 29, 23, 59)  # a day of 23 hours: clocks go forward
    assert each.spent(()).tokens == 10
    clock.set(2026, 3, 30, 0, 0)
    assert each.spent(()).tokens == 0
    each.add((), Spend(0, 10, 1))
    clock.set(2026, 3, 31, 0, 0)
    assert dict(each.shares()) == {(): Spend()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2026, 1, 31, 23, 59), (2026, 2, 1)),
        ((2026, 2, 28, 23, 59), (2026, 3, 1)),
        ((2026, 12, 31, 23, 59), (2027, 1, 1)),
    ],
)
def test_a_month_ends_where_the_calendar_says(before, after):
    clock = Clock("UTC", *before)
    each = quota(Period("month", "UTC", clock))
    each.add((), Spend(0, 60, 1))
    assert each.spent(()).tokens == 60
    clock.set(*after)
    each.add((), Spend(0, 10, 1))  # of a limit that only warns nobody asks before a call
    assert each.spent(()).tokens == 10


def test_a_clock_that_is_set_back_over_midnight_forgets_nothing():
    clock = Clock("UTC", 2026, 11, 22, 0, 0, 30)
    each = quota(Period("day", "UTC", clock))
    each.add((), Spend(0, 60, 1))
    clock.set(2026, 11, 21, 23, 59, 59)
    assert each.spent(()).tokens == 60
    clock.set(2026, 11, 22, 0, 1)
    assert each.spent(()).tokens == 60


def test_a_clock_that_was_far_ahead_does_not_hold_a_period_open_until_then():
    """As of a machine that starts with a wrong clock, which is set right soon after."""
    clock = Clock("UTC", 2036, 2, 7, 6, 28)
    each = quota(Period("day", "UTC", clock))
    each.add((), Spend(0, 60, 1))
    clock.set(2026, 11, 22, 12)
    assert each.spent(()).tokens == 60
    clock.set(2026, 11, 23)
    assert each.spent(()).tokens == 0


def test_the_process_is_a_period_without_end():
    clock = Clock("UTC", 2026, 1, 1)
    each = quota(Period("process", "UTC", clock))
    each.add((), Spend(0, 60, 1))
    clock.set(2036, 1, 1)
    assert each.spent(()).tokens == 60


def test_thresholds_are_crossed_once_a_period():
    clock = Clock("UTC", 2026, 1, 1)
    each = Quota(Limit("test", tokens=100), {}, Period("day", "UTC", clock), (0.5,))
    assert each.add((), Spend(0, 60, 1)) == [0.5]
    assert each.add((), Spend(0, 60, 1)) == [1.0]
    assert each.add((), Spend(0, 60, 1)) == []
    clock.set(2026, 1, 2)
    assert dict(each.shares()) == {(): Spend()}
    assert each.add((), Spend(0, 200, 1)) == [0.5, 1.0]


def test_thresholds_are_crossed_in_their_order():
    each = Quota(Limit("test", tokens=100), {}, Period("process", "UTC"), (0.8, 0.1))
    assert each.add((), Spend(0, 10, 1)) == [0.1]
    assert each.add((), Spend(0, 90, 1)) == [0.8, 1.0]


def test_the_limit_among_the_thresholds_is_told_once():
    each = Quota(Limit("test", tokens=100), {}, Period("process", "UTC"), (0.5, 1.0))
    assert each.add((), Spend(0, 100, 1)) == [0.5, 1.0]


def test_utc_is_there_where_no_zones_are(monkeypatch):
    """On Windows, and in small containers."""
    monkeypatch.setattr("costspan.limits.ZoneInfo", None)
    assert Period("day", "UTC").zone is Period("day", "utc").zone is timezone.utc


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_its_limits_to_itself(limited):
    program = limited({"tokens": 29, "on_exceed": "raise"})
    program.ask()
    [quota] = PLUGIN.recorder.spending._quotas
    with quota._lock:  # as another thread may, which the child will not have
        child = os.fork()
    if child == 0:
        try:
            nothing = costspan.current_cost() == Spend() == quota.spent(())
            program.ask()
            os._exit(0 if nothing and quota.spent(()).calls == 1 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert costspan.current_cost().calls == quota.spent(()).calls == 1


def test_what_starts_anew_has_spent_nothing(limited):
    """What a forked child calls, where no coverage is measured."""
    program = limited({"tokens": 29})
    program.ask()
    spending = PLUGIN.recorder.spending
    spending._start_anew()
    spending._quotas[0]._start_anew()
    assert costspan.current_cost() == Spend() == spending._quotas[0].spent(())


def test_the_users_that_a_star_remembers_are_bounded(monkeypatch):
    monkeypatch.setattr("costspan.limits._MOST_VALUES", 3)
    each = Quota(Limit("test", tokens=100), {"user": "*"}, Period("process", "UTC"))
    for user in ("a", "b", "a", "c", "d"):
        each.add(each.who({"user": user}), Spend(0, 10, 1))
    assert {who: spend.tokens for who, spend in each.shares()} == {
        (("user", "c"),): 10,
        (("user", "a"),): 20,
        (("user", "d"),): 10,
    }


def test_no_file_is_no_limit():
    assert read_quotas("") == ()


def test_yaml_is_read_as_json_is(tmp_path):
    path = tmp_path / "budgets.yaml"
    path.write_text("budgets:\n  - team: search\n    usd: 100\n    per: month\n    timezone: Europe/Zurich\n")
    [each] = read_quotas(str(path))
    assert (each.limit.name, each.limit.most, each.period.per) == ("team=search per month", 100 * 10**15, "month")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[1]", "must hold a list `budgets`"),
        ('{"limits": []}', "must hold a list `budgets`"),
        ("not json", "Expecting value"),
        ('[{"usd": -1}]', "entry 1 \\(per process\\): a budget must be a number of USD of 0 or more"),
        ('[{"usd": 1}, {"team": "a"}]', "entry 2 \\(team=a per process\\): a budget is either"),
        ('[{"usd": 1, "per": "week"}]', "per must be process, day, month, not 'week'"),
        ('[{"usd": 1, "timezone": "Mars/Olympus"}]', "no time zone 'Mars/Olympus': write Europe/Berlin"),
        ('[{"usd": 1, "on_exceed": ["raise"]}]', "on_exceed must be raise or warn"),
        ('[{"usd": 1, "warn_at": [0]}]', "warn_at must be shares of the limit"),
        ('[{"usd": 1, "warn_at": ["half"]}]', "entry 1 \\(per process\\): warn_at must be shares of the limit"),
        ('[{"usd": 1, "warn_at": 0.8}]', "warn_at must be shares of the limit"),
        ('[{"usd": 1, "warn_at": [80]}]', "warn_at must be shares of the limit"),
        ('[{"usd": 1, "warn_at": [10]}]', "warn_at must be shares of the limit"),
        ('[{"usd": 1, "warn_at": [NaN]}]', "warn_at must be shares of the limit"),
        ('[{"usd": 1, "strict": "false"}]', "strict true or false"),
        ('[{"usd": 1, "team": null}]', "team must be one value"),
        ('[{"usd": 1, "team": ["a", "b"]}]', "team must be one value"),
        ('[{"usd": 1, "model": "gpt-5*"}]', "model must be one value, or '\\*' for every value, not 'gpt-5\\*'"),
        ('[{"usd": 1, "perod": "month"}]', "there is no 'perod': write per, or tag.perod for a tag"),
        ('[{"usd": 1, "tem": "search"}]', "there is no 'tem': write team, or tag.tem for a tag"),
        ('[{"limt": 1}]', "there is no 'limt': write name, usd, tokens, .*conversation, or tag.limt for a tag"),
    ],
)
def test_a_file_that_is_not_understood_is_named_with_its_entry_and_cause(tmp_path, text, cause):
    path = tmp_path / "budgets.json"
    path.write_text(text)
    with pytest.raises(SettingError, match=f"COSTSPAN_BUDGETS=.*{cause}"):
        read_quotas(str(path))


@pytest.mark.parametrize("name", ["budgets.json", "budgets.yaml"])
def test_a_file_as_windows_writes_it_is_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b'\xef\xbb\xbf{"budgets":\r\n [{"team": "search", "usd": 100}]}\r\n')
    [each] = read_quotas(str(path))
    assert (each.keys, each.limit.amount) == ({"team": "search"}, 100)


def test_yaml_that_is_none_is_named_too(tmp_path):
    path = tmp_path / "budgets.yaml"
    path.write_text("budgets: [{team: search")
    with pytest.raises(SettingError, match="COSTSPAN_BUDGETS="):
        read_quotas(str(path))


def test_where_yaml_cannot_be_read_what_to_install_is_said(tmp_path, monkeypatch):
    path = tmp_path / "budgets.yaml"
    path.write_text("budgets: []")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(SettingError, match=r"pip install 'costspan\[cli\]', or write JSON"):
        read_quotas(str(path))


def test_a_limit_that_stands_twice_in_an_entry_is_named_with_its_line(tmp_path):
    path = tmp_path / "budgets.yaml"
    path.write_text("budgets:\n  - team: search\n    usd: 100\n    usd: 1000\n")
    with pytest.raises(SettingError, match=r"budgets\.yaml:4: usd stands there twice"):
        read_quotas(str(path))


def test_a_file_that_is_missing_is_an_error_in_code_and_nothing_else(telling, tmp_path):
    with pytest.raises(SettingError, match="No such file"):
        costspan.instrument(budgets=str(tmp_path / "none.json"))
    assert not costspan.instrumentors.PLUGIN.active


def test_a_real_clock_is_used_where_none_is_given():
    assert not Period("day", "UTC").is_over()
    assert Period("day", "UTC")._ends > time.time()
