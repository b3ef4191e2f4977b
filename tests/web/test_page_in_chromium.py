"""The page in a real browser: what it shows is what the API says, whatever names are in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Served
from ledger.ledger_spans import DAY, SECOND, call, traces
from spending import MODEL, TEAM, USER, late_call, serve

from costspan.cli.commands import costspan
from costspan.cli.tables import money

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "pages"  # copied to examples/ when they are to change


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    budgets = folder / "budgets.json"
    entries = [{"usd": 25, "per": "month"}, {"team": "search", "usd": 3, "per": "month"}]
    budgets.write_text(json.dumps({"budgets": entries}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSTSPAN_BUDGETS", str(budgets))
        made = serve(folder / "ledger.db")
        yield made
        made.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The same without the names that nobody really has."""
    made = serve(tmp_path_factory.mktemp("plain") / "ledger.db", hostile=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    from browser import Browser

    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture
def page(window, served):
    """The page, just opened; no test may leave a complaint in the console."""
    window.open(served.running.url)
    yield window
    assert window.complaints() == []


def address(page):
    return parse_qs(urlsplit(page.driver.current_url).query, keep_blank_values=True)


def read(usd):
    """As the terminal shows it; the ledger's amounts have twelve places."""
    return money(Decimal(usd).quantize(Decimal(10) ** -12))


def usage(served, query):
    return served.get(f"/api/usage?{query}")[1]


def test_every_view_shows_figures_and_nothing_is_asked_of_anybody_else(page, served):
    page.asked()
    page.open(served.running.url)
    views = page.texts("#views section h2")

    assert len(views) == 13
    assert "…" not in page.texts("#views .body > .note")
    over_the_network = [url for url in page.asked() if url.startswith(("http", "ws"))]
    assert over_the_network
    assert all(url.startswith(served.running.url + "/") for url in over_the_network)


@pytest.mark.parametrize("usd", ["0", "0.0045", "0.00123456", "0.0000012", "0.01", "9.99996", "10", "1234567.891"])
def test_money_reads_as_in_the_terminal(page, usd):
    script = "const done = arguments[1]; import('/page/format.js').then((m) => done(m.money(arguments[0])));"

    assert page.driver.execute_async_script(script, usd) == read(usd)


@pytest.mark.parametrize("by", ["model", "team"])
def test_the_figures_are_those_of_the_api(page, served, by):
    view, keys = {"model": ("models", "provider,model"), "team": ("groups", "team")}[by]
    said = usage(served, f"group_by={keys}")
    shown = page.rows(view)

    assert [row[0] for row in shown] == [row[by] or "(none)" for row in said["rows"]]
    priced = [(row, line) for row, line in zip(said["rows"], shown, strict=True) if not row["unpriced_calls"]]
    assert len(priced) > 3
    for row, line in priced:
        assert f"{row['calls']:,}" in line
        assert read(row["cost"]) in line
    assert f"{said['total']['calls']:,}" in page.total(view)
    assert read(said["total"]["cost"]) in page.total(view)


def test_a_call_without_a_price_is_unknown_and_not_zero(page):
    [line] = [row for row in page.rows("models") if row[0] == MODEL]

    assert "unknown" in line
    assert not {"$0", "0.0%"} & set(line)
    assert MODEL in [row[0] for row in page.rows("unpriced")]


def test_where_no_call_has_a_price_no_figure_is_zero(page, served):
    page.open(f"{served.running.url}/?provider=acme&what_if=openai/gpt-4o-mini")
    names = page.texts("#glance h3")

    assert dict(zip(names, page.texts("#glance .figure"), strict=True)) == dict.fromkeys(names, "unknown")
    assert page.texts("#month .note") == ["What the calls of this month cost is not known."]
    assert page.texts("#spend .note") == ["What the calls of this period cost is not known."]
    assert {row[-1] for row in page.rows("groups")} == {"-"}
    for view in ("glance", "tokens", "sure", "whatif", "models", "groups"):
        assert "$0" not in " ".join(page.texts(f"#{view}"))


def test_a_call_that_was_tried_again_shows_what_both_cost(page, served):
    [said] = [row for row in served.get("/api/retries")[1]["retries"] if row["error"] == "APIConnectionError"]
    [line] = [row for row in page.rows("errors") if row[0] == "APIConnectionError" and read("0.04") in row]

    assert (said["cost"], said["again_cost"]) == ("0.03", "0.04")
    assert line[1:] == [said["model"], "1", "1", read("0.03"), read("0.04")]


def test_names_that_look_like_markup_are_text(page):
    assert MODEL in [row[0] for row in page.rows("models")]
    assert TEAM in [row[0] for row in page.rows("groups")]
    assert page.run("return document.querySelectorAll('main img, main script').length") == 0


def test_a_filter_is_in_the_address_and_changes_every_view(page, served):
    page.choose("filter-team", "search")

    assert address(page) == {"team": ["search"]}
    assert read(usage(served, "team=search")["total"]["cost"]) in page.total("models")
    assert [row[0] for row in page.rows("groups")] == ["search"]
    page.choose("period", "7 days")
    assert address(page) == {"team": ["search"], "since": ["7d"]}
    assert f"{usage(served, 'team=search&since=7d')['total']['calls']:,}" in page.total("models")
    page.drawn_anew(page.driver.back)
    assert address(page) == {"team": ["search"]}


def test_an_address_with_filters_shows_them_and_a_chip_removes_one(page, served):
    page.open(f"{served.running.url}/?provider=acme&model=gpt*&model=%3Cimg*")
    assert [row[0] for row in page.rows("models")] == [MODEL]
    assert page.run("return document.getElementById('filter-provider').selectedOptions[0].text") == "acme"

    page.drawn_anew(lambda: page.run("document.querySelector('.chip[href*=\"model\"]').click()"))

    assert len(address(page)) == 1


def test_a_name_in_a_table_is_a_link_to_its_calls(page, served):
    page.drawn_anew(lambda: page.run("document.querySelector('#groups tbody a').click()"))

    assert list(address(page)) == ["team"]
    assert len(page.rows("groups")) == 1


def test_the_dearest_call_leads_to_its_trace_with_the_cost_of_each_span(page, served):
    dearest = next(each for each in served.get("/api/calls?order=dearest&service=shop")[1]["calls"] if each["cost"])

    page.open(f"{served.running.url}/?service=shop")
    page.run("document.querySelector('#calls tbody a[href*=trace]').click()")
    shown = page.wait(lambda: page.rows("trace"))

    assert address(page)["trace"] == [dearest["trace_id"]]
    assert shown[0][0] == "GET /answer shop"
    assert {"$0.0200", "$0.0500", "$0.1100"} == {row[4] for row in shown if row[4]}
    assert shown[0][5] == "$0.1800"
    page.run("document.querySelector('#trace button').click()")
    page.wait(lambda: not page.run("return document.getElementById('trace').open"))
    assert "trace" not in address(page)


def test_a_trace_that_is_read_by_keyboard_gives_the_focus_back(page):
    page.run("document.querySelector('#calls tbody a[href*=trace]').focus()")
    name = page.run("return document.activeElement.getAttribute('aria-label')")
    page.drawn_anew(lambda: page.press("\ue007"))  # Enter
    page.wait(lambda: page.rows("trace"))
    assert page.run("return document.activeElement.textContent") == "Close"

    page.drawn_anew(lambda: page.press("\ue00c"))  # Escape
    assert page.run("return document.activeElement.getAttribute('aria-label')") == name


def test_the_link_in_the_terminal_opens_the_trace(page, served):
    asked = ["calls", "--db", str(served.path), "--page", served.running.url, "--limit", "1"]
    shown = CliRunner().invoke(costspan, asked, env={"FORCE_COLOR": "1"}).output
    page.open(re.search("]8;[^;]*;([^\x1b]+)", shown)[1])

    assert page.wait(lambda: page.rows("trace"))


def test_the_command_for_the_terminal_asks_for_the_same_also_where_a_name_has_a_comma(page, served):
    page.open(f"{served.running.url}/?team=a&team=Sales,%20EMEA&model!=x")

    (said,) = page.texts("#command")
    assert said == r"costspan report --by model --since 30d --where 'team=a,Sales\, EMEA' --where 'model!=x'"


@pytest.fixture(params=[320, 390, 500, 1280])
def screen(window, request):
    """A window of that width; up to 500 it is a phone's."""
    said = {"width": request.param, "height": 900, "deviceScaleFactor": 1, "mobile": request.param <= 500}
    window.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", said)
    yield request.param
    window.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def cut_off(window):
    """The views with a table that is wider than its place."""
    cut = "[...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth)"
    return window.run(f"return {cut}.map((each) => each.closest('section').id)")


@pytest.mark.parametrize("asked", ["what_if=openai/gpt-4o-mini", "since=2026-10-01&until=2026-11-20"])
def test_a_page_and_its_tables_fit_the_screen_without_folding_names(window, plain, screen, asked):
    window.open(f"{plain.running.url}/?{asked}")
    assert window.run("return document.documentElement.scrollWidth") == screen
    lines = "[...document.querySelectorAll('#calls tbody a')].map((a) => a.getClientRects().length)"
    assert window.run(f"return Math.max(...{lines})") == 1
    heads = "[...document.querySelectorAll('#tokens tbody th, #calls tbody th')].map((head) => head.offsetHeight)"
    assert window.run(f"return Math.max(...{heads})") < 60
    assert cut_off(window) == []


def test_the_tiles_fill_their_rows(window, plain, screen):
    window.open(plain.running.url)
    script = (
        "const tiles = document.querySelector('.tiles');"
        "return [tiles, tiles.lastChild].map((each) => Math.round(each.getBoundingClientRect().right))"
    )
    right, last = window.run(script)

    assert last == right, f"a hole at {screen} pixels"


def test_a_name_of_any_length_leaves_the_figures_in_sight(window, tmp_path, screen):
    long = dict.fromkeys(("gen_ai__response__model", "costspan__team", "user__id", "costspan__feature"), "x" * 180)
    made = Served(tmp_path / "long.db")
    try:
        made.send(traces(call(time.time_ns() - SECOND, **long), service="x" * 180))
        window.open(made.running.url)
        assert window.run("return document.documentElement.scrollWidth") == screen
        assert cut_off(window) == []
    finally:
        made.close()


def test_a_trace_fits_the_screen(window, plain, screen):
    window.open(plain.running.url)
    window.run("document.querySelector('#calls tbody td:last-child a').click()")
    window.wait(lambda: window.texts("dialog tbody tr"))

    wide = "[document.querySelector('dialog'), document.querySelector('dialog .scroll')]"
    assert window.run(f"return {wide}.map((each) => each.scrollWidth <= each.clientWidth)") == [True, True]
    assert window.run("return document.querySelector('dialog').clientWidth") <= screen


def test_what_if_prices_the_same_tokens_by_the_list(page, served):
    page.open(f"{served.running.url}/?service=shop&team=search&what_if=openai/gpt-4o-mini")
    [row] = usage(served, "service=shop&team=search&group_by=model")["rows"]
    [listed] = served.get("/api/prices/gpt-4o-mini?provider=openai")[1]["models"]
    rates = {bucket: Decimal(steps[0]["usd"]) for bucket, steps in listed["prices"].items()}
    expected = row["input_tokens"] * rates["input"] + row["output_tokens"] * rates["output"]

    assert page.rows("whatif")[0][2:4] == [read(row["cost"]), read(expected)]

    page.open(f"{served.running.url}/?model=gpt-4o-mini&what_if=openai/gpt-4o-mini")
    assert page.rows("whatif")[0][-1] == "$0 (no change)"


def test_a_budget_typed_here_is_in_the_address_and_the_file_s_are_listed(page):
    assert {"everyone", "team search"} == {row[0] for row in page.rows("budgets")}

    script = "const it = document.getElementById('budget'); it.value = '80'; it.dispatchEvent(new Event('change'));"
    page.drawn_anew(lambda: page.run(script))

    assert address(page) == {"budget": ["80"]}
    assert "$80.00" in " ".join(page.texts("#glance .tile"))


def test_what_is_on_screen_becomes_csv_without_formulas(page, served):
    page.open(f"{served.running.url}/?by=user&provider=acme")
    text = page.run("return document.querySelector('#groups table').csv()")

    assert text.splitlines()[0] == "User,Calls,Tokens,Cost,Share"
    assert text.splitlines()[1].startswith(f"'{USER},2,1200,")


def test_many_models_do_not_make_the_page_long_and_are_all_in_the_csv(window, tmp_path):
    made = Served(tmp_path / "models.db")
    try:
        now = time.time_ns()
        own = {"gen_ai__provider__name": "acme", "gen_ai__request__model": None, "error__type": "timeout"}
        own |= {"gen_ai__usage__cost__amount": None, "costspan__price__status": None}
        calls = (call(now - SECOND, gen_ai__response__model=f"own-{each}", **own) for each in range(60))
        made.send(traces(*calls))
        window.open(made.running.url)
        for view in ("models", "errors", "unpriced"):
            assert len(window.rows(view)) <= 20
            assert "of 60; the CSV has all of them." in " ".join(window.texts(f"#{view} .note"))
            assert window.run(f"return document.querySelector('#{view} table').csv()").count("own-") >= 60
    finally:
        made.close()


def test_a_cost_stated_without_its_parts_tells_no_price_of_a_token(window, tmp_path):
    made = Served(tmp_path / "whole.db")
    try:
        now = time.time_ns()
        made.send(traces(call(now - SECOND, costspan__cost__input=None, costspan__cost__output=None)))
        window.open(made.running.url)
        assert window.rows("models")[0][4:7] == ["unknown", "unknown", "$0.00450"]
    finally:
        made.close()


def test_what_arrives_is_shown_without_a_reload_and_keeps_the_focus(page, served):
    page.run("document.querySelector('#groups .tabs a').focus()")
    late_call(served)

    page.wait(lambda: "latecomers" in [row[0] for row in page.rows("groups")])
    assert page.run("return document.activeElement.textContent") == "Teams"


def test_what_arrives_does_not_disturb_who_is_typing(page, served):
    page.run("const it = document.getElementById('what-if'); it.focus(); it.value = 'openai/gp';")
    page.drawn_anew(lambda: late_call(served))

    assert page.run("return [document.activeElement.id, document.activeElement.value]") == ["what-if", "openai/gp"]


def test_it_can_be_used_by_keyboard_and_read_aloud(page):
    unnamed = page.run(
        "return [...document.querySelectorAll('a, button, input, select, summary')].filter((each) =>"
        " !(each.textContent.trim() || each.labels?.length || each.getAttribute('aria-label'))).length"
    )
    headed = page.run(
        "return [...document.querySelectorAll('table')].every((t) => t.querySelector('th[scope=col]') && t.caption)"
    )
    jumps = page.run("return [...document.querySelectorAll('[tabindex]')].filter((each) => each.tabIndex > 0).length")

    assert (unnamed, headed, jumps) == (0, True, 0)
    assert len(page.texts("h1")) == 1


def test_a_ledger_without_calls_says_so(window, tmp_path):
    empty = Served(tmp_path / "empty.db")
    try:
        window.open(empty.running.url)
        for view in ("models", "tokens", "groups", "sure"):
            assert "No calls in this period." in window.texts(f"#{view} .note")
        assert f"OTEL_EXPORTER_OTLP_ENDPOINT={empty.running.url} " in window.texts("#spend pre")[0]
        assert window.complaints() == []
    finally:
        empty.close()


def test_what_took_hours_is_told_in_minutes(page):
    script = "import('/page/format.js').then(({ seconds }) => arguments[0]([0.25, 90, 8038.3].map(seconds)))"

    assert page.driver.execute_async_script(script) == ["250 ms", "90.0 s", "134 minutes"]


def test_models_are_compared_with_the_period_before_wherever_the_one_that_is_shown_ends(window, tmp_path):
    young = Served(tmp_path / "young.db")
    try:
        young.send(traces(*(call(at=time.time_ns() - days * DAY) for days in (9, 9, 2, 2, 2))))
        for until in ("today", "1d", "yesterday"):
            window.open(f"{young.running.url}/?since=7d&until={until}")
            assert window.rows("models")[0][-1] == "+50.0%"
            assert window.complaints() == []
    finally:
        young.close()


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati"])
def test_the_period_before_ends_where_the_one_that_is_shown_begins(window, tmp_path, zone):
    """Days ago begin at midnight, so the first of them was not before."""
    young = Served(tmp_path / "young.db")
    now = datetime.now(ZoneInfo(zone))
    first_day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=30)
    try:
        young.send(traces(call(at=int(first_day.timestamp()) * SECOND + SECOND), call(at=time.time_ns() - SECOND)))
        window.open(f"{young.running.url}/?tz={quote(zone, safe='')}")
        assert window.rows("models")[0][2] == "2"
        assert "Before" not in window.texts("#models thead th")

        young.send(traces(call(at=(int(first_day.timestamp()) - 60) * SECOND)))
        window.open(f"{young.running.url}/?tz={quote(zone, safe='')}")
        assert window.rows("models")[0][-1] == "+100.0%"
    finally:
        young.close()


def test_before_a_week_is_full_the_forecast_says_whose_pace_it_goes_on_with(window, tmp_path):
    young = Served(tmp_path / "young.db")
    try:
        young.send(traces(call(at=time.time_ns() - SECOND)))
        window.open(young.running.url)
        [said] = [each for each in window.texts("#glance .tile") if "forecast" in each]
        assert "at the pace since " in said
    finally:
        young.close()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_period_of_ones_own_ends_with_today_where_its_days_are(page, served, zone):
    page.open(f"{served.running.url}/?tz={quote(zone, safe='')}")
    choose = "const it = document.getElementById('period'); it.value = 'custom'; it.dispatchEvent(new Event('change'));"
    page.run(choose)
    tomorrow = datetime.now(ZoneInfo(zone)).date() + timedelta(days=1)

    assert address(page)["until"] == [tomorrow.isoformat()]


def test_a_period_of_ones_own_ends_with_today_also_where_that_has_25_hours(page, served):
    page.open(f"{served.running.url}/?tz=America/New_York")
    choose = "const it = document.getElementById('period'); it.value = 'custom'; it.dispatchEvent(new Event('change'));"
    page.run("Date.now = () => Date.parse('2026-11-01T04:30Z');" + choose)

    assert (address(page)["since"], address(page)["until"]) == (["2026-10-26"], ["2026-11-02"])


def test_a_zone_that_does_not_exist_is_told_and_keeps_nobody_from_a_trace(window, served):
    window.open(f"{served.running.url}/?since=all")
    [trace, *_] = window.run("return [...document.querySelectorAll('#calls a[aria-label]')].map((each) => each.search)")
    window.open(f"{served.running.url}/{trace}&tz=Mars/Base")
    figure = window.wait(lambda: [each for each in window.texts("#trace .figure, #trace .note") if each != "…"])

    assert figure[0].startswith("$")
    assert "there is no time zone 'Mars/Base'" in window.texts("#problem")[0]
    assert all("400" in complaint for complaint in window.complaints())


def test_what_nobody_knows_in_the_address_is_left_out_of_questions(page, served):
    page.open(f"{served.running.url}/?utm_source=mail&group_by=x&limit=0&team=search")

    assert [each.split(": ")[0] for each in page.texts(".chip")] == ["team"]
    assert not page.run("return !document.getElementById('problem').hidden")


def test_every_filter_of_an_address_has_a_chip(page, served):
    """Those of links to the calls behind an advice too."""
    page.open(f"{served.running.url}/?operation=chat&status!=free&tag.k=v")

    assert [each.split(": ")[0] for each in page.texts(".chip")] == ["operation", "status not", "tag.k"]


def test_a_question_that_cannot_be_asked_is_told(window, served):
    window.open(f"{served.running.url}/?since=soon")

    assert "'soon' is no time" in window.texts("#problem")[0]
    assert all("400" in complaint for complaint in window.complaints())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system_and_have_contrast(page, served, scheme):
    page.open(f"{served.running.url}/?what_if=openai/gpt-5-mini&by=user", scheme=scheme)
    of = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]].match(/[0-9]+/g).map(Number)"
    places = (("body", "color"), (".small", "color"), ("td a", "color"), ("section:not(.all)", "backgroundColor"))
    *texts, card = (luminance(page.run(of, *place)) for place in places)

    assert (texts[0] > card) == (scheme == "dark")
    assert min(contrast(text, card) for text in texts) > 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_for_the_readme(window, plain, scheme):
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = PICTURES / f"page-{scheme}.png"
    window.open(f"{plain.running.url}/?budget=10", scheme=scheme)
    window.picture(picture, 1280, 1020)

    assert 20_000 < picture.stat().st_size < 200_000


def luminance(colour):
    """As WCAG 2.2 has it."""
    parts = [part / 255 for part in colour[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_a_wheel_has_every_file_of_the_page(tmp_path):
    built = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    subprocess.run(built, check=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    [wheel] = tmp_path.glob("*.whl")
    static = ROOT / "src" / "costspan" / "web" / "static"
    files = {
        f"costspan/web/static/{path.relative_to(static).as_posix()}" for path in static.rglob("*") if path.is_file()
    }

    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())
