"""ImpactMetric: a chart of an impact metric, of the instance or of one flag.

Source of all facts: the OpenAPI document of Unleash Enterprise 7.5.0 (`impactMetricsConfigSchema`; POST saves, and
with a known id replaces the whole configuration), and of newer servers, which answer `source` in place of `type`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from unleash_gitops.api.answers import read_entries
from unleash_gitops.api.audit_log import search_events
from unleash_gitops.kinds.base import Kind
from unleash_gitops.kinds.interfaces import HasReferences, Pullable
from unleash_gitops.kinds.reads import Reads
from unleash_gitops.kinds.shared.audited import Audited
from unleash_gitops.kinds.shared.fields import Rule, live_model
from unleash_gitops.kinds.shared.models import AuditedMetadata, Model, TransferableMetadata, envelope
from unleash_gitops.model.call import Call
from unleash_gitops.model.errors import ApiError, NotUnleash
from unleash_gitops.model.ownership import ULID_PATTERN, computed_id, find_id_owner, is_marked_id, same_object
from unleash_gitops.model.resource import Address, Area, Ownership, Reference, Resource
from unleash_gitops.model.workspace import NAME_PATTERN

if TYPE_CHECKING:
    from unleash_gitops.api.client import ServerFacts

__all__ = ["KIND", "metric_type"]

MetricType = Literal["counter", "gauge", "histogram"]
_MODES: dict[MetricType, tuple[str, ...]] = {
    "counter": ("rps", "count"),
    "gauge": ("avg", "sum"),
    "histogram": ("p50", "p95", "p99"),
}
_CHART_EVENTS = "type=IS_ANY_OF:impact-metric-created,impact-metric-updated"


def metric_type(name: str) -> MetricType | None:
    """Return the type a metric's name tells: by prefix (servers up to 7.5), else by suffix; None when it tells none."""
    for kind in _MODES:
        if name.startswith(f"unleash_{kind}_"):
            return kind
    if name.endswith("_bucket"):
        return "histogram"
    return "counter" if name.endswith("_count") else None


class ImpactMetricMetadata(AuditedMetadata, TransferableMetadata):
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


def _normalise_selectors(selectors: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the values of each label as a set; a label without values is no selector."""
    return {label: sorted(set(values)) for label, values in sorted(selectors.items()) if values}


class ImpactMetricSpec(Model):
    """The fields of a chart."""

    metricName: str = Field(
        min_length=1,
        description="The metric's name, as the server lists it.",
        examples=["unleash_counter_checkout_errors"],
    )
    title: Annotated[str | None, Rule(normalise=lambda text: text or None, omit_none=True)] = Field(
        default=None, description="The chart's title; null: none.", examples=["Checkout errors"]
    )
    timeRange: Literal["hour", "day", "week", "month"] = Field(description="How far back the chart reaches.")
    aggregationMode: Literal["rps", "count", "avg", "sum", "p50", "p95", "p99"] = Field(
        description="counter: rps, count; gauge: avg, sum; histogram: p50, p95, p99; type not told by the name: any."
    )
    yAxisMin: Literal["auto", "zero"] = Field(default="auto", description="Where the y axis begins.")
    labelSelectors: Annotated[
        dict[str, Annotated[list[str], AfterValidator(_not_empty), _AT_LEAST_ONE]], Rule(normalise=_normalise_selectors)
    ] = Field(
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


class ImpactMetric(Kind, HasReferences, Pullable, Audited):
    """Charts: read by one GET for the instance and one for each flag, saved by POST under an id of our choice."""

    name = "ImpactMetric"
    folder = "impact-metrics"
    spec = ImpactMetricSpec
    document = envelope("ImpactMetric", "A chart of an impact metric.", ImpactMetricMetadata, ImpactMetricSpec)
    events = ("impact-metric-created", "impact-metric-updated", "impact-metric-deleted")
    codes: ClassVar[Mapping[str, str]] = {
        "empty-selector": "a label selector has no values",
        "mode": "an aggregation mode does not fit the metric's type",
        "pair": "one of project and feature is given without the other",
    }

    @override
    def address(self, metadata: ImpactMetricMetadata) -> Address:
        return Address(self.name, metadata.name, metadata.project, metadata.feature)

    @override
    def identity(self, metadata: ImpactMetricMetadata, workspace: str) -> str:
        """Return `metadata.id`, else the computed id."""
        return metadata.id or computed_id(workspace, self.name, metadata.project, metadata.feature, metadata.name)

    @override
    def resource_from_document(self, document: Any, workspace: str) -> Resource:
        """A flag's chart refers to the flag, by its metadata."""
        resource = super().resource_from_document(document, workspace)
        return replace(resource, references=_flag_of(document.metadata))

    @override
    def references(self, spec: Mapping[str, Any], project: str | None = None) -> Iterable[Reference]:
        """No spec names another object."""
        return ()

    @override
    def areas(self, reads: Reads) -> Iterable[Area]:
        """The instance, and every active flag that may have charts.

        A flag's charts are read flag by flag. Where no document has one, the audit log tells which flags ever had any.
        """
        yield Area(self.name)
        about_charts = reads.scope.has(self.name) or any(area.kind == self.name for area in reads.policy.exclusive)
        charted = None if about_charts else _flags_with_charts(reads)
        for project in reads.projects():
            for feature in reads.flags(project):
                if charted is None or feature in charted:
                    yield Area(self.name, project, feature)

    @override
    def read(self, reads: Reads, area: Area) -> Iterable[Resource]:
        """A flag that was archived since it was listed has no charts."""
        path = _path(area)
        answer = reads.get(path) if area.feature is None else reads.get_or_none(path)
        for config in [] if answer is None else read_entries(answer, "configs", path):
            yield self._live(config, area, reads.workspace)

    def _live(self, config: Any, area: Area, workspace: str) -> Resource:
        """Return a chart as a resource. `displayName`, `step` and `type` are the server's own and ignored."""
        parsed = live_model(ImpactMetricSpec, id=str, mode=str | None).model_validate(config).model_dump()
        chart_id = str(parsed["id"])
        fields = [field for field in ImpactMetricSpec.model_fields if field != "source" or parsed["source"] is not None]
        spec = self.normalise({field: parsed[field] for field in fields})
        return Resource(
            Address(self.name, None, area.project, area.feature),
            chart_id,
            spec,
            references=_flag_of(area),
            ownership=_read_ownership(chart_id, workspace),
            protected="used by a safeguard (mode: read)" if parsed["mode"] == "read" else None,
            title=spec["title"] or spec["metricName"],
        )

    @override
    def resource_from_event(self, payload: Any, workspace: str) -> Resource:
        return self._live(payload, Area(self.name), workspace)

    @override
    def spec_after_create(self, desired: Resource) -> dict[str, Any]:
        """`source` is sent only where a document has it: older servers do not know it."""
        after = super().spec_after_create(desired)
        return {field: value for field, value in after.items() if field != "source" or "source" in desired.spec}

    @override
    def spec_after_update(self, desired: Resource, live: Resource) -> dict[str, Any]:
        """A server that knows no `source` has internal ones only."""
        after = super().spec_after_update(desired, live)
        if "source" not in live.spec and after.get("source") == "internal":
            del after["source"]
        return after

    @override
    def server_refusal(
        self, desired: Resource, live: Resource | None, after: Mapping[str, Any], server: ServerFacts
    ) -> str | None:
        if live is not None and desired.spec.get("source") == "external" and "source" not in live.spec:
            return "this server knows no external source of metrics"
        return None

    @override
    def has_identity(self, address: Address, object_id: str, workspace: str) -> bool:
        """A document may give any id but one that another workspace has computed."""
        return _read_ownership(object_id, workspace) != "foreign"

    @override
    def create(self, desired: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """One POST, safe to repeat because the id is ours."""
        return (Call(method="POST", path=_path(desired.address), body={"id": desired.id, **self.body(after)}),)

    @override
    def update(self, desired: Resource, live: Resource, after: Mapping[str, Any]) -> tuple[Call, ...]:
        """The POST of a whole configuration replaces the old one.

        A `source` that stays the server's default is not sent.
        """
        sent = dict(after)
        if sent.get("source") == "internal" == live.spec.get("source"):
            del sent["source"]
        return self.create(desired, sent)

    @override
    def former_id(self, desired: Resource, workspace: str) -> str | None:
        """Return the id that another workspace computes from the names. One that a document gives names one chart."""
        address = desired.address
        former = computed_id(workspace, self.name, address.project, address.feature, str(address.name))
        return former if same_object(desired.id, former) and former != desired.id else None

    @override
    def take_over(
        self, desired: Resource, live: Resource, after: Mapping[str, Any], workspace: str
    ) -> tuple[Call, ...]:
        """The mark is in the id: the chart is created under the new id first, then the old one is deleted."""
        return self.create(desired, after) + self.delete(live)

    @override
    def delete(self, live: Resource) -> tuple[Call, ...]:
        return (Call(method="DELETE", path=f"{_path(live.address)}/{quote(live.id, safe='')}"),)

    @override
    def to_pulled_document(self, live: Resource, *, minimal: bool = False) -> tuple[dict[str, Any], str]:
        document, _ = super().to_pulled_document(live, minimal=minimal)
        metadata = {"project": live.address.project, "feature": live.address.feature, "id": live.id}
        document["metadata"] = {field: value for field, value in metadata.items() if value is not None}
        return document, live.title or live.id


def _flags_with_charts(reads: Reads) -> set[str] | None:
    """Return the names of the flags that the audit log knows charts of, None where it does not tell."""
    try:
        events, has_all = search_events(reads.get_cached, _CHART_EVENTS, 1)
    except (ApiError, NotUnleash):
        return None
    return {event.feature for event in events if event.feature} if has_all else None


def _read_ownership(chart_id: str, workspace: str) -> Ownership:
    """Return the ownership that an id shows. It holds no name, but a hash of one."""
    if not is_marked_id(chart_id):
        return "unmanaged"
    return "foreign" if find_id_owner(chart_id, [workspace]) is None else "owned"


def _flag_of(at: ImpactMetricMetadata | Area) -> tuple[Reference, ...]:
    """Return a reference to the flag that a chart belongs to, if it belongs to one."""
    if at.project is None or at.feature is None:
        return ()
    return (Reference("FeatureFlag", at.project, at.feature, ("metadata", "feature"), owned_by_target=True),)


def _path(at: Address | Area) -> str:
    if at.project is None or at.feature is None:
        return "/api/admin/impact-metrics/config"
    return (
        f"/api/admin/projects/{quote(at.project, safe='')}/features/{quote(at.feature, safe='')}/impact-metrics/config"
    )


KIND = ImpactMetric()
