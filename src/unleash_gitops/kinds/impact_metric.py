"""ImpactMetric: a chart of an impact metric, of the instance or of one flag.

Source of all facts: the OpenAPI document of Unleash Enterprise 7.5.0 (`impactMetricsConfigSchema`; POST saves, and
with a known id replaces the whole configuration), and of newer servers, which answer `source` in place of `type`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from unleash_gitops.kinds.base import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.models import OWNERSHIP_BY_MARK, AuditedMetadata, LiveModel, Model
from unleash_gitops.model.errors import ApiError, NotUnleash
from unleash_gitops.model.ownership import ULID_PATTERN, computed_id, read_id_mark
from unleash_gitops.model.plan import Call
from unleash_gitops.model.resource import Address, Area, Reference, Resource
from unleash_gitops.model.workspace import NAME_PATTERN

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "ImpactMetricDocument", "metric_type"]

MetricType = Literal["counter", "gauge", "histogram"]
_MODES: dict[MetricType, tuple[str, ...]] = {
    "counter": ("rps", "count"),
    "gauge": ("avg", "sum"),
    "histogram": ("p50", "p95", "p99"),
}
_CHART_EVENTS = "/api/admin/search/events?type=IS_ANY_OF:impact-metric-created,impact-metric-updated&limit=1000"
_DEFAULTS: dict[str, Any] = {"title": None, "yAxisMin": "auto", "labelSelectors": {}}


def metric_type(name: str) -> MetricType | None:
    """Return the type a metric's name tells: by prefix (servers up to 7.5), else by suffix; None when it tells none."""
    for kind in _MODES:
        if name.startswith(f"unleash_{kind}_"):
            return kind
    if name.endswith("_bucket"):
        return "histogram"
    return "counter" if name.endswith("_count") else None


class ImpactMetricMetadata(AuditedMetadata):
    """Which chart it is: with project and feature it belongs to that flag, without them to the instance."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"project": ["feature"], "feature": ["project"]}})

    name: str = Field(
        pattern=NAME_PATTERN, description="Identity of the chart within its flag or the instance.", examples=["errors"]
    )
    project: str | None = Field(default=None, min_length=1, description="The flag's project.", examples=["shop"])
    feature: str | None = Field(
        default=None,
        validate_default=True,
        min_length=1,
        description="The flag's name.",
        examples=["checkout-v2"],
    )
    id: str | None = Field(
        default=None,
        pattern=ULID_PATTERN,
        description="The ULID of an existing chart to take over; left out: computed from the names.",
        examples=["01ARZ3NDEKTSV4RRFFQ69G5FAV"],
    )

    @field_validator("feature")
    @classmethod
    def _both_or_neither(cls, feature: str | None, info: ValidationInfo) -> str | None:
        project = info.data.get("project", feature)  # a project that is wrong in itself is not missing
        if (project is None) != (feature is None):
            missing = "project" if project is None else "feature"
            hint = "give both for a flag's chart, or neither for the instance's"
            context = {"missing": missing, "hint": hint} | ({"at": "project"} if feature is None else {})
            raise PydanticCustomError("pair", "is given without {missing}", context)
        return feature


_AT_LEAST_ONE = Field(json_schema_extra={"minItems": 1})  # for editors: `_not_empty` says it better


def _not_empty(values: list[str]) -> list[str]:
    if not values:
        hint = 'leave the label out to show all series, or write ["*"] to split by it'
        raise PydanticCustomError("empty-selector", "selects nothing", {"hint": hint})
    return values


class ImpactMetricSpec(Model):
    """What the chart shows."""

    metricName: str = Field(  # noqa: N815 - the API's own name
        min_length=1,
        description="The metric's name, as the server lists it.",
        examples=["unleash_counter_checkout_errors"],
    )
    title: str | None = Field(default=None, description="The chart's title; null: none.", examples=["Checkout errors"])
    timeRange: Literal["hour", "day", "week", "month"] = Field(description="How far back the chart reaches.")  # noqa: N815
    aggregationMode: Literal["rps", "count", "avg", "sum", "p50", "p95", "p99"] = Field(  # noqa: N815
        description="counter: rps, count; gauge: avg, sum; histogram: p50, p95, p99; type not told by the name: any."
    )
    yAxisMin: Literal["auto", "zero"] = Field(default="auto", description="Where the y axis begins.")  # noqa: N815
    labelSelectors: dict[str, Annotated[list[str], AfterValidator(_not_empty), _AT_LEAST_ONE]] = Field(  # noqa: N815
        default_factory=dict,
        description='Which label values to show; ["*"] shows all, those to come included.',
        examples=[{"environment": ["production"]}],
    )
    source: Literal["internal", "external"] = Field(
        default="internal", description="Where the metric comes from; left out: not managed."
    )

    @field_validator("aggregationMode")
    @classmethod
    def _fits_metric(cls, mode: str, info: ValidationInfo) -> str:
        kind = metric_type(info.data.get("metricName", ""))
        if kind is not None and mode not in _MODES[kind]:
            raise PydanticCustomError(
                "mode",
                '"{mode}" does not fit a {kind}: use {modes}',
                {"mode": mode, "kind": kind, "modes": " or ".join(_MODES[kind])},
            )
        return mode


class ImpactMetricDocument(Model):
    """A chart of an impact metric."""

    apiVersion: Literal["unleash-gitops/v1"]  # noqa: N815
    kind: Literal["ImpactMetric"]
    metadata: ImpactMetricMetadata
    spec: ImpactMetricSpec


class _LiveConfig(LiveModel):
    """What of a live chart counts; all else is the server's own (`displayName`, `step`, `type`) and ignored."""

    id: str
    metricName: str  # noqa: N815
    title: str | None = None
    timeRange: str  # noqa: N815
    aggregationMode: str  # noqa: N815
    yAxisMin: str = "auto"  # noqa: N815
    labelSelectors: dict[str, list[str]] = Field(default_factory=dict)  # noqa: N815
    source: str | None = None
    mode: str = "write"


class ImpactMetric(Audited):
    """Charts: read by one GET for the instance and one for each flag, saved by POST under an id of our choice."""

    name = "ImpactMetric"
    folder = "impact-metrics"
    document = ImpactMetricDocument
    events = ("impact-metric-created", "impact-metric-updated", "impact-metric-deleted")
    codes: ClassVar[Mapping[str, str]] = {
        "empty-selector": "a label selector has no values",
        "mode": "an aggregation mode does not fit the metric's type",
        "pair": "one of project and feature is given without the other",
    }

    def resource_from_document(self, document: ImpactMetricDocument, workspace: str) -> Resource:
        """See `Kind.desired`. The id is `metadata.id`, else computed."""
        meta = document.metadata
        spec = document.spec.model_dump(exclude_unset=True)
        if "labelSelectors" in spec:
            spec["labelSelectors"] = _normal_selectors(spec["labelSelectors"])
        if "title" in spec:
            spec["title"] = spec["title"] or None
        object_id = meta.id or computed_id(workspace, self.name, meta.project, meta.feature, meta.name)
        return Resource(
            Address(self.name, meta.name, meta.project, meta.feature), object_id, spec, references=_flag(meta)
        )

    def areas(self, reads: Reads) -> Iterable[Area]:
        """See `Kind.areas`: the instance, and every active flag that may have charts.

        Only asking a flag tells its charts. Where no document has one, the audit log tells which flags ever had any.
        """
        yield Area(self.name)
        about_charts = reads.scope.has(self.name) or any(one.kind == self.name for one in reads.policy.exclusive)
        charted = None if about_charts else _charted(reads)
        for project in reads.projects():
            for feature in reads.flags(project):
                if charted is None or feature in charted:
                    yield Area(self.name, project, feature)

    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """See `Kind.read`. A flag that was archived since it was listed has no charts."""
        path = _path(area)
        answer = reads.get(path) if area.feature is None else reads.get_or_none(path)
        for config in [] if answer is None else answer["configs"]:
            yield self._live(_LiveConfig.model_validate(config), area, reads.workspace)

    def _live(self, config: _LiveConfig, area: Area, workspace: str) -> Resource:
        spec = config.model_dump(exclude={"id", "mode", "source"})
        spec["title"] = config.title or None
        spec["labelSelectors"] = _normal_selectors(config.labelSelectors)
        if config.source is not None:
            spec["source"] = config.source
        return Resource(
            Address(self.name, None, area.project, area.feature),
            config.id,
            spec,
            references=_flag(area),
            ownership=OWNERSHIP_BY_MARK[read_id_mark(config.id, workspace)],
            protected="used by a safeguard (mode: read)" if config.mode == "read" else None,
            title=config.title or config.metricName,
        )

    def told(self, payload: Any, workspace: str) -> Resource:
        """See `Traced.told`."""
        return self._live(_LiveConfig.model_validate(payload), Area(self.name), workspace)

    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """See `Kind.created`."""
        known = {**_DEFAULTS, **desired.spec}
        return {field: known[field] for field in ImpactMetricSpec.model_fields if field in known}

    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """See `Kind.merged`. A server that knows no `source` has internal ones only."""
        after = {**live.spec, **desired.spec}
        if "source" not in live.spec and after.get("source") == "internal":
            del after["source"]
        return after

    def server_refusal(
        self,
        desired: Resource,
        live: Resource | None,
        after: Mapping[str, Any],  # noqa: ARG002
        server: ServerFacts,  # noqa: ARG002
    ) -> str | None:
        """See `Kind.refusal`."""
        if live is not None and desired.spec.get("source") == "external" and "source" not in live.spec:
            return "this server knows no external source of metrics"
        return None

    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """See `Kind.create`: one POST, safe to repeat because the id is ours."""
        body = {"id": desired.id, **{field: value for field, value in after.items() if field != "title" or value}}
        return (Call(method="POST", path=_path(desired.address), body=body),)

    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:  # noqa: ARG002
        """See `Kind.update`: the POST of a whole configuration replaces the old one.

        A live `source` that no file mentions is carried only where it is not what the server takes by default.
        """
        carried = dict(after)
        if "source" not in desired.spec and carried.get("source") == "internal":
            del carried["source"]
        return self.create(desired, carried)

    def delete(self, live: Resource) -> tuple[Call, ...]:
        """See `Kind.delete`."""
        return (Call(method="DELETE", path=f"{_path(live.address)}/{quote(live.id, safe='')}"),)

    def to_pulled_document(self, live: Resource) -> tuple[dict[str, Any], str]:
        """See `Kind.pulled`. What is as it would be by default is left out."""
        metadata = {"project": live.address.project, "feature": live.address.feature, "id": live.id}
        defaults = {**_DEFAULTS, "source": "internal"}
        document = {
            "metadata": {field: value for field, value in metadata.items() if value is not None},
            "spec": {
                field: value for field, value in live.spec.items() if field not in defaults or value != defaults[field]
            },
        }
        return document, live.title or live.id


def _charted(reads: Reads) -> set[str] | None:
    """Return the names of the flags that the audit log knows charts of, None where it does not tell."""
    try:
        answer = reads.get_cached(_CHART_EVENTS)
        if answer["total"] > len(answer["events"]):
            return None
        return {event["featureName"] for event in answer["events"] if event.get("featureName")}
    except (ApiError, NotUnleash, KeyError, TypeError):
        return None


def _flag(at: ImpactMetricMetadata | Area) -> tuple[Reference, ...]:
    """Return the flag that a chart is of, if it is of one."""
    if at.project is None or at.feature is None:
        return ()
    return (Reference("FeatureFlag", at.project, at.feature, ("metadata", "feature"), owned_by_target=True),)


def _path(at: Address | Area) -> str:
    if at.project is None or at.feature is None:
        return "/api/admin/impact-metrics/config"
    return (
        f"/api/admin/projects/{quote(at.project, safe='')}/features/{quote(at.feature, safe='')}/impact-metrics/config"
    )


def _normal_selectors(selectors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return `selectors` as a set of values each: order and repetition mean nothing, and no value means no selector."""
    return {label: sorted(set(values)) for label, values in sorted(selectors.items()) if values}


KIND = ImpactMetric()
