"""Dashboards as Grafana's JSON, with its foundation SDK (schema 41: Grafana 11.6 and newer)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    piechart,
    prometheus,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as words
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from panel import Board, Panel, Query, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMETHEUS = "prometheus"


def _source(board: Board) -> models.DataSourceRef:
    return models.DataSourceRef(type_val=board.datasource, uid="${datasource}")


class SqlTarget:
    """A query of the ClickHouse data source, which the foundation SDK does not know."""

    def __init__(self, sql: str, kind: str) -> None:
        self._sql, self._kind = sql, kind

    def build(self) -> SqlTarget:
        return self

    def to_json(self) -> dict[str, object]:
        kind = "timeseries" if self._kind == "sql-time" else "table"
        return {
            "refId": "A",
            "datasource": {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"},
            "editorType": "sql",
            "rawSql": self._sql,
            "queryType": kind,
            "format": 0 if kind == "timeseries" else 1,
        }


VARIABLES = {  # name: label, where its values come from
    "service": ("Service", "label_values(costspan_calls_total, service_name)"),
    "environment": ("Environment", "label_values(costspan_calls_total, deployment_environment_name)"),
    "team": ("Team", "label_values(costspan_calls_total, costspan_team)"),
    "model": ("Model", 'label_values(costspan_calls_total{service_name=~"$service"}, gen_ai_request_model)'),
}


def to_json(board: Board) -> str:
    """The committed text of a dashboard."""
    made = json.loads(JSONEncoder(sort_keys=True, indent=2).encode(_dashboard(board).build()))
    return json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dashboard(board: Board) -> dashboard.Dashboard:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["costspan", "llm", "cost"])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time(board.start, "now")
        .timezone("utc")
        .refresh("1m")
        .link(_links())
        .with_variable(_datasource(board))
    )
    for name in board.variables:
        made = made.with_variable(_variable(name, board))
    for number, part in enumerate(board.panels, 1):
        made = (
            made.with_row(dashboard.Row(part.title))
            if isinstance(part, Row)
            else made.with_panel(_panel(part, number, _source(board)))
        )
    return made


def _links() -> dashboard.DashboardLink:
    """The other costspan dashboards, in the same time and with the same variables."""
    links = dashboard.DashboardLink("costspan").type(models.DashboardLinkType.DASHBOARDS).tags(["costspan"])
    return links.as_dropdown(as_dropdown=True).include_vars(include_vars=True).keep_time(keep_time=True)


def _datasource(board: Board) -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable("datasource").label("Data source").type(board.datasource)


def _variable(name: str, board: Board) -> dashboard.QueryVariable:
    label, query = VARIABLES[name]
    sql = board.datasource != PROMETHEUS
    made = (
        dashboard.QueryVariable(name)
        .label(label)
        .query(f"SELECT DISTINCT {name} FROM costspan_hours" if sql else query)
        .datasource(_source(board))
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )
    return made if sql else made.all_value(".*")  # also matches series without the label


def _panel(panel: Panel, number: int, source: models.DataSourceRef) -> Any:
    made = KINDS[panel.kind](panel).id(number).title(panel.title).description(panel.description)
    made = made.height(panel.height).span(panel.width)
    if panel.kind == "text":
        return made
    made = made.datasource(source).unit(panel.unit).no_value("none")
    if panel.interval:
        made = made.interval(panel.interval)
    for query in _targets(panel, source):
        made = made.with_target(query)
    steps = [models.Threshold(value=value, color=color) for value, color in panel.thresholds]
    if steps:
        made = made.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    return made


def _targets(panel: Panel, source: models.DataSourceRef) -> Iterator[Any]:
    if panel.kind.startswith("sql"):
        yield SqlTarget(panel.queries[0].expr, panel.kind)
        return
    for letter, query in zip("ABCDEFGH", panel.queries, strict=False):
        made = prometheus.Dataquery().expr(_named(query)).ref_id(letter).datasource(source).legend_format(query.legend)
        if panel.kind in {"time", "bars"}:
            made = made.range()
            yield made.exemplar(exemplar=True) if query.exemplars else made
        elif panel.kind == "table":
            yield made.instant().format(PromQueryFormat.TABLE)
        else:
            yield made.instant()


def _named(query: Query) -> str:
    """The expression, with a word where a label of the legend is missing: Grafana would write `Value` there."""
    expr = query.expr
    for label in re.findall(r"{{(costspan_(?:team|feature))}}", query.legend):
        expr = f'label_replace({expr}, "{label}", "none", "{label}", "")'
    return expr


def _legend() -> common.VizLegendOptions:
    shown = common.VizLegendOptions().show_legend(show_legend=True).placement(words.LegendPlacement.BOTTOM)
    return shown.display_mode(words.LegendDisplayMode.TABLE).calcs(["mean", "max", "lastNotNull"])


def _time(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().legend(_legend()).min(0 if panel.unit != "percentunit" else -1).line_width(2)
    made = made.fill_opacity(25 if panel.stacked else 8).show_points(words.VisibilityMode.NEVER)
    if panel.unit == "percentunit" and "Change" not in panel.title:
        made = made.min(0)
    made = made.tooltip(
        common.VizTooltipOptions().mode(words.TooltipDisplayMode.MULTI).sort(words.SortOrder.DESCENDING)
    )
    return made.stacking(common.StackingConfig().mode(words.StackingMode.NORMAL)) if panel.stacked else made


def _bars(_panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().draw_style(words.GraphDrawStyle.BARS).fill_opacity(80).legend(_legend()).min(0)
    return made.interval("1d").stacking(common.StackingConfig().mode(words.StackingMode.NORMAL))


def _stat(panel: Panel) -> stat.Panel:
    reduce = common.ReduceDataOptions().calcs(["lastNotNull"])
    made = stat.Panel().reduce_options(reduce).graph_mode(words.BigValueGraphMode.NONE)
    mode = words.BigValueColorMode.VALUE if panel.thresholds else words.BigValueColorMode.NONE
    return made.color_mode(mode).text_mode(words.BigValueTextMode.VALUE)


def _share(_panel: Panel) -> piechart.Panel:
    legend = piechart.PieChartLegendOptions().show_legend(show_legend=True).placement(words.LegendPlacement.RIGHT)
    legend = legend.display_mode(words.LegendDisplayMode.TABLE).values(["value", "percent"])
    return (
        piechart.Panel()
        .pie_type("donut")
        .legend(legend)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _top(_panel: Panel) -> bargauge.Panel:
    made = bargauge.Panel().orientation(words.VizOrientation.HORIZONTAL).display_mode(words.BarGaugeDisplayMode.BASIC)
    return made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).min(0)


def _table(panel: Panel) -> table.Panel:
    """One row per label set, one column per query, named and with its own unit."""
    several = len(panel.queries) > 1
    value = {letter: f"Value #{letter}" if several else "Value" for letter in "ABCDEFGH"}
    names = {value[letter]: query.legend for letter, query in zip("ABCDEFGH", panel.queries, strict=False)}
    made = table.Panel()
    if several:
        made = made.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    options = {"excludeByName": {"Time": True}, "renameByName": {**LABELS, **names}}
    made = made.with_transformation(models.DataTransformerConfig(id_val="organize", options=options))
    for query in panel.queries:
        made = made.override_by_name(query.legend, [models.DynamicConfigValue(id_val="unit", value=query.unit)])
    return made.sort_by([common.TableSortByFieldState().display_name(panel.queries[0].legend).desc(desc=True)])


def _sql_table(panel: Panel) -> table.Panel:
    """The columns of the answer; a trace id links to its trace."""
    made = table.Panel()
    for query in panel.queries[1:]:
        made = made.override_by_name(query.legend, [models.DynamicConfigValue(id_val="unit", value=query.unit)])
    explore = (
        '{"datasource":"costspan-tempo","queries":[{"refId":"A","queryType":"traceql","query":"${__value.text}"}]}'
    )
    link = {"title": "Open the trace", "url": f"/explore?left={explore}"}
    return made.override_by_name("Trace", [models.DynamicConfigValue(id_val="links", value=[link])])


LABELS = {
    "costspan_team": "Team",
    "costspan_feature": "Feature",
    "service_name": "Service",
    "gen_ai_provider_name": "Provider",
    "gen_ai_request_model": "Model",
    "costspan_price_status": "Status",
}


def _text(panel: Panel) -> text.Panel:
    return text.Panel().content(panel.description).mode("markdown")


KINDS: dict[str, Any] = {
    "time": _time, "bars": _bars, "stat": _stat, "share": _share, "top": _top, "table": _table, "text": _text,
    "sql-stat": _stat, "sql-time": _bars, "sql-table": _sql_table,
}  # fmt: skip
