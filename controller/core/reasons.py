"""Every word that may stand as a reason in a condition, an exit or an event: one list for code, docs and tests.

A new way to fail needs: its word here with a line for operators; for a start also the same word in `goplugin.Failure`
(where its line stands then) and its recogniser in `goplugin.preflight` or `goplugin.diagnosis`; for a loss the place
that sees it (`manager.supervisor`, `manager.watches`, `manager.resident`, or `core.fold`); a misbehaving program in
tests/plugins with its line in zoo.py; and `make docs`. To be counted from zero on it goes into `metrics.counts`.
"""

from enum import StrEnum


class Reason(StrEnum):
    """CamelCase words that leave the process; part of the API. The comment is the operator's explanation."""

    # States that are as they should be.
    SERVING = "Serving"  # all wanted workers are ready and serve
    COMPLETE = "Complete"  # nothing is under way
    NOT_PINNED = "NotPinned"  # no digest is pinned, any bytes are taken
    PIN_MATCHED = "PinMatched"  # the bytes on the volume are among the pinned digests
    AS_EXPECTED = "AsExpected"  # the negative condition does not hold

    # States on the way.
    STARTING = "Starting"  # workers are being started
    UPDATING = "Updating"  # a candidate is getting ready beside the serving version
    BACKING_OFF = "BackingOff"  # a failed worker waits for its next try
    CRASH_LOOP = "CrashLoop"  # the third failure in a row or later; tried again for ever, see the next retry
    ROLLED_BACK = "RolledBack"  # the new version fell into a crash loop in probation; the last good one serves
    PARTLY_READY = "PartlyReady"  # fewer workers are ready than wanted
    DRAINING = "Draining"  # workers answer their last calls before they are stopped
    PAUSED = "Paused"  # spec.paused freezes targets and counts
    SHUTTING_DOWN = "ShuttingDown"  # the controller is stopping everything

    # Not wanted, refused or not decidable.
    DISABLED = "Disabled"  # `enabled: false`
    REMOVED = "Removed"  # the file is gone from the volume
    KIND_REMOVED = "KindRemoved"  # the config no longer has the kind
    DIGEST_MISMATCH = "DigestMismatch"  # the bytes on the volume are not among the pinned digests
    SECRET_UNAVAILABLE = "SecretUnavailable"  # a `fromFile` or `fromEnv` of the launch cannot be read
    YAML_REJECTED = "YamlRejected"  # the YAML beside the binary is unfit: the last good one stays, else no start
    DUPLICATE_ID = "DuplicateId"  # another plugin of the kind holds the id that this one reports
    ID_MISMATCH = "IdMismatch"  # workers of one version report different ids
    FILE_UNREADABLE = "FileUnreadable"  # the file is there and cannot be read
    NOT_A_PLUGIN_FILE = "NotAPluginFile"  # an entry on the volume that is never run: link out of the volume, bad name
    STORE_FAILED = "StoreFailed"  # the binary could not be copied into the store: disk full, read-only

    # How a start fails (goplugin.Failure has the same words, see there for the diagnosis).
    NOT_EXECUTABLE = "NotExecutable"
    VOLUME_NOT_EXECUTABLE = "VolumeNotExecutable"
    WRONG_ARCHITECTURE = "WrongArchitecture"
    MISSING_INTERPRETER = "MissingInterpreter"
    UNKNOWN_FORMAT = "UnknownFormat"
    SPAWN_FAILED = "SpawnFailed"
    EXITED_BEFORE_HANDSHAKE = "ExitedBeforeHandshake"
    WRONG_COOKIE = "WrongCookie"
    NOT_A_PLUGIN = "NotAPlugin"
    HANDSHAKE_TOO_LONG = "HandshakeTooLong"
    HANDSHAKE_TIMEOUT = "HandshakeTimeout"
    NET_RPC = "NetRpc"
    INCOMPATIBLE_CORE_VERSION = "IncompatibleCoreVersion"
    INCOMPATIBLE_VERSION = "IncompatibleVersion"
    UNSUPPORTED_NETWORK = "UnsupportedNetwork"
    UNEXPECTED_CERTIFICATE = "UnexpectedCertificate"
    SOCKET_PATH_TOO_LONG = "SocketPathTooLong"
    PORT_IN_USE = "PortInUse"
    CONNECT_FAILED = "ConnectFailed"
    NOT_SERVING = "NotServing"
    HEALTH_TIMEOUT = "HealthTimeout"
    INTERNAL_ERROR = "InternalError"  # a fault of the controller itself in handling this worker; its log has it
    ADAPTER_FAILED = "AdapterFailed"  # the adapter's handshake with the plugin failed

    # How a worker that was up is lost.
    EXITED = "Exited"  # ended by itself, whatever the code
    KILLED = "Killed"  # ended by a signal that the controller did not send
    UNHEALTHY = "Unhealthy"  # health checks failed as often as the threshold allows
    MEMORY_LIMIT = "MemoryLimit"  # resident size over limits.memory

    # The pod as a whole.
    ALL_READY = "AllReady"  # everything wanted is ready
    NOT_ALL_READY = "NotAllReady"  # something wanted is not ready; its own conditions say why
    CONFIG_STALE = "ConfigStale"  # the source of the config does not answer; the last good one is followed
    CONFIG_REJECTED = "ConfigRejected"  # the newest config cannot be used; the last good one is followed
    CONFIG_MISSING = "ConfigMissing"  # the config was deleted; the last good one is followed
    API_UNREACHABLE = "ApiUnreachable"  # the API server takes no status; it is written as soon as it does
    STATUS_TOO_LARGE = "StatusTooLarge"  # the API server takes no object that large; see the message for what it lacks
    NO_CONFIG = "NoConfig"  # no config has been read yet, so nothing runs
    VOLUME_MISSING = "VolumeMissing"  # a plugin directory or its mount is gone; nothing is stopped for that
    VOLUME_UNREADABLE = "VolumeUnreadable"  # a plugin directory cannot be listed; nothing is stopped for that
    WATCH_POLLING = "WatchPolling"  # file events do not work here; changes are found by the rescan
    STATE_NOT_WRITABLE = "StateNotWritable"  # the state directory takes no writes: full, or read-only

    # A PluginConfig over all its pods.
    NO_PODS = "NoPods"  # no pod follows this config
    PODS_OUTDATED = "PodsOutdated"  # some pods have not yet taken over the newest generation
    PODS_FAILED = "PodsFailed"  # in some pods something wanted does not run
