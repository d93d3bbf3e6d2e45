"""Plugin binaries: found by scan, noticed by watch, kept and executed from the store. No decisions about plugins.

`VolumeWatch` says when to look, `Scanner` looks (`listing`, `entries`, `settling`, `memory`), `Intake` reads what is
new, `Store` keeps what runs. All but `VolumeWatch` blocks on the disk and lives in threads.
"""

from controller.volume.scan import Scan, Scanner
from controller.volume.settling import Moment
from controller.volume.store import Store
from controller.volume.watch import Pace, VolumeWatch

__all__ = ["Moment", "Pace", "Scan", "Scanner", "Store", "VolumeWatch"]
