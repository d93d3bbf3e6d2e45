"""The config that is in force: what the core is told of it, and what is kept of it for the next start.

Both sources, the file and the cluster's object, end here. The core hears of a config when it means something new, and
of an error when it is another one. Not thread-safe but for `save`; no watching.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from controller.config.atomic import replace_file
from controller.config.document import Document, parse
from controller.config.findings import DocumentError, Finding
from controller.config.layers import NO_HINTS, Hints, Place
from controller.config.resolve import ONLY_STANDARD, Adapters, places, resolve_with
from controller.config.secrets import Secrets
from controller.core.events import ConfigMissing, ConfigRead, ConfigRejected, Event
from controller.core.model import Config

_logger = logging.getLogger(__name__)


class CurrentConfig:
    """Holds the last good Document; submits ConfigRead, ConfigRejected and ConfigMissing."""

    def __init__(
        self,
        submit: Callable[[Event], None],
        *,
        plugin_dir: str,
        environ: Mapping[str, str],
        secrets_dirs: Iterable[str],
        keep: Path,
        hints: Callable[[Sequence[Place]], Hints] = lambda _: NO_HINTS,
        adapters: Adapters = ONLY_STANDARD,
    ) -> None:
        """`keep` is the file in the state directory; `hints` is asked at each resolution, for the document's kinds."""
        self._submit = submit
        self._plugin_dir = plugin_dir
        self._environ = environ
        self._secrets_dirs = tuple(secrets_dirs)
        self._keep = keep
        self._hints = hints
        self._adapters = adapters
        self._document: Document | None = None
        self._kept = self._read_kept()
        self._secrets = Secrets({}, ())
        self._hinted: Hints = NO_HINTS
        self._config: Config | None = None
        self._complaint: ConfigRejected | ConfigMissing | None = None
        self._warned: tuple[Finding, ...] = ()

    def check(self, document: Document) -> None:
        """Raise DocumentError if the document could not be taken over here and now."""
        self._resolve(document)

    def offer(self, document: Document) -> None:
        """Take over a valid document; call `save` afterwards, where blocking does no harm."""
        document = self._numbered(document)
        try:
            config = self._resolve(document)
        except DocumentError as error:
            self.reject(error.summary())
            return
        self._warn(document.warnings)
        self._document = document
        if config != self._config or self._complaint:
            self._config, self._complaint = config, None
            _logger.info("config read", extra={"source": document.source, "generation": document.generation})
            self._submit(ConfigRead(config))

    def reject(self, message: str) -> None:
        """There is a config and it cannot be used; the last good one stays."""
        self._complain(ConfigRejected(message))

    def missing(self, message: str) -> None:
        """There is no config any more; the last good one stays."""
        self._complain(ConfigMissing(message))

    def fall_back(self) -> None:
        """Nobody says what the config is: go on with the one kept from an earlier run, if nothing is in force yet."""
        if self._document is None and self._kept is not None:
            self._take_kept(self._kept)

    def forget_other(self, name: str) -> None:
        """Do not go on with a config kept of another name: the directory may have served something else before."""
        if self._kept is not None and self._kept.name != name:
            _logger.info("kept config is of another name", extra={"kept": self._kept.name, "wanted": name})
            self._kept = None

    def refresh(self) -> None:
        """Read the secrets again, and ask for hints."""
        if self._document is None or (self._secrets.is_fresh() and self._ask(self._document) == self._hinted):
            return
        config = self._resolve(self._document)
        if config != self._config:
            self._config = config
            self._submit(ConfigRead(config))
            if self._complaint:  # which ConfigRead has just made the core forget
                self._submit(self._complaint)

    def last_good(self) -> Document | None:
        """What is in force, or was when the controller last ran."""
        return self._document or self._kept

    def save(self) -> None:
        """Keep the last good document for the next start; may run in a thread, since it waits for the disk."""
        document = self._document
        if document is None or document is self._kept:
            return
        data = {**document.data, "metadata": {**document.data["metadata"], "generation": document.generation}}
        try:
            replace_file(self._keep, json.dumps(data).encode(), durable=True)
        except OSError as error:
            _logger.warning("cannot keep the config for the next start", extra={"error": str(error)})
        else:
            self._kept = document

    def _resolve(self, document: Document) -> Config:
        secrets, hints = Secrets(self._environ, self._secrets_dirs), self._ask(document)
        config = resolve_with(secrets, document, plugin_dir=self._plugin_dir, hints=hints, adapters=self._adapters)
        self._secrets, self._hinted = secrets, hints
        return config

    def _ask(self, document: Document) -> Hints:
        return dict(self._hints(places(document, self._plugin_dir)))

    def _numbered(self, document: Document) -> Document:
        """A file has no generation of its own: count as the API server does, one up for each change of the spec."""
        if document.generation:
            return document
        before = self.last_good()
        if before is None:
            return replace(document, generation=1)
        is_same = before.data["spec"] == document.data["spec"]
        return replace(document, generation=before.generation + (not is_same))

    def _complain(self, event: ConfigRejected | ConfigMissing) -> None:
        if event == self._complaint:
            return
        self.fall_back()
        self._complaint = event
        _logger.warning("config not usable", extra={"problem": event.message, "last_good": self._document is not None})
        self._submit(event)

    def _take_kept(self, kept: Document) -> None:
        try:
            self._config = self._resolve(kept)
        except DocumentError as error:  # an adapter was installed then and is not now
            _logger.warning("kept config not usable", extra={"problem": error.summary()})
            return
        self._document = kept
        self._submit(ConfigRead(self._config))

    def _read_kept(self) -> Document | None:
        try:
            return parse(self._keep.read_bytes(), source=str(self._keep))
        except FileNotFoundError:
            return None
        except (OSError, DocumentError) as error:
            _logger.warning("kept config not usable", extra={"problem": str(error)})
            return None

    def _warn(self, warnings: tuple[Finding, ...]) -> None:
        for warning in warnings:
            if warning not in self._warned:
                _logger.warning("config warning", extra={"problem": str(warning)})
        self._warned = warnings
