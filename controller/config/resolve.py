"""From a Document to the core's Config: every layer looked up, every secret read, every default filled in."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from controller.config.checks import STANDARD, directory_of
from controller.config.document import Document
from controller.config.findings import DocumentError, Finding
from controller.config.launch import LAUNCH_FIELDS, launch_of
from controller.config.layers import NO_HINTS, Fields, Hint, Hints, Place, over
from controller.config.secrets import Secrets
from controller.core.model import (
    Config,
    Digest,
    Handshake,
    Health,
    KindSpec,
    Launch,
    LogLimits,
    PluginSpec,
    Problem,
    Restart,
    SecretUnavailable,
    StopTimes,
    UpdateTimes,
    YamlRejected,
)
from controller.errors import PluginmgrError

# The installed ones, with the handshake that each brings, if it does. Asking for one may raise PluginmgrError.
Adapters = Mapping[str, Handshake | None]
ONLY_STANDARD: Adapters = MappingProxyType({STANDARD: None})
NO_HINT = Hint()


def resolve(
    document: Document,
    *,
    plugin_dir: str,
    environ: Mapping[str, str],
    secrets_dirs: Iterable[str],
    hints: Hints = NO_HINTS,
    adapters: Adapters = ONLY_STANDARD,
) -> Config:
    """The Config that the document means here and now; raises DocumentError if a kind's adapter does not fit."""
    secrets = Secrets(environ, secrets_dirs)
    return resolve_with(secrets, document, plugin_dir=plugin_dir, hints=hints, adapters=adapters)


def resolve_with(secrets: Secrets, document: Document, *, plugin_dir: str, hints: Hints, adapters: Adapters) -> Config:
    """The same, with secrets whose freshness can be asked later."""
    spec = document.data["spec"]
    kinds = {}
    for kind, place in zip(spec["kinds"], places(document, plugin_dir), strict=True):
        handshake = _handshake(document, kind, place.adapter, adapters)
        resolver = _Kind(place.adapter, handshake, secrets)
        lower = over(kind.get("defaults", {}), spec.get("defaults", {}))
        hinted = {name: hint for (of, name), hint in hints.items() if of == place.kind}
        kinds[place.kind] = resolver.spec(kind, lower, hinted, place.directory)
    return Config(document.generation, spec.get("paused", False), kinds, document.name, document.uid)


def places(document: Document, plugin_dir: str) -> list[Place]:
    """Where each kind's plugins lie and by which adapter they are known, in the document's order."""
    root = Path(plugin_dir).absolute()
    kinds = document.data["spec"]["kinds"]
    return [Place(kind["name"], str(root / directory_of(kind)), kind.get("adapter", STANDARD)) for kind in kinds]


class _Kind:
    """Resolves the plugins of one kind; most differ from its default in nothing that costs."""

    def __init__(self, adapter: str, handshake: Handshake, secrets: Secrets) -> None:
        self._adapter = adapter
        self._handshake = handshake
        self._secrets = secrets

    def spec(self, kind: Fields, lower: Fields, hinted: Mapping[str, Hint], directory: str) -> KindSpec:
        default = _plugin(lower, self._launch(lower))
        entries: dict[str, Fields] = {entry["name"]: entry for entry in kind.get("plugins", ())}
        only_hinted = hinted.keys() - entries.keys()
        plugins = {
            name: self._entry(entries.get(name, {}), lower, hinted.get(name, NO_HINT), default)
            for name in (*entries, *only_hinted)
        }
        return KindSpec(kind["name"], directory, default, plugins, frozenset(only_hinted))

    def _entry(self, entry: Fields, lower: Fields, hint: Hint, default: PluginSpec) -> PluginSpec:
        fields = over(entry, over(lower, hint.fields))
        launch: Launch | SecretUnavailable | YamlRejected = default.launch
        if hint.refused:
            launch = YamlRejected(hint.refused)
        elif hint.metadata or not (LAUNCH_FIELDS.isdisjoint(entry) and LAUNCH_FIELDS.isdisjoint(hint.fields)):
            launch = self._launch(fields, hint.metadata)
        return _plugin(fields, launch, hint.problem)

    def _launch(self, fields: Fields, metadata: str = "") -> Launch | SecretUnavailable:
        return launch_of(fields, self._adapter, self._handshake, self._secrets, metadata)


def _handshake(document: Document, kind: Fields, adapter: str, adapters: Adapters) -> Handshake:
    given = kind.get("handshake")
    if adapter not in adapters:
        problem = f"no adapter {adapter} is installed; there are: {', '.join(sorted(adapters))}"
        raise DocumentError([Finding(document.source, problem, f"spec.kinds[{kind['name']}].adapter")])
    if given is not None:
        versions = tuple(sorted(map(int, given["protocolVersions"])))
        return Handshake(given["cookieKey"], given["cookieValue"], versions)
    try:
        brought = adapters[adapter]
    except PluginmgrError as error:
        problem = f"the adapter {adapter}, which is to bring the handshake, is no use: {error}"
        raise DocumentError([Finding(document.source, problem, f"spec.kinds[{kind['name']}].adapter")]) from error
    if brought is None:
        problem = f"is missing, and the adapter {adapter} brings none"
        raise DocumentError([Finding(document.source, problem, f"spec.kinds[{kind['name']}].handshake")])
    return brought


def _plugin(
    fields: Fields, launch: Launch | SecretUnavailable | YamlRejected, problem: Problem | None = None
) -> PluginSpec:
    default = PluginSpec(launch)
    return PluginSpec(
        launch=launch,
        enabled=fields.get("enabled", default.enabled),
        workers=int(fields.get("workers", default.workers)),
        required=fields.get("required", default.required),
        pins=frozenset(map(Digest, fields.get("sha256", ()))),
        start_timeout=float(fields.get("startTimeoutSeconds", default.start_timeout)),
        health=_health(fields["health"], default.health) if "health" in fields else default.health,
        restart=_restart(fields["restart"], default.restart) if "restart" in fields else default.restart,
        stop=_stop(fields["stop"], default.stop) if "stop" in fields else default.stop,
        update=_update(fields["update"], default.update) if "update" in fields else default.update,
        logs=_logs(fields["logs"], default.logs) if "logs" in fields else default.logs,
        problem=problem,
    )


def _health(fields: Fields, default: Health) -> Health:
    return Health(
        period=float(fields.get("periodSeconds", default.period)),
        timeout=float(fields.get("timeoutSeconds", default.timeout)),
        failure_threshold=int(fields.get("failureThreshold", default.failure_threshold)),
    )


def _restart(fields: Fields, default: Restart) -> Restart:
    return Restart(
        initial_delay=fields.get("initialDelayMilliseconds", default.initial_delay * 1000) / 1000,
        max_delay=float(fields.get("maxDelaySeconds", default.max_delay)),
        calm=float(fields.get("calmSeconds", default.calm)),
    )


def _stop(fields: Fields, default: StopTimes) -> StopTimes:
    return StopTimes(
        shutdown=float(fields.get("shutdownSeconds", default.shutdown)),
        kill=float(fields.get("killSeconds", default.kill)),
    )


def _update(fields: Fields, default: UpdateTimes) -> UpdateTimes:
    return UpdateTimes(
        drain=float(fields.get("drainSeconds", default.drain)),
        min_ready=float(fields.get("minReadySeconds", default.min_ready)),
        probation=float(fields.get("probationSeconds", default.probation)),
    )


def _logs(fields: Fields, default: LogLimits) -> LogLimits:
    return LogLimits(
        status_lines=int(fields.get("statusLines", default.status_lines)),
        rate=int(fields.get("rateLinesPerSecond", default.rate)),
    )
